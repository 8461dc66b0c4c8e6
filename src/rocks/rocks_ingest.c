/*
 * The state family has nothing in RocksDB's memory: a table of ours is written
 * to a sorted file, which is added to the database in one atomic step.
 *
 * How it fails: as a write does, for good. A part of a file is removed; a whole
 * one that the database has perhaps not taken over stays (incoming.h).
 */
#include "rocks/garbage.h"
#include "rocks/incoming.h"
#include "rocks/rocks_internal.h"
#include "rocks/tidy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUN_MIN       1000
#define RUN_PART      8
#define MERGE_LOOK_NS 20000000
#define MERGE_LOOKS   1000 /* 20 seconds in all */

/* Neighbouring rows nearly all of which are deleted. */
struct run {
    struct bytes first;
    struct bytes last;
    uint64_t deleted;
    uint64_t others;
};

static void end_run(struct rocks *r, struct run *run)
{
    if (run->deleted >= RUN_MIN)
        tidy_deleted(r->tidy, run->first, run->last, run->deleted);
    *run = (struct run){0};
}

static void note_row(struct rocks *r, struct run *run, struct bytes key,
                     enum memtable_kind kind)
{
    if (kind == MEMTABLE_DELETED) {
        if (run->deleted == 0)
            run->first = key;
        run->last = key;
        run->deleted++;
    } else if (kind == MEMTABLE_VALUE && run->deleted > 0) {
        run->others++;
        if (run->others > run->deleted / RUN_PART)
            end_run(r, run);
    }
}

/* Finds what it deletes by the way. */
static void add_entries(struct rocks *r, rocksdb_sstfilewriter_t *w,
                        const struct memtable *m, struct incoming_pace *pace,
                        char **why)
{
    struct run run = {0};
    struct memtable_cursor c = memtable_seek(m, BYTES_NONE);
    for (; memtable_valid(&c) && *why == NULL; memtable_next(&c)) {
        struct bytes key = memtable_key(&c);
        struct bytes value;
        enum memtable_kind kind = memtable_value(&c, &value);
        note_row(r, &run, key, kind);
        if (kind == MEMTABLE_VALUE)
            rocksdb_sstfilewriter_put(w, (const char *)key.data, key.len,
                                      (const char *)value.data, value.len, why);
        else if (kind == MEMTABLE_DELETED)
            rocksdb_sstfilewriter_delete(w, (const char *)key.data, key.len,
                                         why);
        incoming_pace_add(pace, key.len + value.len);
    }
    end_run(r, &run);
}

/* Writes the table to a file of its own, and syncs it. */
static char *write_file(struct rocks *r, const struct memtable *m,
                        const char *name)
{
    rocksdb_envoptions_t *env = rocksdb_envoptions_create();
    rocksdb_sstfilewriter_t *w =
        rocksdb_sstfilewriter_create(env, r->options[1 + STORE_STATE]);
    char *why = NULL;
    rocksdb_sstfilewriter_open(w, name, &why);
    struct incoming_pace pace;
    incoming_pace_begin(&pace, name);
    if (why == NULL)
        add_entries(r, w, m, &pace, &why);
    if (why == NULL)
        rocksdb_sstfilewriter_finish(w, &why);
    incoming_pace_end(&pace);
    rocksdb_sstfilewriter_destroy(w);
    rocksdb_envoptions_destroy(env);
    return why;
}

/* The file gets a second name in the database (no copy), then the MANIFEST
 * knows it, then the first name goes. */
static char *add_file(struct rocks *r, const char *name)
{
    rocksdb_ingestexternalfileoptions_t *o =
        rocksdb_ingestexternalfileoptions_create();
    rocksdb_ingestexternalfileoptions_set_move_files(o, 1);
    char *why = NULL;
    rocksdb_ingest_external_file_cf(r->db, rocks_handle(r, STORE_STATE), &name,
                                    1, o, &why);
    rocksdb_ingestexternalfileoptions_destroy(o);
    return why;
}

