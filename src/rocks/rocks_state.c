/*
 * The state is in a family of its own, `state` at first, `state.N` after it was
 * put in the place of another one. The row `state` of the family meta says
 * which; without it, it is the first. Every other family of the state is one
 * that a fill has made and nobody has used, or one that was in use before.
 *
 * A family is dropped when that is durable, by the thread that tidies, and when
 * nothing is merged, since RocksDB 7.8 forgets to delete what a merge makes of
 * a family that is dropped meanwhile. A start drops those that are left over.
 * The state is never in a write-ahead log, so no log names a dropped family.
 *
 * How it fails: a family that is not dropped takes space until the next start.
 */
#include "rocks/rocks_state.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/num.h"
#include "base/reader.h"
#include "rocks/garbage.h"
#include "rocks/rocks_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define STATE_KEY BYTES_LIT("state")
/* number(8) and the hash of that(8). */
#define STATE_ROW_SIZE 16
/* Looks of a second, until it is dropped though something is merged. */
#define LOOKS_MAX 60

static bool number_of(const char *name, uint64_t *number)
{
    static const char prefix[] = "state.";
    *number = 0;
    if (strcmp(name, "state") == 0)
        return true;
    size_t len = sizeof(prefix) - 1;
    return strncmp(name, prefix, len) == 0 &&
           num_parse_u64(bytes_str(name + len), number);
}

bool rocks_state_is_name(const char *name)
{
    uint64_t ignored;
    return number_of(name, &ignored);
}

static void add(struct rocks *r, struct rocks_state *s)
{
    s->next = r->other_states;
    r->other_states = s;
    r->state_next = MAX(r->state_next, s->number + 1);
}

static void take_out(struct rocks *r, struct rocks_state *s)
{
    struct rocks_state **place = &r->other_states;
    while (*place != s) {
        ASSERT(*place != NULL);
        place = &(*place)->next;
    }
    *place = s->next;
}

static struct rocks_state *find(struct rocks *r, uint64_t number)
{
    struct rocks_state *s = r->other_states;
    while (s != NULL && s->number != number)
        s = s->next;
    return s;
}

void rocks_state_opened(struct rocks *r, const char *name,
                        rocksdb_column_family_handle_t *handle)
{
    struct rocks_state *s = mem_zalloc(sizeof(*s));
    bool known = number_of(name, &s->number);
    ASSERT(known && handle != NULL);
    snprintf(s->name, sizeof(s->name), "%s", name);
    s->handle = handle;
    add(r, s);
}

static char *failure(const char *what, uint64_t number)
{
    char text[128];
    snprintf(text, sizeof(text), "Corruption: %s (%" PRIu64 ")", what, number);
    return mem_strdup(text);
}

/* Which state the database says is in use. */
static char *read_number(struct rocks *r, uint64_t *number)
{
    char *why = NULL;
    size_t len = 0;
    struct bytes key = STATE_KEY;
    *number = 0;
    char *row = rocksdb_get_cf(r->db, r->read, rocks_handle(r, STORE_META),
                               (const char *)key.data, key.len, &len, &why);
    if (why != NULL || row == NULL)
        return why;
    struct reader in = reader_of(bytes_of(row, len));
    struct bytes raw = reader_bytes(&in, 8);
    bool whole = reader_u64(&in) == hash64(raw) && reader_done(&in);
    if (whole)
        *number = load_u64le(raw.data);
    rocksdb_free(row);
    return whole ? NULL : failure("the row that names the state", len);
}

char *rocks_state_choose(struct rocks *r)
{
    uint64_t number;
    ASSERT(r->state == NULL);
    char *why = read_number(r, &number);
    if (why != NULL)
        return why;
    struct rocks_state *s = find(r, number);
    if (s == NULL)
        return failure("the state that the database names is not there",
                       number);
    take_out(r, s);
    atomic_store(&r->state, s);
    return NULL;
}

static void drop(struct rocks *r, struct rocks_state *s)
{
    char *why = NULL;
    rocksdb_drop_column_family(r->db, s->handle, &why);
    rocksdb_free(why); /* what matters is seen by the next sync */
    rocksdb_column_family_handle_destroy(s->handle);
    mem_free(s);
}

void rocks_state_drop_others(struct rocks *r)
{
    while (r->other_states != NULL) {
        struct rocks_state *s = r->other_states;
        take_out(r, s);
        drop(r, s);
    }
}

