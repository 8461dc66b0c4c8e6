/*
 * disk_driver DIR NOTES SEED STEPS clean|kill: one life of a node's storage,
 * from opening to a clean stop or to an end without any. It does what
 * src/node does with log, state, disk thread and watermark: appends, new
 * terms, replaced tails, cuts of the log, applied entries, flushes, and a state
 * that comes as a whole from elsewhere; what it does follows from the seed.
 * Each promise goes to NOTES the moment the disk thread reports it. The next
 * life goes on from what it finds.
 */
#include "base/alloc.h"
#include "base/reader.h"
#include "base/rng.h"
#include "collect.h"
#include "history.h"
#include "journal/disk.h"
#include "node/node_switch.h"
#include "os/file.h"
#include "replica.h"
#include "store/store_fill.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOG_ENTRIES_MAX 300 /* before it is cut */
#define NOTES_MAX       ((size_t)64 << 20)

struct driver {
    struct replica r;
    struct history history;
    struct disk *disk;
    struct store_batch batch;
    struct buf scratch;
    struct disk_point point;
    struct disk_point durable;
    uint64_t rng;
    int notes;
    raft_term term;
    node_id vote;
    uint64_t replaced_seq; /* of the write that last replaced entries */
    raft_index applied;
    struct keyspace *ks; /* of collections; NULL: the state is another one */
    bool filling;        /* it is noted how far a fill has come */
};

/* As a node ends after a failure: at once. RocksDB's threads still run, and
 * must not see what it keeps being destroyed. */
NORETURN static void die(const char *what, const char *why)
{
    fprintf(stderr, "disk_driver: %s: %s\n", what, why);
    _exit(1);
}

PRINTF(2, 3) static void note(struct driver *d, const char *format, ...)
{
    char line[128];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    ASSERT(len > 0 && (size_t)len < sizeof(line));
    int rc = file_write(d->notes, line, (size_t)len);
    ASSERT(rc == 0);
}

static uint64_t chain_at(struct driver *d, raft_index index)
{
    uint64_t chain = 0;
    int rc = journal_chain(d->r.log, index, &chain);
    ASSERT(rc == 0);
    return chain;
}

/* --- writing ------------------------------------------------------------ */

static void append(struct driver *d, raft_term term)
{
    struct entry e;
    history_entry(journal_last(d->r.log) + 1, term, &d->scratch, &e);
    journal_append(d->r.log, &d->batch, &e);
    d->point.mark.index = e.index;
    d->point.mark.index_term = term;
}

static void draw_hard_state(struct driver *d, raft_term term)
{
    d->term = term;
    d->vote = rng_below(&d->rng, 3) == 0 ? NODE_NONE
                                         : (node_id)rng_below(&d->rng, 3) + 1;
    d->point.hard_state = true;
}

static void set_hard_state(struct driver *d, raft_term term)
{
    draw_hard_state(d, term);
    journal_hard_state(d->r.log, &d->batch, d->term, d->vote);
}

static void lower(struct driver *d, const struct watermark *mark)
{
    if (d->disk->lower(d->disk, mark) != 0)
        die("lowering", d->disk->error(d->disk));
}

/* Entries from `from` on are about to be replaced: as node_drive.c does. */
static void replace_from(struct driver *d, raft_index from)
{
    struct watermark mark = d->durable.mark;
    mark.index = from - 1;
    mark.chain = chain_at(d, from - 1);
    note(d, "T %" PRIu64 " %" PRIu64 "\n", mark.index, mark.chain);
    lower(d, &mark);
    journal_truncate(d->r.log, &d->batch, from);
    d->point.mark.index = from - 1;
    d->replaced_seq = d->point.seq + 1;
}

/* A batch was written; the disk thread makes it durable. */
static void told(struct driver *d)
{
    struct watermark *m = &d->point.mark;
    d->point.seq++;
    m->term = d->term;
    m->vote = d->vote;
    m->index = journal_last(d->r.log);
    m->chain = chain_at(d, m->index);
    d->disk->sync(d->disk, &d->point);
    d->point.hard_state = false;
}

static void write_batch(struct driver *d)
{
    if (d->batch.count == 0)
        return;
    int rc = store_write(d->r.store, &d->batch, STORE_LOGGED);
    if (rc != 0)
        die("writing", store_error(d->r.store));
    store_batch_reset(&d->batch);
    told(d);
}

/* What the thread reports becomes a promise. A report from before the tail
 * was replaced says nothing of the log. */
static void take_done(struct driver *d)
{
    const char *error = d->disk->error(d->disk);
    if (error != NULL)
        die("disk", error);
    if (!d->disk->done(d->disk, &d->durable))
        return;
    const struct watermark *m = &d->durable.mark;
    note(d, "V %" PRIu64 " %u\n", m->term, m->vote);
    if (d->durable.seq >= d->replaced_seq)
        note(d, "D %" PRIu64 " %" PRIu64 "\n", m->index, m->chain);
}

