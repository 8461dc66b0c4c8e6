/*
 * Commands that look for keys: SCAN, KEYS and RANDOMKEY. They walk over the
 * rows of a database (data/walk.h), in an order that is the same on all nodes.
 *
 * A cursor is a position in that order, and nothing is kept of a walk: it may
 * go on at any node, at any time. What is there all the time is told once.
 *
 * RANDOMKEY looks where a random key would be, and chooses one of those that
 * follow there. So all keys are about as likely, but not exactly.
 *
 * How it fails: with an error reply. KEYS is refused in a database of more than
 * KEYS_MAX keys, unless the pattern is a name, and if the reply would be longer
 * than CMD_REPLY_BYTES_MAX.
 */
#include "base/rng.h"
#include "cmd/cmd_collection.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"
#include "cmd/cmd_set.h"
#include "data/value.h"
#include "data/walk.h"
#include "type/sample.h"

#include <inttypes.h>

/* KEYS of so many takes about a second. */
#define KEYS_MAX 1000000
/* A call of SCAN that has so much to tell ends there, ... */
#define SCAN_BYTES_ENOUGH (1024 * 1024)
/* ... or when so many rows for each one that it may tell had expired. */
#define SCAN_ROWS_FACTOR 10
/* RANDOMKEY chooses one of so many keys that are next to each other. */
#define RANDOM_KEYS 64

/* --- SCAN --------------------------------------------------------------- */

static bool parse_scan(const struct cmd_args *a, uint64_t *cursor,
                       struct scan_options *options)
{
    ASSERT(a->argc >= 2);
    return parse_scan_cursor(a, 1, cursor) && parse_scan_options(a, 2, options);
}

bool cmd_scan_check(struct cmd_args *a)
{
    struct scan_options options;
    uint64_t cursor = 0;
    bool ok = parse_scan(a, &cursor, &options);
    ASSERT(!ok || options.count > 0);
    return ok;
}

/* What a call has seen by now. */
struct scan {
    const struct scan_options *options;
    struct member_list list;
    uint64_t looked; /* live keys */
    uint64_t passed; /* rows */
    uint64_t position;
};

/* Keys with the same position are told together. */
static bool is_enough(const struct scan *s, const struct walked *at)
{
    if (s->passed == 0 || at->position == s->position)
        return false;
    ASSERT(at->position > s->position);
    return s->looked >= s->options->count ||
           s->passed >= s->options->count * SCAN_ROWS_FACTOR ||
           s->list.bytes.len >= SCAN_BYTES_ENOUGH;
}

static void see(struct scan *s, const struct walked *at)
{
    const char *type = value_type_info(at->type)->name;
    ASSERT(s->passed == 0 || at->position >= s->position);
    s->passed++;
    s->position = at->position;
    if (!at->live)
        return;
    s->looked++;
    if (s->options->typed && !word_is(s->options->type, type))
        return;
    if (scan_wants(s->options, at->key))
        (void)member_list_add(&s->list, at->key);
}

/* Returns the cursor to go on from; 0: that was all. */
static uint64_t scan(struct cmd_call *c, struct scan *s, uint64_t cursor)
{
    struct key_walk w;
    struct walked at;
    uint64_t next = 0;
    if (cursor >= WALK_POSITIONS)
        return 0;
    key_walk_begin(&w, c->ks, c->db, cursor);
    while (next == 0 && key_walk_next(&w, &at)) {
        if (is_enough(s, &at))
            next = at.position;
        else
            see(s, &at);
    }
    key_walk_end(&w);
    ASSERT(next == 0 || next > cursor);
    return next;
}

void cmd_scan_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct scan_options options;
    struct scan s = {.options = &options};
    uint64_t cursor = 0;
    if (!parse_scan(&a, &cursor, &options))
        return;
    member_list_init(&s.list, UINT32_MAX);
    cursor = scan(c, &s, cursor);
    ASSERT(!s.list.over);
    resp_array(c->out, 2);
    resp_bulkf(c->out, "%" PRIu64, cursor);
    reply_member_list(c, &s.list, false);
    member_list_release(&s.list);
}

/* --- KEYS --------------------------------------------------------------- */

/* It matches itself alone. */
static bool is_name(struct bytes pattern)
{
    ASSERT(pattern.len <= PTRDIFF_MAX);
    for (size_t i = 0; i < pattern.len; i++) {
        if (memchr("*?[\\", pattern.data[i], 4) != NULL)
            return false;
    }
    return true;
}

static void reply_name(struct cmd_call *c, struct bytes key)
{
    struct value v;
    bool found = keyspace_get(c->ks, c->db, key, &v);
    ASSERT(found == (v.type != VALUE_NONE));
    resp_array(c->out, found);
    if (found)
        resp_bulk(c->out, key);
}

void cmd_keys_run(struct cmd_call *c)
{
    struct scan_options options = {
        .match = c->argv[1], .matches = !bytes_eq(c->argv[1], BYTES_LIT("*"))};
    struct member_list list;
    struct key_walk w;
    struct walked at;
    ASSERT(c->argc == 2);
    if (is_name(c->argv[1])) {
        reply_name(c, c->argv[1]);
        return;
    }
    if (keyspace_counts(c->ks, c->db)->keys > KEYS_MAX) {
        resp_errorf(c->out, "ERR more than %d keys, use SCAN", KEYS_MAX);
        return;
    }
    member_list_init(&list, CMD_REPLY_BYTES_MAX);
    key_walk_begin(&w, c->ks, c->db, 0);
    while (!list.over && key_walk_next(&w, &at)) {
        if (at.live && scan_wants(&options, at.key))
            (void)member_list_add(&list, at.key);
    }
    key_walk_end(&w);
    reply_member_list(c, &list, false);
    member_list_release(&list);
}

/* --- RANDOMKEY ---------------------------------------------------------- */

/* Appends live keys from a position on, up to so many in all. */
static void list_keys(struct cmd_call *c, uint64_t position,
                      struct member_list *list, uint64_t max)
{
    struct key_walk w;
    struct walked at;
    ASSERT(list->count <= max);
    key_walk_begin(&w, c->ks, c->db, position);
    while (list->count < max && key_walk_next(&w, &at)) {
        if (at.live && !member_list_add(list, at.key))
            break;
    }
    key_walk_end(&w);
}

void cmd_randomkey_run(struct cmd_call *c)
{
    uint64_t seed = c->seed;
    uint64_t keys = keyspace_counts(c->ks, c->db)->keys;
    bool few = keys <= RANDOM_KEYS;
    struct member_list list;
    struct bytes key = BYTES_NONE;
    size_t at = 0;
    ASSERT(c->argc == 1);
    member_list_init(&list, CMD_REPLY_BYTES_MAX);
    list_keys(c, few ? 0 : sample_below(&seed, WALK_POSITIONS), &list,
              RANDOM_KEYS);
    if (!few && list.count < RANDOM_KEYS)
        list_keys(c, 0, &list, RANDOM_KEYS); /* those after the last */
    if (list.count == 0) {
        resp_null(c->out);
    } else {
        uint64_t nth = sample_below(&seed, list.count);
        for (uint64_t i = 0; i <= nth; i++) {
            bool there = member_list_next(&list, &at, &key);
            ASSERT(there);
        }
        resp_bulk(c->out, key);
    }
    member_list_release(&list);
}
