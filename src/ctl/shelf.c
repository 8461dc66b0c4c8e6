/*
 * The directory is read once; files that come later are not seen.
 *
 * How it fails: with a text that says which file it is.
 */
#include "ctl/shelf.h"

#include "base/alloc.h"
#include "base/num.h"
#include "os/file.h"
#include "snapshot/archive.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DIGITS 20

static const char advice[] = "Take it from where it was copied, or restore "
                             "from another archive";

char *shelf_path(const char *dir, const char *name)
{
    size_t size = strlen(dir) + strlen(name) + 2;
    char *out = mem_alloc(size);
    snprintf(out, size, "%s/%s", dir, name);
    return out;
}

void shelf_name(char out[SHELF_NAME_SIZE], const char *kind, raft_index index)
{
    snprintf(out, SHELF_NAME_SIZE, "%s%020" PRIu64, kind, index);
}

/* Is it a name of this kind? */
static bool parse_name(const char *name, const char *kind,
                       struct shelf_file *out)
{
    size_t len = strlen(kind);
    uint64_t index = 0;
    if (strncmp(name, kind, len) != 0 || strlen(name) < len + DIGITS)
        return false;
    const char *suffix = name + len + DIGITS;
    for (size_t i = len; i < len + DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9')
            return false;
        index = index * 10 + (uint64_t)(name[i] - '0');
    }
    bool is_part = strcmp(suffix, SHELF_PART) == 0;
    if ((suffix[0] != '\0' && !is_part) || index == 0 ||
        index > RAFT_NUMBER_MAX)
        return false;
    *out = (struct shelf_file){.index = index, .is_part = is_part};
    snprintf(out->name, sizeof(out->name), "%s", name);
    return true;
}

static void add(struct shelf_file **list, size_t *count,
                const struct shelf_file *f)
{
    *list = mem_realloc(*list, (*count + 1) * sizeof(**list));
    (*list)[(*count)++] = *f;
}

static int by_index(const void *a, const void *b)
{
    const struct shelf_file *x = a;
    const struct shelf_file *y = b;
    if (x->index != y->index)
        return x->index < y->index ? -1 : 1;
    return (int)x->is_part - (int)y->is_part;
}

int shelf_read(struct shelf *out, const char *dir, struct buf *error)
{
    DIR *d = opendir(dir);
    struct shelf_file f;
    *out = (struct shelf){.dir = dir};
    if (d == NULL) {
        buf_printf(error, "%s: %s", dir, strerror(errno));
        return ERR_IO;
    }
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (parse_name(e->d_name, "base-", &f) && !f.is_part)
            add(&out->bases, &out->base_count, &f);
        else if (parse_name(e->d_name, "log-", &f))
            add(&out->logs, &out->log_count, &f);
    }
    closedir(d);
    if (out->base_count > 0)
        qsort(out->bases, out->base_count, sizeof(f), by_index);
    if (out->log_count > 0)
        qsort(out->logs, out->log_count, sizeof(f), by_index);
    return 0;
}

void shelf_release(struct shelf *s)
{
    mem_free(s->bases);
    mem_free(s->logs);
}

