/*
 * Keys whatever their type: another name, a copy, another database; and
 * databases exchanged.
 *
 * How it fails: with an error reply, and nothing changed. A copy that an entry
 * has no room for (CMD_ENTRY_BYTES_MAX) is not made.
 */
#include "base/num.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"
#include "data/database.h"
#include "data/object.h"

static bool exists(struct cmd_call *c, uint8_t db, struct bytes key)
{
    struct value v;
    ASSERT(db < KEYSPACE_DATABASES);
    return keyspace_get(c->ks, db, key, &v);
}

static void reply_same(struct resp_writer *w)
{
    resp_error(w, "ERR source and destination objects are the same");
}

/* --- RENAME ------------------------------------------------------------- */

void cmd_rename_run(struct cmd_call *c)
{
    bool if_free = c->cmd->id == CMD_ID_RENAMENX;
    bool same = bytes_eq(c->argv[1], c->argv[2]);
    ASSERT(c->argc == 3);
    if (!exists(c, c->db, c->argv[1])) {
        resp_error(c->out, "ERR no such key");
        return;
    }
    if (if_free && (same || exists(c, c->db, c->argv[2]))) {
        resp_integer(c->out, 0);
        return;
    }
    if (!same)
        object_rename(c->ks, c->db, c->argv[1], c->argv[2]);
    if (if_free)
        resp_integer(c->out, 1);
    else
        resp_status(c->out, "OK");
}

/* --- SWAPDB ------------------------------------------------------------- */

/* "first", "second": which of them is no number. */
static bool parse_swapped(struct resp_writer *w, struct bytes text,
                          const char *which, int64_t *n)
{
    struct resp_writer none = {.out = NULL};
    ASSERT(w != NULL && which != NULL);
    if (parse_integer(&none, text, n) && *n >= INT32_MIN && *n <= INT32_MAX)
        return true;
    resp_errorf(w, "ERR invalid %s DB index", which);
    return false;
}

static bool parse_swap(const struct cmd_args *a, int64_t *first,
                       int64_t *second)
{
    ASSERT(a->argc == 3);
    if (!parse_swapped(a->out, a->argv[1], "first", first) ||
        !parse_swapped(a->out, a->argv[2], "second", second))
        return false;
    if (*first >= 0 && *first < KEYSPACE_DATABASES && *second >= 0 &&
        *second < KEYSPACE_DATABASES)
        return true;
    resp_error(a->out, "ERR DB index is out of range");
    return false;
}

bool cmd_swapdb_check(struct cmd_args *a)
{
    int64_t first = 0;
    int64_t second = 0;
    bool ok = parse_swap(a, &first, &second);
    ASSERT(!ok || (first < KEYSPACE_DATABASES && second < KEYSPACE_DATABASES));
    return ok;
}

void cmd_swapdb_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    int64_t first = 0;
    int64_t second = 0;
    ASSERT((c->cmd->flags & CMD_WRITE) != 0);
    if (!parse_swap(&a, &first, &second))
        return;
    database_swap(c->ks, (uint8_t)first, (uint8_t)second);
    resp_status(c->out, "OK");
}

/* --- COPY and MOVE ------------------------------------------------------ */

/* The number of a database, as Redis takes it: an int that exists. */
static bool parse_db(struct resp_writer *w, struct bytes text, uint8_t *db)
{
    int64_t n = 0;
    ASSERT(KEYSPACE_DATABASES <= UINT8_MAX);
    if (!parse_integer(w, text, &n))
        return false;
    if (n < INT32_MIN || n > INT32_MAX) {
        resp_errorf(w,
                    "ERR value is out of range, value must between %d and %d",
                    INT32_MIN, INT32_MAX);
        return false;
    }
    if (n < 0 || n >= KEYSPACE_DATABASES) {
        resp_error(w, "ERR DB index is out of range");
        return false;
    }
    *db = (uint8_t)n;
    return true;
}

struct copy_options {
    bool replace;
    bool elsewhere; /* in `db` */
    uint8_t db;
};

static bool parse_copy(const struct cmd_args *a, struct copy_options *out)
{
    ASSERT(a->argc >= 3);
    *out = (struct copy_options){.replace = false};
    for (uint32_t i = 3; i < a->argc; i++) {
        if (word_is(a->argv[i], "replace")) {
            out->replace = true;
        } else if (word_is(a->argv[i], "db") && i + 1 < a->argc) {
            i++;
            if (!parse_db(a->out, a->argv[i], &out->db))
                return false;
            out->elsewhere = true;
        } else {
            reply_syntax(a->out);
            return false;
        }
    }
    return true;
}

bool cmd_copy_check(struct cmd_args *a)
{
    struct copy_options o;
    bool ok = parse_copy(a, &o);
    ASSERT(!ok || o.db < KEYSPACE_DATABASES);
    return ok;
}

/* False, and OOM is answered, if the entry has no room for it. */
static bool copy(struct cmd_call *c, struct bytes to, uint8_t db)
{
    struct object_place source = {c->db, c->argv[1]};
    struct object_place target = {db, to};
    ASSERT(db != c->db || !bytes_eq(source.key, to));
    if (object_copy(c->ks, &source, &target, CMD_ENTRY_BYTES_MAX))
        return true;
    cmd_reply_entry_full(c->out);
    return false;
}

void cmd_copy_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct copy_options o;
    if (!parse_copy(&a, &o))
        return;
    uint8_t db = o.elsewhere ? database_place(c->ks, o.db) : c->db;
    ASSERT(db < KEYSPACE_DATABASES);
    if (db == c->db && bytes_eq(c->argv[1], c->argv[2])) {
        reply_same(c->out);
        return;
    }
    if (!exists(c, c->db, c->argv[1]) ||
        (!o.replace && exists(c, db, c->argv[2]))) {
        resp_integer(c->out, 0);
        return;
    }
    if (copy(c, c->argv[2], db))
        resp_integer(c->out, 1);
}

bool cmd_move_check(struct cmd_args *a)
{
    uint8_t db = 0;
    bool ok = parse_db(a->out, a->argv[2], &db);
    ASSERT(!ok || db < KEYSPACE_DATABASES);
    return ok;
}

void cmd_move_run(struct cmd_call *c)
{
    uint8_t db = 0;
    ASSERT(c->argc == 3);
    if (!parse_db(c->out, c->argv[2], &db))
        return;
    db = database_place(c->ks, db);
    if (db == c->db) {
        reply_same(c->out);
        return;
    }
    if (!exists(c, c->db, c->argv[1]) || exists(c, db, c->argv[1])) {
        resp_integer(c->out, 0);
        return;
    }
    if (!copy(c, c->argv[1], db))
        return;
    (void)keyspace_delete(c->ks, c->db, c->argv[1]);
    resp_integer(c->out, 1);
}
