/*
 * Lists: what is put at their ends and taken from there, elements by index and
 * by value.
 *
 * Where Redis looks at an argument only if the key exists, so does the run;
 * everything else is checked before (src/cmd/README.md).
 *
 * How it fails: with an error reply, and nothing changed. A long reply of a
 * read is refused above CMD_REPLY_BYTES_MAX.
 */
#include "cmd/cmd_list.h"

#include "base/num.h"

#include <inttypes.h>

#define POP_ELEMENT_BYTES 16 /* what one takes beside its bytes */

/* --- shared ------------------------------------------------------------- */

bool list_parse_end(struct resp_writer *w, struct bytes arg, enum list_end *out)
{
    ASSERT(out != NULL);
    if (word_is(arg, "left")) {
        *out = LIST_LEFT;
    } else if (word_is(arg, "right")) {
        *out = LIST_RIGHT;
    } else {
        reply_syntax(w);
        return false;
    }
    return true;
}

bool list_parse_between(struct resp_writer *w, struct bytes arg, int64_t min,
                        int64_t max, int64_t *out)
{
    ASSERT(min < max);
    if (!parse_integer(w, arg, out))
        return false;
    if (*out >= min && *out <= max)
        return true;
    resp_errorf(w,
                "ERR value is out of range, value must between %" PRId64
                " and %" PRId64,
                min, max);
    return false;
}

bool list_parse_from(struct resp_writer *w, struct bytes arg, int64_t min,
                     const char *error, int64_t *out)
{
    ASSERT(error[0] == 'E'); /* it begins with a code */
    if (num_parse_i64(arg, out) && *out >= min)
        return true;
    resp_error(w, error);
    return false;
}

bool list_open(struct cmd_call *c, struct bytes key, struct object **out)
{
    ASSERT((c->cmd->categories & CAT_LIST) != 0);
    return open_collection(c, key, VALUE_LIST, out);
}

void list_reply_nth(struct cmd_call *c, struct object *o, uint64_t nth)
{
    struct list_walk w;
    ASSERT(nth < list_length(o));
    list_walk_init(&w, o, nth, false);
    if (list_walk_next(&w))
        reply_cell(c, o, &w.cell);
    else
        resp_null(c->out); /* an error of the store, which is final */
    list_walk_release(&w);
}

bool list_pop_fits(struct cmd_call *c, struct object *o, enum list_end end,
                   uint64_t count)
{
    struct list_walk w;
    bool right = end == LIST_RIGHT;
    bool fits = true;
    uint64_t bytes = 0;
    ASSERT(count <= list_length(o));
    list_walk_init(&w, o, right ? list_length(o) - 1 : 0, right);
    for (uint64_t i = 0; count > 1 && i < count && fits && list_walk_next(&w);
         i++) {
        bytes += w.cell.length + POP_ELEMENT_BYTES;
        fits = bytes <= CMD_REPLY_BYTES_MAX;
    }
    list_walk_release(&w);
    if (!fits)
        resp_error(c->out, "ERR too many elements at once, take fewer of them");
    return fits;
}

void list_pop(struct cmd_call *c, struct object *o, enum list_end end,
              uint64_t count)
{
    struct list_walk w;
    uint64_t length = list_length(o);
    bool right = end == LIST_RIGHT;
    ASSERT(count <= length);
    resp_array(c->out, (size_t)count);
    list_walk_init(&w, o, right ? length - 1 : 0, right);
    for (uint64_t i = 0; i < count && list_walk_next(&w); i++)
        reply_cell(c, o, &w.cell);
    list_walk_release(&w);
    list_cut(o, right ? length - count : 0, right ? length : count);
}

void list_pop_one(struct cmd_call *c, struct object *o, enum list_end end)
{
    ASSERT(list_length(o) > 0);
    uint64_t nth = end == LIST_RIGHT ? list_length(o) - 1 : 0;
    list_reply_nth(c, o, nth);
    list_cut(o, nth, nth + 1);
}

/* --- pushes and pops ---------------------------------------------------- */

void cmd_push_run(struct cmd_call *c)
{
    struct object *o;
    enum cmd_id id = c->cmd->id;
    bool right = id == CMD_ID_RPUSH || id == CMD_ID_RPUSHX;
    bool must_exist = id == CMD_ID_LPUSHX || id == CMD_ID_RPUSHX;
    ASSERT(c->argc >= 3);
    if (!list_open(c, c->argv[1], &o))
        return;
    if (list_length(o) > 0 || !must_exist) {
        for (uint32_t i = 2; i < c->argc; i++)
            list_push(o, right ? LIST_RIGHT : LIST_LEFT, c->argv[i]);
        object_save(o);
    }
    resp_integer(c->out, (int64_t)list_length(o));
    object_close(o);
}