static void write_something(struct driver *d)
{
    raft_index last = journal_last(d->r.log);
    raft_index settled = MAX(d->history.count, d->applied);
    uint64_t choice = rng_below(&d->rng, 100);
    if (choice < 8) {
        set_hard_state(d, d->term + 1);
    } else if (choice < 14 && last > settled) {
        raft_index from = settled + 1 + rng_below(&d->rng, last - settled);
        set_hard_state(d, d->term + 1);
        replace_from(d, from);
        append(d, d->term);
    } else if (choice < 80) {
        for (uint64_t n = rng_below(&d->rng, 6); n > 0; n--)
            append(d, d->term);
    }
    write_batch(d);
}

/* --- state and log -------------------------------------------------------- */

/* Commits and applies up to `index`, in one batch per few entries. */
static void apply_to(struct driver *d, raft_index index)
{
    struct store_batch b = STORE_BATCH_INIT;
    struct entry e;
    while (d->applied < index) {
        raft_index i = ++d->applied;
        int rc = journal_read(d->r.log, i, &e, &d->scratch);
        ASSERT(rc == 0);
        uint64_t chain = chain_at(d, i);
        char line[96];
        int len = snprintf(line, sizeof(line),
                           "C %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", i, e.term,
                           chain);
        history_notes(&d->history, bytes_of(line, (size_t)len));
        note(d, "%s", line);
        if (d->ks != NULL) {
            if (collect_apply(d->ks, &e, chain) != 0)
                die("applying", store_error(d->r.store));
            continue;
        }
        history_change(&b, &e, chain);
        if (i < index && rng_below(&d->rng, 3) > 0)
            continue;
        rc = store_write(d->r.store, &b, STORE_UNLOGGED);
        if (rc != 0)
            die("applying", store_error(d->r.store));
        store_batch_reset(&b);
    }
    store_batch_release(&b);
}

/* Mostly what is durable here; sometimes more, as a follower whose disk is
 * slower than the others'. */
static void apply_something(struct driver *d)
{
    raft_index to = journal_last(d->r.log);
    if (rng_below(&d->rng, 4) > 0)
        to = d->durable.seq >= d->replaced_seq ? MIN(to, d->durable.mark.index)
                                               : d->applied;
    if (to > d->applied)
        apply_to(d, d->applied + 1 + rng_below(&d->rng, to - d->applied));
}

/* As node_compact.c: below what a completed flush of the state contains. */
static void compact(struct driver *d)
{
    struct history_applied flushed;
    raft_index first = journal_first(d->r.log);
    if (journal_last(d->r.log) - first < LOG_ENTRIES_MAX)
        return;
    int rc = history_applied(d->r.store, true, &flushed);
    if (rc != 0)
        die("reading the flushed state", store_error(d->r.store));
    if (flushed.index > first + 20) {
        journal_cut(d->r.log, &d->batch,
                    flushed.index - rng_below(&d->rng, 20));
        rc = store_write(d->r.store, &d->batch, STORE_LOGGED);
        store_batch_reset(&d->batch);
    } else if (d->applied > flushed.index + 50) {
        rc = store_flush(d->r.store, STORE_STATE, false);
    }
    if (rc != 0)
        die("compacting", store_error(d->r.store));
}

/* What the cluster has committed comes again from its leader. */
static void catch_up(struct driver *d)
{
    for (raft_index i = journal_first(d->r.log); i <= d->history.count; i++) {
        raft_index last = journal_last(d->r.log);
        const struct committed *c = history_at(&d->history, i);
        if (i <= last && chain_at(d, i) == c->chain)
            continue;
        if (i <= last)
            replace_from(d, i);
        append(d, c->term);
        write_batch(d); /* the log keeps what it borrows until then */
    }
    apply_to(d, d->history.count);
}

/* --- a state from elsewhere ---------------------------------------------- */

/* Entries that the others have committed, of this node's newest term. */
static raft_index commit_elsewhere(struct driver *d)
{
    const struct committed *c = history_at(&d->history, d->history.count);
    uint64_t chain = c == NULL ? 0 : c->chain;
    raft_index to = d->history.count + 1 + rng_below(&d->rng, 20);
    for (raft_index i = d->history.count + 1; i <= to; i++) {
        struct entry e;
        char line[96];
        history_entry(i, d->term, &d->scratch, &e);
        chain = entry_chain(chain, e.checksum);
        int len = snprintf(line, sizeof(line),
                           "C %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", i, e.term,
                           chain);
        history_notes(&d->history, bytes_of(line, (size_t)len));
        note(d, "%s", line);
    }
    return to;
}