/* What says so is durable now. */
static void add_discards(struct rocks *r, const struct memtable *m)
{
    for (size_t i = 0; i < memtable_discards(m); i++) {
        struct bytes begin;
        struct bytes end;
        memtable_discarded(m, i, &begin, &end);
        garbage_add(r->garbage, begin, end);
    }
}

/* The database does not need it: it would only take space, perhaps the last. */
void rocks_drop_incoming(const struct rocks *r)
{
    bool ignored = incoming_remove(r->incoming);
    UNUSED(ignored);
}

static uint64_t unmerged_tables(struct rocks *r)
{
    char *text = rocksdb_property_value_cf(r->db, rocks_handle(r, STORE_STATE),
                                           "rocksdb.num-files-at-level0");
    uint64_t count = text == NULL ? 0 : strtoull(text, NULL, 10);
    rocksdb_free(text);
    return count;
}

/* Each table that is not merged is one more place to look for a key. Merges
 * that have stopped for good are seen by the next sync, so the wait ends; and
 * if there is no space for a merge, the table may be what makes some. */
static void wait_for_merges(struct rocks *r)
{
    const struct timespec a_while = {0, MERGE_LOOK_NS};
    for (int i = 0;
         i < MERGE_LOOKS && !atomic_load(&r->failed) &&
         rocks_space_merging(r) && unmerged_tables(r) >= r->unmerged_max;
         i++)
        (void)nanosleep(&a_while, NULL);
}

/* A table that does not fit waits in memory, until there is space or the store
 * is to be closed: then the log has it. */
static bool wait_for_space(struct rocks *r, const struct memtable *m)
{
    const struct timespec a_while = {0, MERGE_LOOK_NS};
    uint64_t bytes = memtable_bytes(m) + memtable_bytes(m) / 16;
    while (!rocks_space_fits(r, bytes)) {
        if (atomic_load(&r->failed) || atomic_load(&r->closing))
            return false;
        (void)nanosleep(&a_while, NULL);
    }
    return true;
}

/* RocksDB's texts end with the system's. */
static bool is_lack_of_space(const char *why)
{
    return strstr(why, strerror(ENOSPC)) != NULL ||
           strstr(why, strerror(EDQUOT)) != NULL;
}

/* No other than for space is tried again: the file is ours alone, and no part
 * of the database yet. */
static char *write_file_with_space(struct rocks *r, const struct memtable *m)
{
    for (;;) {
        char *why = write_file(r, m, r->incoming);
        if (why == NULL)
            return NULL;
        rocks_drop_incoming(r); /* a part of a table */
        if (!is_lack_of_space(why) || atomic_load(&r->closing))
            return why;
        rocksdb_free(why);
        (void)nanosleep(&(struct timespec){0, MERGE_LOOK_NS}, NULL);
    }
}

/* Runs on the thread of the buffered store. The log goes first. */
int rocks_ingest(struct store *s, const struct memtable *m)
{
    struct rocks *r = rocks_of(s);
    wait_for_merges(r);
    if (!wait_for_space(r, m) || atomic_load(&r->failed) ||
        rocks_sync_logs(r) != 0)
        return ERR_IO;
    if (!incoming_remove(r->incoming))
        return rocks_write_failed(r, "removing the file incoming",
                                  strerror(errno));
    bool changes = memtable_changes(m) > 0;
    char *why = changes ? write_file_with_space(r, m) : NULL;
    if (why == NULL && changes)
        why = add_file(r, r->incoming);
    if (why == NULL) {
        add_discards(r, m);
        tidy_table(r->tidy);
        if (memtable_discards(m) > 0)
            tidy_ask(r->tidy);
        return 0;
    }
    int err = rocks_write_failed(r, "writing the state to a file", why);
    rocksdb_free(why);
    return err;
}