/* How many, if it is said: `given`. */
static bool parse_pop(const struct cmd_args *a, int64_t *count, bool *given)
{
    ASSERT((a->cmd->flags & CMD_WRITE) != 0);
    *given = a->argc > 2;
    *count = 1;
    if (a->argc > 3) {
        cmd_reply_arity(a->out, a->cmd);
        return false;
    }
    return !*given || list_parse_from(
                          a->out, a->argv[2], 0,
                          "ERR value is out of range, must be positive", count);
}

bool cmd_pop_check(struct cmd_args *a)
{
    int64_t count = 0;
    bool given = false;
    ASSERT(a->argc >= 2);
    return parse_pop(a, &count, &given);
}

void cmd_pop_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct object *o;
    int64_t count = 0;
    bool given = false;
    enum list_end end = c->cmd->id == CMD_ID_LPOP ? LIST_LEFT : LIST_RIGHT;
    if (!parse_pop(&a, &count, &given) || !list_open(c, c->argv[1], &o))
        return;
    ASSERT(count >= 0);
    uint64_t length = list_length(o);
    ASSERT(o->exists == (length > 0));
    if (length == 0 && given)
        resp_null_array(c->out);
    else if (length == 0)
        resp_null(c->out);
    else if (!given)
        list_pop_one(c, o, end);
    else if (list_pop_fits(c, o, end, MIN((uint64_t)count, length)))
        list_pop(c, o, end, MIN((uint64_t)count, length));
    if (list_length(o) < length)
        object_save(o);
    object_close(o);
}

/* --- by index ----------------------------------------------------------- */

void cmd_llen_run(struct cmd_call *c)
{
    struct object *o;
    ASSERT(c->argc == 2);
    if (!list_open(c, c->argv[1], &o))
        return;
    resp_integer(c->out, (int64_t)list_length(o));
    object_close(o);
}

/* Which element an index means, negative from the end; false: none. */
static bool find_index(const struct object *o, int64_t index, uint64_t *nth)
{
    int64_t length = (int64_t)list_length(o);
    ASSERT(length >= 0);
    if (index < 0)
        index += length;
    if (index < 0 || index >= length)
        return false;
    *nth = (uint64_t)index;
    return true;
}

void cmd_lindex_run(struct cmd_call *c)
{
    struct object *o;
    int64_t index = 0;
    uint64_t nth = 0;
    ASSERT(c->argc == 3);
    if (!list_open(c, c->argv[1], &o))
        return;
    if (list_length(o) == 0)
        resp_null(c->out);
    else if (!parse_integer(c->out, c->argv[2], &index))
        ; /* answered */
    else if (find_index(o, index, &nth))
        list_reply_nth(c, o, nth);
    else
        resp_null(c->out);
    object_close(o);
}

void cmd_lset_run(struct cmd_call *c)
{
    struct object *o;
    int64_t index = 0;
    uint64_t nth = 0;
    ASSERT(c->argc == 4);
    if (!list_open(c, c->argv[1], &o))
        return;
    if (list_length(o) == 0) {
        resp_error(c->out, "ERR no such key");
    } else if (parse_integer(c->out, c->argv[2], &index)) {
        if (find_index(o, index, &nth)) {
            list_set(o, nth, c->argv[3]);
            object_save(o);
            resp_status(c->out, "OK");
        } else {
            resp_error(c->out, "ERR index out of range");
        }
    }
    object_close(o);
}

/* From start to stop, both negative from the end: the elements from one up to
 * before another. */
static void find_range(const struct object *o, int64_t start, int64_t stop,
                       uint64_t *from, uint64_t *to)
{
    int64_t length = (int64_t)list_length(o);
    ASSERT(length >= 0);
    if (start < 0)
        start = MAX(start + length, 0);
    if (stop < 0)
        stop += length;
    stop = MIN(stop, length - 1);
    *from = *to = 0;
    if (start > stop)
        return;
    *from = (uint64_t)start;
    *to = (uint64_t)stop + 1;
    ASSERT(*from < *to && *to <= (uint64_t)length);
}

static bool parse_range(const struct cmd_args *a, int64_t *start, int64_t *stop)
{
    ASSERT(a->argc == 4);
    return parse_integer(a->out, a->argv[2], start) &&
           parse_integer(a->out, a->argv[3], stop);
}