/* How far a fill has come: node_refill_note.c. */
#define FILL_ROW BYTES_LIT("refill")

static void note_fill(struct driver *d, raft_index index, uint32_t parts,
                      struct bytes after)
{
    struct store_batch b = STORE_BATCH_INIT;
    struct buf row = BUF_INIT;
    buf_u64(&row, index);
    buf_u32(&row, parts);
    buf_bytes(&row, after);
    store_batch_put(&b, STORE_META, FILL_ROW, buf_view(&row));
    if (store_write(d->r.store, &b, STORE_LOGGED) != 0)
        die("noting a part", store_error(d->r.store));
    store_batch_release(&b);
    buf_release(&row);
    d->filling = true;
}

/* On the disk, before another fill makes parts. */
static void erase_fill(struct driver *d)
{
    struct store_batch b = STORE_BATCH_INIT;
    if (!d->filling)
        return;
    store_batch_delete(&b, STORE_META, FILL_ROW);
    int rc = store_write(d->r.store, &b, STORE_LOGGED);
    if (rc == 0)
        rc = store_sync(d->r.store);
    if (rc != 0)
        die("ending a fill", store_error(d->r.store));
    store_batch_release(&b);
    d->filling = false;
}

/* Adds the rows that come after a key, and sometimes ends a part. */
static int add_rows(struct driver *d, struct store_fill *f, raft_index index,
                    struct bytes after)
{
    struct buf rows = BUF_INIT;
    struct store_row row;
    uint32_t parts;
    int rc = 0;
    history_rows(&d->history, index, &rows);
    struct bytes rest = buf_view(&rows);
    for (struct bytes all = rest; rc == 0 && store_row_next(&rest, &row);
         all = rest) {
        if (bytes_cmp(row.key, after) <= 0)
            continue;
        rc = store_fill_add(f, bytes_of(all.data, all.len - rest.len));
        if (rc != 0 || rng_below(&d->rng, 60) > 0)
            continue;
        rc = store_fill_part(f, &parts);
        if (rc == 0)
            note_fill(d, index, parts, row.key);
    }
    buf_release(&rows);
    return rc;
}

/* 0: it is left in parts. */
static uint64_t end_fill(struct driver *d, struct store_fill *f, int rc,
                         bool whole)
{
    uint64_t state = 0;
    uint32_t parts = 0;
    if (rc == 0)
        rc = whole ? store_fill_end(f, &state) : store_fill_part(f, &parts);
    if (rc != 0)
        die("filling", store_fill_error(f));
    store_fill_free(f);
    UNUSED(d);
    return state;
}

static uint64_t fill_state(struct driver *d, raft_index index, bool whole)
{
    struct store_fill *f;
    erase_fill(d);
    if (store_fill_begin(d->r.store, 0, BYTES_NONE, &f) != 0)
        die("beginning to fill", store_error(d->r.store));
    return end_fill(d, f, add_rows(d, f, index, BYTES_NONE), whole);
}

/* Goes on with what a life before this one has noted. 0: there is nothing. */
static uint64_t resume_fill(struct driver *d, raft_index *index)
{
    struct buf raw = BUF_INIT;
    struct store_fill *f;
    uint64_t state = 0;
    d->filling = store_get(d->r.store, STORE_META, FILL_ROW, &raw) == 0;
    struct reader r = reader_of(buf_view(&raw));
    *index = reader_u64(&r);
    uint32_t parts = reader_u32(&r);
    ASSERT(!d->filling || (parts > 0 && r.rest.len > 0));
    if (d->filling && *index > d->applied &&
        store_fill_begin(d->r.store, parts, r.rest, &f) == 0)
        state = end_fill(d, f, add_rows(d, f, *index, r.rest), true);
    buf_release(&raw);
    return state;
}

/* The last entry up to `index` that the log has as it was committed: what is
 * acknowledged of the log and of a state that ends there. */
static raft_index common(struct driver *d, raft_index index)
{
    raft_index i = MIN(index, journal_last(d->r.log));
    while (i > d->applied &&
           chain_at(d, i) != history_at(&d->history, i)->chain)
        i--;
    return i;
}

