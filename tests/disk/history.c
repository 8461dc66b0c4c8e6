/*
 * A key's number and an entry's size follow from a hash of index and term.
 * Most entries put a key, some delete one, few delete several. Besides, every
 * entry leaves a row of garbage, which the few discard.
 */
#include "history.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/reader.h"
#include "base/rng.h"
#include "collect.h"
#include "store/store_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KEY_SIZE     8
#define APPLIED_SIZE 24
#define PAYLOAD_MIN  16

static const struct bytes applied_key = {(const uint8_t *)"applied", 7};

enum change { PUT, DELETE, DELETE_MANY };

void history_release(struct history *h)
{
    mem_free(h->list);
    *h = HISTORY_INIT;
}

static void commit(struct history *h, raft_index index,
                   const struct committed *c)
{
    if (index <= h->count) { /* the same again, after a restart */
        ASSERT(h->list[index - 1].chain == c->chain);
        return;
    }
    ASSERT(index == h->count + 1);
    if (h->count == h->cap) {
        h->cap = MAX(h->cap * 2, (size_t)256);
        h->list = mem_realloc(h->list, h->cap * sizeof(*h->list));
    }
    h->list[h->count++] = *c;
}

static void take_note(struct history *h, const char *line)
{
    uint64_t a, b, c = 0;
    char kind;
    int n =
        sscanf(line, "%c %" SCNu64 " %" SCNu64 " %" SCNu64, &kind, &a, &b, &c);
    ASSERT(n >= 3);
    switch (kind) {
    case 'C':
        ASSERT(n == 4);
        commit(h, a, &(struct committed){.term = b, .chain = c});
        break;
    case 'D':
        h->durable = a;
        h->durable_chain = b;
        break;
    case 'V':
        h->term = a;
        h->vote = (node_id)b;
        break;
    case 'T':
        if (h->durable <= a)
            break;
        h->durable = a;
        h->durable_chain = b;
        break;
    default:
        ASSERT(false);
    }
}

void history_notes(struct history *h, struct bytes lines)
{
    char line[128];
    while (lines.len > 0) {
        const uint8_t *end = memchr(lines.data, '\n', lines.len);
        ASSERT(end != NULL);
        size_t len = (size_t)(end - lines.data);
        ASSERT(len < sizeof(line));
        memcpy(line, lines.data, len);
        line[len] = 0;
        take_note(h, line);
        lines = bytes_from(lines, len + 1);
    }
}

const struct committed *history_at(const struct history *h, raft_index index)
{
    return index == 0 || index > h->count ? NULL : &h->list[index - 1];
}

static uint64_t hash_of(raft_index index, raft_term term)
{
    uint64_t pair[2] = {index, term};
    return hash64(bytes_of(pair, sizeof(pair)));
}

void history_entry(raft_index index, raft_term term, struct buf *scratch,
                   struct entry *out)
{
    uint64_t rng = hash_of(index, term);
    size_t more =
        rng_below(&rng, 16) == 0 ? rng_below(&rng, 9000) : rng_below(&rng, 300);
    buf_reset(scratch);
    buf_u64(scratch, index);
    buf_u64(scratch, term);
    uint8_t *p = buf_reserve(scratch, more);
    for (size_t i = 0; i < more; i++)
        p[i] = (uint8_t)rng_next(&rng);
    scratch->len += more;
    ASSERT(scratch->len >= PAYLOAD_MIN);
    *out = (struct entry){
        .index = index,
        .term = term,
        .time_ms = (int64_t)index,
        .seed = rng,
        .kind = ENTRY_REQUESTS,
        .payload = buf_view(scratch),
    };
    entry_seal(out);
}

static enum change change_of(raft_index index, raft_term term, uint32_t *key)
{
    uint64_t rng = hash_of(index, term) + 1;
    *key = (uint32_t)rng_below(&rng, HISTORY_KEYS);
    uint64_t kind = rng_below(&rng, 60);
    return kind == 0 ? DELETE_MANY : kind < 8 ? DELETE : PUT;
}

static struct bytes key_of(uint32_t number, char out[KEY_SIZE])
{
    int len = snprintf(out, KEY_SIZE, "k%05u", number % 100000);
    return bytes_of(out, (size_t)len);
}