/* The 16 digits behind a name; the head of a backup has lines of name:value. */
static bool text_hex(struct bytes text, const char *name, uint64_t *out)
{
    const uint8_t *at = memmem(text.data, text.len, name, strlen(name));
    uint64_t value = 0;
    if (at == NULL)
        return false;
    text = bytes_from(text, (size_t)(at - text.data) + strlen(name));
    for (size_t i = 0; i < 16; i++) {
        uint8_t c = i < text.len ? text.data[i] : '\0';
        if (!isxdigit(c))
            return false;
        value =
            value * 16 + (uint64_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    *out = value;
    return true;
}

static bool take_head(const struct archive_reader *r, struct applied *out,
                      uint64_t *cluster_id)
{
    struct bytes text = archive_text(r);
    uint64_t time_ms = archive_number(r, "time_ms");
    uint64_t wall_ms = archive_number(r, "wall_ms");
    uint64_t id = 0;
    *out = (struct applied){
        .index = archive_number(r, "index"),
        .term = archive_number(r, "term"),
        .time_ms = (int64_t)time_ms,
        .wall_offset_ms = (int64_t)(wall_ms - time_ms),
    };
    bool whole = text_hex(text, "\nchain:", &out->chain) &&
                 text_hex(text, "\ncluster_id:", &id);
    if (cluster_id != NULL)
        *cluster_id = id;
    return whole && out->index > 0 && out->index <= RAFT_NUMBER_MAX &&
           out->term > 0 && time_ms <= (uint64_t)ENTRY_TIME_MAX &&
           wall_ms <= (uint64_t)ENTRY_TIME_MAX;
}

int shelf_head(const char *path, struct applied *out, uint64_t *cluster_id,
               struct buf *error)
{
    struct archive_reader *r;
    int err = archive_open(&r, path, error);
    if (err != 0)
        return err;
    if (!take_head(r, out, cluster_id)) {
        buf_printf(error, "%s: its head says no entry that it can be of", path);
        err = ERR_CORRUPT;
    }
    archive_free(r);
    return err;
}

int shelf_base(const struct shelf *s, size_t i, struct applied *out,
               uint64_t *cluster_id, struct buf *error)
{
    ASSERT(i < s->base_count);
    char *path = shelf_path(s->dir, s->bases[i].name);
    int err = shelf_head(path, out, cluster_id, error);
    if (err == 0 && out->index != s->bases[i].index) {
        buf_printf(error, "%s: it has the name of another base", path);
        err = ERR_CORRUPT;
    }
    mem_free(path);
    return err;
}

/* --- the log ------------------------------------------------------------- */

static int spoilt(const struct walk *w, size_t file, struct buf *error,
                  const char *what)
{
    buf_printf(error, "%s/%s: behind entry %" PRIu64 ": %s. %s", w->shelf->dir,
               w->shelf->logs[file].name, w->last, what, advice);
    return ERR_CORRUPT;
}

/* Reads a file, all of it: it is not large. */
static int load(struct walk *w, size_t file, struct buf *error)
{
    const struct shelf_file *f = &w->shelf->logs[file];
    char *path = shelf_path(w->shelf->dir, f->name);
    buf_reset(&w->bytes);
    int err = file_read(path, SHELF_PIECE_MAX, &w->bytes);
    if (err != 0)
        buf_printf(error, "%s: %s", path,
                   err == ERR_TOO_BIG ? "it is too large for a piece "
                                        "of the log"
                                      : strerror(errno));
    mem_free(path);
    if (err != 0)
        return err;
    if (f->is_part && w->bytes.len < SEGMENT_HEAD_SIZE)
        return ERR_NOT_FOUND; /* its writer was killed at once */
    if (segment_open(buf_view(&w->bytes), &w->at) != 0 ||
        w->at.first != f->index)
        return spoilt(w, file, error, "its head is damaged");
    return 0;
}

/* The end of a file is not that of the log. */
static bool has_next(const struct walk *w, size_t file)
{
    const struct shelf *s = w->shelf;
    return file + 1 < s->log_count && s->logs[file + 1].index <= w->last + 1;
}

/* Opens the file that has the next entry. */
static int open_next(struct walk *w, struct buf *error)
{
    const struct shelf *s = w->shelf;
    while (has_next(w, w->next))
        w->next++;
    if (w->next >= s->log_count)
        return ERR_NOT_FOUND;
    if (s->logs[w->next].index > w->last + 1)
        return ERR_BEHIND;
    int err = load(w, w->next, error);
    if (err != 0)
        return err;
    w->is_open = true;
    w->next++;
    return 0;
}

/* Entries of the file before the one that is wanted, up to the one that was
 * seen last, are those of this history. */
static int take(struct walk *w, struct entry *out, struct buf *error)
{
    size_t file = w->next - 1;
    for (;;) {
        if (w->at.last == w->last && w->at.chain != w->chain)
            return spoilt(w, file, error,
                          "these are entries of another history");
        raft_index wanted = w->last + 1;
        int err = segment_next(&w->at, out);
        if (err == ERR_CORRUPT)
            return spoilt(w, file, error, "an entry is damaged");
        if (err == ERR_NOT_FOUND && !w->at.closed &&
            !w->shelf->logs[file].is_part)
            return spoilt(w, file, error, "it is cut short");
        if (err == 0 && w->at.last < wanted)
            continue;
        if (err == 0) {
            w->last = w->at.last;
            w->chain = w->at.chain;
        }
        return err;
    }
}

int walk_next(struct walk *w, struct entry *out, struct buf *error)
{
    for (;;) {
        int err = w->is_open ? 0 : open_next(w, error);
        if (err != 0)
            return err;
        err = take(w, out, error);
        if (err != ERR_NOT_FOUND)
            return err;
        w->is_open = false;
        if (w->next >= w->shelf->log_count)
            return ERR_NOT_FOUND;
    }
}

raft_index walk_gap(const struct walk *w)
{
    ASSERT(w->next < w->shelf->log_count);
    return w->shelf->logs[w->next].index;
}

int walk_seek(struct walk *w, size_t file, struct buf *error)
{
    ASSERT(file < w->shelf->log_count);
    w->is_open = false;
    w->last = w->shelf->logs[file].index - 1;
    w->next = file + 1;
    int err = load(w, file, error);
    w->is_open = err == 0;
    w->chain = w->at.prev_chain;
    return err;
}

void walk_release(struct walk *w)
{
    buf_release(&w->bytes);
}

/* --- times --------------------------------------------------------------- */

int64_t shelf_wall_ms(int64_t time_ms, int64_t wall_offset_ms)
{
    ASSERT(time_ms >= 0 && time_ms <= ENTRY_TIME_MAX);
    return time_ms + wall_offset_ms;
}

void shelf_time(char out[SHELF_TIME_SIZE], int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    char text[24] = "?";
    if (gmtime_r(&seconds, &tm) != NULL)
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, SHELF_TIME_SIZE, "%s.%03dZ", text,
             (int)((wall_ms % 1000 + 1000) % 1000));
}