/* One that nobody needs any more, taken out of the list. */
static struct rocks_state *next_to_drop(struct rocks *r)
{
    uint64_t durable = atomic_load(&r->uses_durable);
    mutex_lock(&r->state_lock);
    struct rocks_state *s = r->other_states;
    while (s != NULL &&
           !(s->is_old && s->users == 0 && s->old_since <= durable))
        s = s->next;
    if (s != NULL)
        take_out(r, s);
    mutex_unlock(&r->state_lock);
    return s;
}

static bool merges_run(struct rocks *r)
{
    uint64_t count = 0;
    int err =
        rocksdb_property_int(r->db, "rocksdb.num-running-compactions", &count);
    return err == 0 && count > 0;
}

void rocks_state_tidy(struct rocks *r)
{
    mutex_lock(&r->state_lock);
    bool any = r->other_states != NULL;
    mutex_unlock(&r->state_lock);
    if (!any || (merges_run(r) && r->drop_looks++ < LOOKS_MAX))
        return;
    r->drop_looks = 0;
    for (struct rocks_state *s; (s = next_to_drop(r)) != NULL;)
        drop(r, s);
}

struct rocks_state *rocks_state_hold(struct rocks *r)
{
    mutex_lock(&r->state_lock);
    struct rocks_state *s = atomic_load(&r->state);
    s->users++;
    mutex_unlock(&r->state_lock);
    return s;
}

void rocks_state_release(struct rocks *r, struct rocks_state *s)
{
    mutex_lock(&r->state_lock);
    ASSERT(s->users > 0);
    s->users--;
    mutex_unlock(&r->state_lock);
}

struct rocks_state *rocks_state_make(struct rocks *r, char **why)
{
    struct rocks_state *s = mem_zalloc(sizeof(*s));
    mutex_lock(&r->state_lock);
    s->number = r->state_next++;
    mutex_unlock(&r->state_lock);
    snprintf(s->name, sizeof(s->name), "state.%" PRIu64, s->number);
    s->handle = rocksdb_create_column_family(r->db, r->options[1 + STORE_STATE],
                                             s->name, why);
    if (*why == NULL)
        return s;
    mem_free(s);
    return NULL;
}

void rocks_state_made(struct rocks *r, struct rocks_state *s, bool whole)
{
    s->is_old = !whole; /* it goes */
    mutex_lock(&r->state_lock);
    add(r, s);
    mutex_unlock(&r->state_lock);
}

void rocks_state_forget_unused(struct rocks *r)
{
    mutex_lock(&r->state_lock);
    for (struct rocks_state *s = r->other_states; s != NULL; s = s->next)
        s->is_old = true;
    mutex_unlock(&r->state_lock);
}

void rocks_state_put(struct store_batch *b, uint64_t number)
{
    struct buf row = BUF_INIT;
    buf_u64(&row, number);
    buf_u64(&row, hash64(buf_view(&row)));
    ASSERT(row.len == STATE_ROW_SIZE);
    store_batch_put(b, STORE_META, STATE_KEY, buf_view(&row));
    buf_release(&row);
}

bool rocks_state_is_whole(struct rocks *r, uint64_t number)
{
    mutex_lock(&r->state_lock);
    const struct rocks_state *s = find(r, number);
    bool whole = s != NULL && !s->is_old;
    mutex_unlock(&r->state_lock);
    return whole;
}

void rocks_state_change(struct rocks *r, uint64_t number)
{
    mutex_lock(&r->state_lock);
    struct rocks_state *old = atomic_load(&r->state);
    struct rocks_state *s = find(r, number);
    ASSERT(s != NULL && !s->is_old);
    take_out(r, s);
    s->next = NULL;
    atomic_store(&r->state, s);
    old->is_old = true;
    old->old_since = atomic_fetch_add(&r->uses, 1) + 1;
    add(r, old);
    mutex_unlock(&r->state_lock);
    garbage_reset(r->garbage);
}

void rocks_state_close(struct rocks *r)
{
    struct rocks_state *s = atomic_load(&r->state);
    if (s != NULL)
        add(r, s);
    while ((s = r->other_states) != NULL) {
        take_out(r, s);
        ASSERT(s->users == 0);
        rocksdb_column_family_handle_destroy(s->handle);
        mem_free(s);
    }
}
