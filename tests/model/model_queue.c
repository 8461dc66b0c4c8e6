/*
 * A record: the numbers of the nodes' parts and of the ghost, the counters,
 * 16 bits for each message in flight (0: none). The files grow by whole
 * chunks, so the place of a chunk follows from its number. A file that cannot
 * be written ends the search.
 */
#include "model_queue.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

#define FIXED_SIZE (4 * (MODEL_NODES + 1) + sizeof(struct model_used))

static int temp_file(void)
{
    const char *dir = getenv("TMPDIR");
    char name[4096];

    snprintf(name, sizeof(name), "%s/vard-model-XXXXXX",
             dir != NULL ? dir : "/tmp");
    int file = mkstemp(name);
    if (file < 0) {
        perror(name);
        exit(2);
    }
    unlink(name);
    return file;
}

static void write_at(int file, const void *data, size_t size, uint64_t at)
{
    if (pwrite(file, data, size, (off_t)at) != (ssize_t)size) {
        perror("temporary file");
        exit(2);
    }
}

static void read_at(int file, void *data, size_t size, uint64_t at)
{
    if (pread(file, data, size, (off_t)at) != (ssize_t)size) {
        perror("temporary file");
        exit(2);
    }
}

void model_queue_init(struct model_queue *q, uint32_t in_flight)
{
    memset(q, 0, sizeof(*q));
    q->record_size =
        (uint32_t)(FIXED_SIZE + in_flight * sizeof(uint16_t) + 3) & ~3U;
    q->origins = temp_file();
    pthread_mutex_init(&q->lock, NULL);
    for (uint32_t i = 0; i < 2; i++) {
        q->levels[i].file = temp_file();
    }
}

void model_queue_release(struct model_queue *q)
{
    close(q->origins);
    for (uint32_t i = 0; i < 2; i++) {
        close(q->levels[i].file);
        mem_free(q->levels[i].counts);
    }
    pthread_mutex_destroy(&q->lock);
}

void model_chunk_init(struct model_chunk *c, const struct model_queue *q)
{
    memset(c, 0, sizeof(*c));
    c->records = mem_zalloc((size_t)MODEL_CHUNK * q->record_size);
}

void model_chunk_release(struct model_chunk *c)
{
    mem_free(c->records);
}

void model_queue_push(struct model_queue *q, struct model_chunk *c,
                      const struct model_tuple *t, struct model_origin origin)
{
    uint8_t *at = c->records + (size_t)c->count * q->record_size;

    memset(at, 0, q->record_size);
    memcpy(at, t->nodes, sizeof(t->nodes));
    memcpy(at + sizeof(t->nodes), &t->ghost, sizeof(t->ghost));
    memcpy(at + sizeof(t->nodes) + sizeof(t->ghost), &t->used, sizeof(t->used));
    at += FIXED_SIZE;
    for (uint32_t i = 0; i < t->wire_count; i++) {
        uint16_t id = (uint16_t)t->wire[i];
        ASSERT(id == t->wire[i]);
        memcpy(at + i * sizeof(id), &id, sizeof(id));
    }
    c->origins[c->count++] = origin;
    if (c->count == MODEL_CHUNK) {
        model_queue_flush(q, c);
    }
}

/* Takes a number for a chunk of the next level. */
static uint64_t add_chunk(struct model_queue *q, struct model_level *l,
                          uint32_t count)
{
    pthread_mutex_lock(&q->lock);
    if (l->chunks == l->counts_max) {
        l->counts_max = MAX(1024, 2 * l->counts_max);
        l->counts =
            mem_realloc(l->counts, l->counts_max * sizeof(l->counts[0]));
    }
    uint64_t chunk = l->chunks++;
    l->counts[chunk] = (uint16_t)count;
    q->chunks++;
    pthread_mutex_unlock(&q->lock);
    return chunk;
}

void model_queue_flush(struct model_queue *q, struct model_chunk *c)
{
    struct model_level *l = &q->levels[1 - q->current];
    size_t size = (size_t)MODEL_CHUNK * q->record_size;

    if (c->count == 0) {
        return;
    }
    uint64_t chunk = add_chunk(q, l, c->count);
    write_at(l->file, c->records, size, chunk * size);
    write_at(q->origins, c->origins, c->count * sizeof(c->origins[0]),
             (l->first + chunk) * sizeof(c->origins));
    c->count = 0;
}

bool model_queue_take(struct model_queue *q, struct model_chunk *c)
{
    struct model_level *l = &q->levels[q->current];
    size_t size = (size_t)MODEL_CHUNK * q->record_size;
    uint64_t chunk = atomic_fetch_add(&l->taken, 1);

    if (chunk >= l->chunks) {
        return false;
    }
    read_at(l->file, c->records, size, chunk * size);
    c->count = l->counts[chunk];
    c->number = (l->first + chunk) * MODEL_CHUNK;
    return true;
}

void model_chunk_get(const struct model_queue *q, const struct model_chunk *c,
                     uint32_t i, struct model_tuple *t)
{
    const uint8_t *at = c->records + (size_t)i * q->record_size;
    uint32_t most = (uint32_t)((q->record_size - FIXED_SIZE) / 2);

    memcpy(t->nodes, at, sizeof(t->nodes));
    memcpy(&t->ghost, at + sizeof(t->nodes), sizeof(t->ghost));
    memcpy(&t->used, at + sizeof(t->nodes) + sizeof(t->ghost), sizeof(t->used));
    at += FIXED_SIZE;
    for (t->wire_count = 0; t->wire_count < most; t->wire_count++) {
        uint16_t id = 0;
        memcpy(&id, at + t->wire_count * sizeof(id), sizeof(id));
        if (id == 0) {
            break;
        }
        t->wire[t->wire_count] = id;
    }
}

bool model_queue_next_level(struct model_queue *q)
{
    struct model_level *done = &q->levels[q->current];

    done->chunks = 0;
    done->taken = 0;
    if (ftruncate(done->file, 0) != 0) {
        perror("temporary file");
        exit(2);
    }
    done->first = q->chunks;
    q->current = 1 - q->current;
    return q->levels[q->current].chunks > 0;
}

struct model_origin model_queue_origin(const struct model_queue *q,
                                       uint64_t state)
{
    struct model_origin origin;

    read_at(q->origins, &origin, sizeof(origin), state * sizeof(origin));
    return origin;
}

uint64_t model_queue_bytes(const struct model_queue *q)
{
    return (q->levels[0].chunks + q->levels[1].chunks) * MODEL_CHUNK *
           q->record_size;
}
