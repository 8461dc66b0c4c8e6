/*
 * Records are copied out of the file's bytes, paths to strings of their own;
 * data stay where they are.
 */
#include "tape.h"

#include "base/alloc.h"
#include "os/file.h"

#include <stdlib.h>
#include <string.h>

#define TAPE_BYTES_MAX ((size_t)1 << 30)

static void add(struct tape *t, const struct journal_record *r,
                struct bytes rest)
{
    if (t->count == t->cap) {
        t->cap = MAX(t->cap * 2, (size_t)1024);
        t->events = mem_realloc(t->events, t->cap * sizeof(*t->events));
    }
    char *path = mem_alloc(r->path_len + (size_t)1);
    memcpy(path, rest.data, r->path_len);
    path[r->path_len] = 0;
    t->events[t->count++] = (struct tape_event){
        .r = *r,
        .path = path,
        .data = bytes_of(rest.data + r->path_len, r->data_len),
        .tape = t->tapes,
    };
}

void tape_read(struct tape *t, const char *path)
{
    ASSERT(t->tapes < ARRAY_LEN(t->bytes));
    struct buf *b = &t->bytes[t->tapes];
    int rc = file_read(path, TAPE_BYTES_MAX, b);
    ASSERT(rc == 0);
    struct bytes rest = buf_view(b);
    while (rest.len >= sizeof(struct journal_record)) {
        struct journal_record r;
        memcpy(&r, rest.data, sizeof(r));
        ASSERT(r.magic == JOURNAL_MAGIC);
        rest = bytes_from(rest, sizeof(r));
        if (rest.len < (size_t)r.path_len + r.data_len)
            break;
        add(t, &r, rest);
        rest = bytes_from(rest, (size_t)r.path_len + r.data_len);
    }
    t->tapes++;
}

static int by_number(const void *a, const void *b)
{
    const struct tape_event *x = a;
    const struct tape_event *y = b;
    return (x->r.seq > y->r.seq) - (x->r.seq < y->r.seq);
}

void tape_sort(struct tape *t)
{
    if (t->count > 0)
        qsort(t->events, t->count, sizeof(*t->events), by_number);
    for (size_t i = 1; i < t->count; i++)
        ASSERT(t->events[i - 1].r.seq < t->events[i].r.seq);
}

void tape_release(struct tape *t)
{
    for (size_t i = 0; i < t->count; i++)
        mem_free(t->events[i].path);
    mem_free(t->events);
    for (uint32_t i = 0; i < t->tapes; i++)
        buf_release(&t->bytes[i]);
    *t = TAPE_INIT;
}
