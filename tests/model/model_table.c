/*
 * The table has a fixed size: slots are the names of states, so they cannot
 * move. It is full at 15/16. The queue holds its records in chunks, which are
 * freed as soon as they are read.
 */
#include "model_table.h"

#include <string.h>

#include "base/alloc.h"

#define CHUNK_SIZE (1U << 20)

struct model_chunk {
    struct model_chunk *next;
    uint32_t used;
    uint32_t read;
    uint8_t bytes[CHUNK_SIZE];
};

struct record {
    uint32_t slot;
    uint16_t size;
    uint16_t packed;
};

void model_table_init(struct model_table *t, uint64_t bytes, bool marks)
{
    uint64_t each = sizeof(uint64_t) + sizeof(uint32_t) + (marks ? 1 : 0);

    t->slot_count = 1024;
    while (t->slot_count * 2 * each <= bytes &&
           t->slot_count * 2 < UINT32_MAX) {
        t->slot_count *= 2;
    }
    t->used = 0;
    t->prints = mem_zalloc(t->slot_count * sizeof(uint64_t));
    t->parents = mem_zalloc(t->slot_count * sizeof(uint32_t));
    t->marks = marks ? mem_zalloc(t->slot_count) : NULL;
}

void model_table_release(struct model_table *t)
{
    mem_free(t->prints);
    mem_free(t->parents);
    mem_free(t->marks);
}

bool model_table_full(const struct model_table *t)
{
    return t->used >= t->slot_count - t->slot_count / 16;
}

bool model_table_add(struct model_table *t, uint64_t print, uint32_t parent,
                     uint32_t *slot)
{
    uint64_t at = print & (t->slot_count - 1);

    ASSERT(print != 0 && t->used < t->slot_count);
    while (t->prints[at] != 0 && t->prints[at] != print) {
        at = (at + 1) & (t->slot_count - 1);
    }
    *slot = (uint32_t)at;
    if (t->prints[at] == print) {
        return false;
    }
    t->prints[at] = print;
    t->parents[at] = parent;
    t->used++;
    return true;
}

void model_queue_push(struct model_queue *q, const struct model_code *code,
                      uint32_t slot)
{
    uint8_t packed[2 * MODEL_BYTES_MAX];
    struct record record = {.slot = slot, .size = (uint16_t)code->size};

    record.packed = (uint16_t)model_pack(code, packed);
    if (q->tail == NULL ||
        q->tail->used + sizeof(record) + record.packed > CHUNK_SIZE) {
        struct model_chunk *chunk = mem_alloc(sizeof(*chunk));
        chunk->next = NULL;
        chunk->used = 0;
        chunk->read = 0;
        q->bytes += sizeof(*chunk);
        if (q->tail == NULL) {
            q->head = chunk;
        } else {
            q->tail->next = chunk;
        }
        q->tail = chunk;
    }
    memcpy(q->tail->bytes + q->tail->used, &record, sizeof(record));
    q->tail->used += (uint32_t)sizeof(record);
    memcpy(q->tail->bytes + q->tail->used, packed, record.packed);
    q->tail->used += record.packed;
    q->count++;
}

static void free_head(struct model_queue *q)
{
    struct model_chunk *chunk = q->head;

    q->head = chunk->next;
    if (q->head == NULL) {
        q->tail = NULL;
    }
    q->bytes -= sizeof(*chunk);
    mem_free(chunk);
}

bool model_queue_pop(struct model_queue *q, struct model_code *code,
                     uint32_t *slot)
{
    struct record record;

    if (q->count == 0) {
        return false;
    }
    if (q->head->read == q->head->used) {
        free_head(q);
    }
    struct model_chunk *chunk = q->head;
    ASSERT(chunk != NULL && chunk->read < chunk->used);
    memcpy(&record, chunk->bytes + chunk->read, sizeof(record));
    chunk->read += (uint32_t)sizeof(record);
    code->size = record.size;
    model_unpack(chunk->bytes + chunk->read, code);
    chunk->read += record.packed;
    *slot = record.slot;
    q->count--;
    return true;
}

void model_queue_release(struct model_queue *q)
{
    while (q->head != NULL) {
        free_head(q);
    }
    q->count = 0;
}
