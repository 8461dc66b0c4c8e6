/*
 * How it works: the specifications of a command are walked one after the
 * other. Each is turned into a range of arguments (at, last, step) once its
 * beginning and its number of keys are known, so that no list is built.
 *
 * How it fails: arguments that contradict a specification (a number of keys
 * that is none, keys beyond the end) end the walk with `invalid`.
 */
#include "table/keys.h"

#include "base/num.h"
#include "table/table.h"

/* IFEQ, IFNE, IFDEQ, IFDNE. */
static bool compares(struct bytes word)
{
    return bytes_eq_nocase(word, BYTES_LIT("ifeq")) ||
           bytes_eq_nocase(word, BYTES_LIT("ifne")) ||
           bytes_eq_nocase(word, BYTES_LIT("ifdeq")) ||
           bytes_eq_nocase(word, BYTES_LIT("ifdne"));
}

/* What SET does to its key: without GET and a comparison it looks at no old
 * value. */
static uint32_t set_flags(const struct bytes *argv, uint32_t argc)
{
    ASSERT(argc >= 3);
    for (uint32_t i = 3; i < argc; i++) {
        if (bytes_eq_nocase(argv[i], BYTES_LIT("get")) || compares(argv[i]))
            return KEY_RW | KEY_ACCESS | KEY_UPDATE;
    }
    return KEY_OW | KEY_UPDATE;
}

/* Of BITFIELD: it reads if there is nothing but GET among its operations. */
static uint32_t bitfield_flags(const struct bytes *argv, uint32_t argc)
{
    ASSERT(argc >= 2);
    for (uint32_t i = 2; i < argc;) {
        if (bytes_eq_nocase(argv[i], BYTES_LIT("get")) && i + 2 < argc)
            i += 3;
        else if (bytes_eq_nocase(argv[i], BYTES_LIT("overflow")) &&
                 i + 1 < argc)
            i += 2;
        else
            return KEY_RW | KEY_ACCESS | KEY_UPDATE;
    }
    return KEY_RO | KEY_ACCESS;
}

static uint32_t flags_of(const struct cmd_keys *k, const struct key_spec *s)
{
    if ((s->flags & KEY_VARIABLE) == 0)
        return s->flags;
    if (k->cmd->id == CMD_ID_BITFIELD)
        return bitfield_flags(k->argv, (uint32_t)k->argc);
    ASSERT(k->cmd->id == CMD_ID_SET); /* no other has such keys yet */
    return set_flags(k->argv, (uint32_t)k->argc);
}

/* The argument after the keyword; 0 if it was not given. */
static int64_t after_keyword(const struct cmd_keys *k, const struct key_spec *s)
{
    int64_t step = s->start_from > 0 ? 1 : -1;
    int64_t at = s->start_from > 0 ? s->start_from : k->argc + s->start_from;
    ASSERT(s->start_from != 0);
    for (; at >= 1 && at < k->argc; at += step) {
        if (bytes_eq_nocase(k->argv[at], bytes_str(s->keyword)))
            return at + 1;
    }
    return 0;
}

static int64_t range_last(const struct cmd_keys *k, const struct key_spec *s)
{
    ASSERT(k->at >= 1 && k->at < k->argc);
    if (s->last >= 0)
        return k->at + s->last;
    if (s->limit <= 1)
        return k->argc + s->last;
    return k->at + (k->argc - k->at) / s->limit + s->last;
}

/* A number of keys, and the keys after it; false: they are not there. */
static bool find_counted(struct cmd_keys *k, const struct key_spec *s)
{
    int64_t count = 0;
    ASSERT(s->keynum >= 0 && s->first > s->keynum);
    int64_t number_at = k->at + s->keynum;
    if (number_at >= k->argc || !num_parse_i64(k->argv[number_at], &count) ||
        count < (s->none ? 0 : 1) || count > k->argc)
        return false;
    k->at += s->first;
    k->last = k->at + (count - 1) * s->step;
    return true;
}

/* Keys up to the end, of which the arity wants none (PFMERGE's sources). */
static bool may_be_left_out(const struct cmd_keys *k, const struct key_spec *s)
{
    int arity = k->cmd->arity;
    ASSERT(k->last == 0);
    return arity < 0 && k->argc >= -arity && s->find == KEY_FIND_RANGE &&
           s->last < 0;
}

/* Opens the next specification; false: its keys are not there. */
static bool open_spec(struct cmd_keys *k, const struct key_spec *s)
{
    ASSERT(s->step > 0);
    k->flags = flags_of(k, s);
    k->step = s->step;
    k->at = s->begin == KEY_BEGIN_INDEX ? s->index : after_keyword(k, s);
    k->last = 0;
    if (k->at == 0)
        return true; /* without the keyword there are no keys */
    if (k->at >= k->argc)
        return may_be_left_out(k, s);
    if (s->find == KEY_FIND_RANGE)
        k->last = range_last(k, s);
    else if (!find_counted(k, s))
        return false;
    return k->last < k->argc;
}

void cmd_keys_begin(struct cmd_keys *k, const struct cmd *c,
                    const struct bytes *argv, uint32_t argc)
{
    ASSERT(argc >= 1 && (c->key_specs == 0) == (c->keys == NULL));
    *k = (struct cmd_keys){.cmd = c, .argv = argv, .argc = argc, .at = 1};
}

bool cmd_keys_next(struct cmd_keys *k, struct cmd_key *out)
{
    while (k->at > k->last || k->at == 0) {
        if (k->invalid || k->spec == k->cmd->key_specs)
            return false;
        if (!open_spec(k, &k->cmd->keys[k->spec++])) {
            k->invalid = true;
            k->at = 1;
            k->last = 0;
            return false;
        }
    }
    ASSERT(k->at >= 1 && k->at < k->argc);
    *out = (struct cmd_key){(uint32_t)k->at, k->flags};
    ASSERT((out->flags & KEY_VARIABLE) == 0);
    k->at += k->step;
    return true;
}

static bool is_fixed(const struct key_spec *s)
{
    ASSERT(s->begin == KEY_BEGIN_INDEX || s->keyword != NULL);
    return s->begin == KEY_BEGIN_INDEX && s->find == KEY_FIND_RANGE;
}

/* As Redis: several specifications are one range if they follow each other
 * without a gap. */
struct cmd_key_range cmd_key_range(const struct cmd *c)
{
    struct cmd_key_range r = {0, 0, 0};
    for (uint32_t i = 0; i < c->key_specs; i++) {
        const struct key_spec *s = &c->keys[i];
        if (!is_fixed(s))
            continue;
        ASSERT(s->index > 0 && s->step > 0);
        bool next = r.last == s->index - 1 && r.step == 1 && s->step == 1;
        if (r.first != 0 && !next)
            continue;
        if (r.first == 0)
            r.first = s->index;
        r.last = s->last < 0 ? s->last : s->index + s->last;
        r.step = s->step;
    }
    return r;
}

uint32_t cmd_first_key(const struct cmd *c)
{
    if (c->key_specs == 0 || !is_fixed(&c->keys[0]))
        return 0;
    ASSERT(c->keys[0].index > 0);
    return (uint32_t)c->keys[0].index;
}