bool cmd_lrange_check(struct cmd_args *a)
{
    int64_t start = 0;
    int64_t stop = 0;
    ASSERT(a->cmd->id == CMD_ID_LRANGE || a->cmd->id == CMD_ID_LTRIM);
    return parse_range(a, &start, &stop);
}

void cmd_lrange_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct long_reply reply;
    struct object *o;
    struct list_walk w;
    int64_t start = 0;
    int64_t stop = 0;
    uint64_t from = 0;
    uint64_t to = 0;
    if (!parse_range(&a, &start, &stop) || !list_open(c, c->argv[1], &o))
        return;
    find_range(o, start, stop, &from, &to);
    ASSERT(from <= to && to <= list_length(o));
    long_reply_begin(&reply, c);
    resp_array(c->out, (size_t)(to - from));
    list_walk_init(&w, o, from, false);
    for (uint64_t i = from; i < to && list_walk_next(&w); i++) {
        if (!long_reply_add(&reply, w.cell.length,
                            "LRANGE with a smaller range"))
            break;
        reply_cell(c, o, &w.cell);
    }
    list_walk_release(&w);
    object_close(o);
}

void cmd_ltrim_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct object *o;
    int64_t start = 0;
    int64_t stop = 0;
    uint64_t from = 0;
    uint64_t to = 0;
    if (!parse_range(&a, &start, &stop) || !list_open(c, c->argv[1], &o))
        return;
    uint64_t length = list_length(o);
    find_range(o, start, stop, &from, &to);
    list_cut(o, to, length);
    list_cut(o, 0, from);
    ASSERT(list_length(o) == to - from || keyspace_error(c->ks) != 0);
    if (list_length(o) < length)
        object_save(o);
    resp_status(c->out, "OK");
    object_close(o);
}

/* --- by value ----------------------------------------------------------- */

static bool parse_before(const struct cmd_args *a, bool *before)
{
    ASSERT(a->argc == 5);
    *before = word_is(a->argv[2], "before");
    if (*before || word_is(a->argv[2], "after"))
        return true;
    reply_syntax(a->out);
    return false;
}

bool cmd_linsert_check(struct cmd_args *a)
{
    bool before = false;
    ASSERT(a->cmd->id == CMD_ID_LINSERT);
    return parse_before(a, &before);
}

/* The first element that equals a value; false: there is none. */
static bool find_value(struct object *o, struct bytes value, uint64_t *nth)
{
    struct list_walk w;
    bool found = false;
    ASSERT(list_length(o) > 0);
    list_walk_init(&w, o, 0, false);
    while (!found && list_walk_next(&w)) {
        found = cell_equals(o, &w.cell, value);
        *nth = w.nth;
    }
    list_walk_release(&w);
    return found;
}

void cmd_linsert_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct object *o;
    bool before = false;
    uint64_t nth = 0;
    if (!parse_before(&a, &before) || !list_open(c, c->argv[1], &o))
        return;
    if (list_length(o) == 0) {
        resp_integer(c->out, 0);
    } else if (!find_value(o, c->argv[3], &nth)) {
        resp_integer(c->out, -1);
    } else {
        ASSERT(nth < list_length(o));
        list_insert(o, before ? nth : nth + 1, c->argv[4]);
        object_save(o);
        resp_integer(c->out, (int64_t)list_length(o));
    }
    object_close(o);
}

static bool parse_lrem(const struct cmd_args *a, int64_t *count)
{
    ASSERT(a->argc == 4);
    return parse_integer(a->out, a->argv[2], count);
}

bool cmd_lrem_check(struct cmd_args *a)
{
    int64_t count = 0;
    ASSERT((a->cmd->flags & CMD_FREES) != 0);
    return parse_lrem(a, &count);
}

void cmd_lrem_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct object *o;
    int64_t count = 0;
    if (!parse_lrem(&a, &count) || !list_open(c, c->argv[1], &o))
        return;
    uint64_t max = count < 0 ? -(uint64_t)count : (uint64_t)count;
    if (count == 0)
        max = UINT64_MAX;
    uint64_t removed = list_remove_equal(o, count < 0 ? LIST_RIGHT : LIST_LEFT,
                                         max, c->argv[3]);
    ASSERT(removed <= max);
    if (removed > 0)
        object_save(o);
    resp_integer(c->out, (int64_t)removed);
    object_close(o);
}
