/*
 * A small table, searched from the front: a run without errors never looks at
 * it, and one full of errors has few kinds.
 *
 * Nothing here fails: when the table is full, further kinds count as "other",
 * and texts that are too long are cut.
 */
#include "bench/errors.h"

#include <stdio.h>

static struct errors_kind *find(struct errors *e, const char *kind)
{
    for (size_t i = 0; i < e->used; i++) {
        if (strcmp(e->kinds[i].kind, kind) == 0)
            return &e->kinds[i];
    }
    if (e->used + 1 >= ERRORS_KINDS_MAX && strcmp(kind, "other") != 0)
        return find(e, "other");
    ASSERT(e->used < ERRORS_KINDS_MAX);
    struct errors_kind *k = &e->kinds[e->used++];
    snprintf(k->kind, sizeof(k->kind), "%s", kind);
    return k;
}

/* A server's text goes to terminals, CSV and JSON. */
static void copy_printable(char *to, size_t room, struct bytes text)
{
    size_t len = MIN(text.len, room - 1);
    for (size_t i = 0; i < len; i++) {
        uint8_t c = text.data[i];
        bool plain = c >= ' ' && c < 0x7f && c != '"' && c != '\\';
        to[i] = (char)(plain ? c : '.');
    }
    to[len] = '\0';
}

void errors_note(struct errors *e, const char *kind, struct bytes text,
                 uint64_t times)
{
    if (times == 0)
        return;
    struct errors_kind *k = find(e, kind);
    if (k->count == 0)
        copy_printable(k->text, sizeof(k->text), text);
    k->count += times;
    uint64_t total = errors_total(e) + times;
    atomic_store_explicit(&e->total, total, memory_order_relaxed);
}

void errors_note_reply(struct errors *e, struct bytes text)
{
    size_t len = 0;
    while (len < text.len && len < ERRORS_KIND_MAX - 1 && text.data[len] != ' ')
        len++;
    char kind[ERRORS_KIND_MAX];
    copy_printable(kind, len + 1, text);
    errors_note(e, len > 0 ? kind : "empty", text, 1);
}

void errors_add(struct errors *e, const struct errors *other)
{
    for (size_t i = 0; i < other->used; i++) {
        const struct errors_kind *k = &other->kinds[i];
        errors_note(e, k->kind, bytes_str(k->text), k->count);
    }
}

uint64_t errors_total(const struct errors *e)
{
    return atomic_load_explicit(&e->total, memory_order_relaxed);
}