int history_key(struct bytes key)
{
    if (bytes_eq(key, applied_key) || (key.len > 0 && key.data[0] == 'g'))
        return -1;
    int number = 0;
    if (key.len != 6 || key.data[0] != 'k')
        return -2;
    for (size_t i = 1; i < key.len; i++)
        number = number * 10 + (key.data[i] - '0');
    return number >= 0 && number < HISTORY_KEYS ? number : -2;
}

#define RANGE 10 /* keys that are deleted together */

static void delete_many(struct store_batch *b, uint32_t first)
{
    char key[KEY_SIZE];
    for (uint32_t i = first; i < first + RANGE; i++)
        store_batch_delete(b, STORE_STATE, key_of(i, key));
    store_batch_discard(b, STORE_STATE, BYTES_LIT("g"), BYTES_LIT("h"));
}

static void leave_garbage(struct store_batch *b, const struct entry *e)
{
    struct buf row = BUF_INIT;
    buf_u8(&row, 'g');
    buf_u64be(&row, e->index);
    store_batch_put(b, STORE_STATE, buf_view(&row), e->payload);
    buf_release(&row);
}

void history_change(struct store_batch *b, const struct entry *e,
                    uint64_t chain)
{
    char key[KEY_SIZE];
    uint32_t number;
    enum change change = change_of(e->index, e->term, &number);
    struct bytes name = key_of(number, key);
    if (change == PUT)
        store_batch_put(b, STORE_STATE, name, e->payload);
    else if (change == DELETE)
        store_batch_delete(b, STORE_STATE, name);
    else
        delete_many(b, number);
    leave_garbage(b, e);
    struct buf raw = BUF_INIT;
    buf_u64(&raw, e->index);
    buf_u64(&raw, e->term);
    buf_u64(&raw, chain);
    store_batch_put(b, STORE_STATE, applied_key, buf_view(&raw));
    buf_release(&raw);
}

void history_fold(const struct history *h, raft_index applied,
                  raft_index last[HISTORY_KEYS])
{
    ASSERT(applied <= h->count);
    memset(last, 0, HISTORY_KEYS * sizeof(*last));
    for (raft_index i = 1; i <= applied; i++) {
        uint32_t key;
        enum change change = change_of(i, h->list[i - 1].term, &key);
        uint32_t end = change == DELETE_MANY ? key + RANGE : key + 1;
        for (uint32_t k = key; k < MIN(end, (uint32_t)HISTORY_KEYS); k++)
            last[k] = change == PUT ? i : 0;
    }
}

void history_rows(const struct history *h, raft_index applied, struct buf *rows)
{
    raft_index last[HISTORY_KEYS];
    struct buf scratch = BUF_INIT;
    const struct committed *c = history_at(h, applied);
    ASSERT(c != NULL && strcmp((const char *)applied_key.data, "k") < 0);
    if (collect_used()) {
        collect_rows(h, applied, rows);
        return;
    }
    buf_u64(&scratch, applied);
    buf_u64(&scratch, c->term);
    buf_u64(&scratch, c->chain);
    store_row_append(rows, applied_key, buf_view(&scratch));
    history_fold(h, applied, last);
    for (uint32_t k = 0; k < HISTORY_KEYS; k++) {
        char key[KEY_SIZE];
        struct entry e;
        if (last[k] == 0)
            continue;
        history_entry(last[k], h->list[last[k] - 1].term, &scratch, &e);
        store_row_append(rows, key_of(k, key), e.payload);
    }
    buf_release(&scratch);
}

int history_applied(struct store *s, bool flushed, struct history_applied *out)
{
    struct buf raw = BUF_INIT;
    struct bytes key = collect_used() ? collect_applied_key() : applied_key;
    *out = (struct history_applied){.index = 0};
    int rc = flushed ? store_get_flushed(s, STORE_STATE, key, &raw)
                     : store_get(s, STORE_STATE, key, &raw);
    if (rc == 0 && collect_used()) {
        *out = collect_applied(buf_view(&raw));
    } else if (rc == 0) {
        ASSERT(raw.len == APPLIED_SIZE);
        struct reader r = reader_of(buf_view(&raw));
        out->index = reader_u64(&r);
        out->term = reader_u64(&r);
        out->chain = reader_u64(&r);
    }
    buf_release(&raw);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}