/* By the steps of the node itself. */
static void use_state(struct driver *d, raft_index index, uint64_t state)
{
    const struct committed *c = history_at(&d->history, index);
    const char *what;
    draw_hard_state(d, d->term + 1);
    const struct node_switch steps = {.store = d->r.store,
                                      .log = d->r.log,
                                      .disk = d->disk,
                                      .batch = &d->batch,
                                      .promised = &d->durable.mark,
                                      .state = state,
                                      .index = index,
                                      .index_term = c->term,
                                      .chain = c->chain,
                                      .term = d->term,
                                      .vote = d->vote};
    raft_index both = common(d, index);
    note(d, "T %" PRIu64 " %" PRIu64 "\n", both, chain_at(d, both));
    d->replaced_seq = d->point.seq + 1;
    d->point.mark.index = index;
    d->point.mark.index_term = c->term;
    store_batch_delete(&d->batch, STORE_META, FILL_ROW);
    struct buf error = BUF_INIT;
    if (d->ks != NULL)
        keyspace_leave(d->ks);
    if (node_switch(&steps, &what) != 0)
        die(what, store_error(d->r.store));
    if (d->ks != NULL && keyspace_reopen(d->ks, &error) != 0)
        die("reopening the keyspace", store_error(d->r.store));
    buf_release(&error);
    store_batch_reset(&d->batch);
    d->filling = false;
    d->applied = index;
    told(d);
}

static void pause_us(uint64_t us)
{
    struct timespec t = {.tv_nsec = (long)us * 1000};
    nanosleep(&t, NULL);
}

/* Entries that nobody will commit, acknowledged all the same: a state that
 * comes in their place may end before they do. */
static void add_tail(struct driver *d)
{
    for (uint64_t n = rng_below(&d->rng, 40); n > 0; n--)
        append(d, d->term);
    write_batch(d);
    while (d->durable.seq < d->point.seq) {
        pause_us(200);
        take_done(d);
    }
}

static void install_something(struct driver *d)
{
    if (rng_below(&d->rng, 40) > 0)
        return;
    add_tail(d);
    set_hard_state(d, d->term + 1);
    write_batch(d);
    raft_index index = commit_elsewhere(d);
    uint64_t choice = rng_below(&d->rng, 4);
    uint64_t state = fill_state(d, index, choice > 0);
    if (choice > 1)
        use_state(d, index, state);
    else
        catch_up(d);
}

/* --- a life --------------------------------------------------------------- */

static void notify(void *ctx)
{
    UNUSED(ctx); /* the driver looks by itself */
}

static void begin(struct driver *d, const char *dir, const char *notes)
{
    struct buf text = BUF_INIT;
    int rc = file_read(notes, NOTES_MAX, &text);
    ASSERT(rc == 0 || rc == ERR_NOT_FOUND);
    history_notes(&d->history, buf_view(&text));
    buf_reset(&text);
    d->notes = open(notes, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ASSERT(d->notes >= 0);
    if (replica_open(&d->r, dir, &text) != 0) {
        buf_char(&text, 0);
        die("opening", (const char *)text.data);
    }
    if (collect_used() && keyspace_open(&d->ks, d->r.store, &text) != 0)
        die("opening the keyspace", store_error(d->r.store));
    buf_release(&text);
    struct watermark *m = &d->point.mark;
    m->cluster_id = d->r.identity.cluster_id;
    m->node = d->r.identity.node;
    m->incarnation = d->r.identity.incarnation;
    m->directory = d->r.identity.directory;
    m->nonce = d->r.identity.nonce;
    m->term = d->r.start.term;
    m->vote = d->r.start.vote;
    d->durable = d->point;
    d->applied = d->r.applied.index;
    d->disk = disk_thread_new(d->r.store, d->r.file, notify, NULL);
    /* What was committed may be of a later term than is on this disk. */
    const struct committed *newest = history_at(&d->history, d->history.count);
    raft_term term = newest == NULL ? 0 : newest->term;
    set_hard_state(d, MAX(d->r.start.term, term) + 1);
    write_batch(d);
    raft_index index;
    uint64_t state = resume_fill(d, &index);
    if (state != 0)
        use_state(d, index, state);
    catch_up(d);
}

int main(int argc, char **argv)
{
    struct driver d = {.history = HISTORY_INIT};
    if (argc != 6)
        die("usage", "disk_driver DIR NOTES SEED STEPS clean|kill");
    d.rng = strtoull(argv[3], NULL, 10);
    uint64_t steps = strtoull(argv[4], NULL, 10);
    begin(&d, argv[1], argv[2]);
    for (uint64_t i = 0; i < steps; i++) {
        write_something(&d);
        if (rng_below(&d.rng, 3) == 0)
            pause_us(rng_below(&d.rng, 1500));
        take_done(&d);
        apply_something(&d);
        compact(&d);
        install_something(&d);
        if (rng_below(&d.rng, 20) == 0)
            store_tidy(d.r.store);
    }
    if (strcmp(argv[5], "kill") == 0)
        _exit(0);
    disk_thread_free(d.disk);
    if (d.ks != NULL)
        keyspace_close(d.ks);
    replica_close(&d.r);
    history_release(&d.history);
    store_batch_release(&d.batch);
    buf_release(&d.scratch);
    close(d.notes);
    return 0;
}
