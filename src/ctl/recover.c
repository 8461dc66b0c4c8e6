/*
 * The last resort: most members are gone forever, and what one directory has
 * becomes a cluster of its own.
 *
 * All directories that are left are looked at, and the one whose log is the
 * newest is taken: the largest term of the last entry, then the largest index,
 * as an election would decide. It gets a new cluster id, so that nobody of the
 * old cluster ever talks to it; a life above all that are known, so that nobody
 * takes it for what it was; and an entry behind its log which says that this
 * node alone votes, so that all before it is committed.
 *
 * The database is written first, in one step, then the watermark. A crash in
 * between leaves two that do not belong together: no node starts on them, and
 * recover can be called again.
 *
 * How it fails: with one line, before anything is written, unless a write
 * fails.
 */
#include "ctl/ctl.h"

#include "base/alloc.h"
#include "base/reader.h"
#include "codec/configuration.h"
#include "data/level.h"
#include "data/members.h"
#include "journal/journal.h"
#include "journal/watermark.h"
#include "os/entropy.h"
#include "os/file.h"
#include "rocks/rocks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIRS_MAX     16
#define STATE_MEMORY ((uint64_t)16 << 20)
#define LOG_MEMORY   ((uint64_t)4 << 20)
#define TYPED_MAX    128

/* What a node keeps beside its log (node/node_boot.h). */
#define FOUNDING_KEY   BYTES_LIT("founding")
#define GRANTED_KEY    BYTES_LIT("granted")
#define RECOVERING_KEY BYTES_LIT("recovering")
#define REMOVED_KEY    BYTES_LIT("removed")
#define MEMBERS_KEY    BYTES_LIT("members")

/* One directory, which this process holds. */
struct found {
    const char *dir;
    int lock_fd;
    struct store *store;
    struct journal *log;
    struct watermark_file *mark_file;
    struct watermark mark;
    bool mark_found;
    bool incomplete; /* it has lost something that it had promised */
    struct identity identity;
    struct configuration members; /* the newest; count 0: not known */
    uint16_t level;               /* of the state */
    uint32_t voters;
    raft_index last;
    raft_term last_term; /* of the last entry */
    raft_term term;      /* of the hard state */
    struct applied applied;
};

struct recover {
    struct found dirs[DIRS_MAX];
    size_t count;
    struct found *best;
    struct buf error;
};

static char *path_of(const char *dir, const char *name)
{
    size_t size = strlen(dir) + strlen(name) + 2;
    char *out = mem_alloc(size);
    snprintf(out, size, "%s/%s", dir, name);
    return out;
}

/* --- looking ------------------------------------------------------------- */

static int hold(struct found *f, struct buf *error)
{
    char *db = path_of(f->dir, "db");
    char *lock = path_of(f->dir, "LOCK.vard");
    int err = 0;
    if (access(db, F_OK) != 0) {
        buf_printf(error, "%s: there is no data of a node in it (%s: %s)",
                   f->dir, db, strerror(errno));
        err = ERR_NOT_FOUND;
    }
    if (err == 0) {
        f->lock_fd = file_lock(lock);
        if (f->lock_fd < 0) {
            err = f->lock_fd;
            buf_printf(error, "%s: %s", f->dir,
                       err == ERR_BUSY ? "a node runs on it: stop it first"
                                       : strerror(errno));
        }
    }
    mem_free(db);
    mem_free(lock);
    return err;
}

static int open_files(struct found *f, struct buf *error)
{
    const struct rocks_options options = {
        .state_memory_bytes = STATE_MEMORY,
        .log_memory_bytes = LOG_MEMORY,
        .block_cache_bytes = STATE_MEMORY,
    };
    const struct journal_options journal = {.cache_bytes_max = 0};
    char *db = path_of(f->dir, "db");
    char *mark = path_of(f->dir, "watermark");
    int err = rocks_open(&f->store, db, &options, error);
    if (err == 0)
        err = journal_open(&f->log, f->store, &journal, error);
    if (err == 0)
        err = watermark_open(&f->mark_file, mark, &f->mark, &f->mark_found,
                             error);
    mem_free(db);
    mem_free(mark);
    return err;
}

static bool has_row(const struct found *f, struct bytes key)
{
    struct buf value = BUF_INIT;
    bool found = store_get(f->store, STORE_META, key, &value) == 0;
    buf_release(&value);
    return found;
}

/* Of the state, and who its members are. */
static int read_state(struct found *f, struct buf *error)
{
    struct keyspace *ks;
    uint64_t at = 0;
    int err = keyspace_open(&ks, f->store, error);
    if (err != 0)
        return err;
    f->applied = *keyspace_applied(ks);
    f->level = level_get(ks);
    struct bytes record = members_get(ks, &at);
    if (record.len > 0)
        err = configuration_decode(record, &f->members);
    keyspace_close(ks);
    return err;
}

/* Those of the log are newer. */
static int read_members(struct found *f)
{
    raft_index at = journal_change_before(f->log, f->last);
    struct buf scratch = BUF_INIT;
    struct entry e;
    int err = 0;
    if (at > f->applied.index) {
        err = journal_read(f->log, at, &e, &scratch);
        if (err == 0)
            err = configuration_decode(e.payload, &f->members);
    }
    buf_release(&scratch);
    return err;
}

static void count_voters(struct found *f)
{
    struct buf ids = BUF_INIT;
    for (uint32_t i = 0; i < f->members.count; i++)
        f->voters += (f->members.members[i].roles & MEMBER_VOTER) != 0;
    if (f->members.count == 0 &&
        store_get(f->store, STORE_META, MEMBERS_KEY, &ids) == 0)
        f->voters = (uint32_t)(ids.len / 4);
    buf_release(&ids);
}

static int look(struct found *f, struct buf *error)
{
    int err = open_files(f, error);
    if (err != 0)
        return err;
    err = journal_identity(f->store, &f->identity);
    if (err != 0 || f->identity.cluster_id == 0) {
        buf_printf(error, "it has never been one of a cluster: leave it out");
        return ERR_MISMATCH;
    }
    struct raft_start start;
    journal_start(f->log, &start);
    f->last = start.log_last;
    f->term = start.term;
    err = read_state(f, error);
    if (err == 0)
        err = read_members(f);
    if (err != 0 && error->len == 0)
        buf_str(error, error_text(err));
    if (err != 0)
        return err;
    f->last_term = start.run_count > 0 ? start.runs[start.run_count - 1].term
                                       : f->applied.term;
    count_voters(f);
    bool short_log = f->mark_found &&
                     f->mark.cluster_id == f->identity.cluster_id &&
                     journal_check(f->log, &f->mark, error) != 0;
    buf_reset(error);
    f->incomplete = short_log || has_row(f, RECOVERING_KEY);
    return 0;
}

static int open_all(struct recover *r, int count, char **dirs)
{
    for (int i = 0; i < count; i++) {
        struct found *f = &r->dirs[r->count++];
        struct buf why = BUF_INIT;
        *f = (struct found){.dir = dirs[i], .lock_fd = -1};
        int err = hold(f, &r->error);
        if (err == 0) {
            err = look(f, &why);
            if (err != 0)
                buf_printf(&r->error, "%s: %.*s", f->dir, (int)why.len,
                           why.len == 0 ? "" : (const char *)why.data);
        }
        buf_release(&why);
        if (err != 0)
            return err;
    }
    return 0;
}

static void close_all(struct recover *r)
{
    for (size_t i = 0; i < r->count; i++) {
        struct found *f = &r->dirs[i];
        if (f->mark_file != NULL)
            watermark_close(f->mark_file);
        if (f->log != NULL)
            journal_close(f->log);
        if (f->store != NULL)
            store_close(f->store);
        if (f->lock_fd >= 0)
            (void)close(f->lock_fd);
    }
}

/* --- judging ------------------------------------------------------------- */

static bool is_newer(const struct found *a, const struct found *b)
{
    if (a->last_term != b->last_term)
        return a->last_term > b->last_term;
    if (a->last != b->last)
        return a->last > b->last;
    return !a->incomplete && b->incomplete;
}

static int choose(struct recover *r)
{
    r->best = &r->dirs[0];
    for (size_t i = 1; i < r->count; i++) {
        struct found *f = &r->dirs[i];
        for (size_t k = 0; k < i; k++) {
            if (r->dirs[k].identity.node != f->identity.node)
                continue;
            buf_printf(&r->error, "%s and %s are both of node %u: name one",
                       r->dirs[k].dir, f->dir, f->identity.node);
            return ERR_MISMATCH;
        }
        if (f->identity.cluster_id != r->best->identity.cluster_id) {
            buf_printf(&r->error,
                       "%s and %s are of different clusters: leave one out",
                       r->best->dir, f->dir);
            return ERR_MISMATCH;
        }
        if (is_newer(f, r->best))
            r->best = f;
    }
    return 0;
}

static void show(const struct recover *r)
{
    printf("%-8s %5s %10s %12s %12s %16s %5s  %s\n", "node", "term",
           "last term", "last entry", "applied", "cluster", "life",
           "directory");
    for (size_t i = 0; i < r->count; i++) {
        const struct found *f = &r->dirs[i];
        printf("%-8u %5" PRIu64 " %10" PRIu64 " %12" PRIu64 " %12" PRIu64
               " %016" PRIx64 " %5" PRIu64 "  %s%s%s\n",
               f->identity.node, f->term, f->last_term, f->last,
               f->applied.index, f->identity.cluster_id,
               f->identity.incarnation >> 32, f->dir,
               f->incomplete ? " (has lost some of its log)" : "",
               f == r->best ? " <- the newest" : "");
    }
}

/* How many of the voters are here, whole. */
static uint32_t voters_here(const struct recover *r)
{
    const struct configuration *c = &r->best->members;
    uint32_t here = 0;
    for (size_t i = 0; i < r->count; i++) {
        const struct member *m =
            configuration_find(c, r->dirs[i].identity.node);
        bool votes =
            c->count == 0 || (m != NULL && (m->roles & MEMBER_VOTER) != 0);
        here += votes && !r->dirs[i].incomplete;
    }
    return here;
}

static int refuse_majority(struct recover *r, bool force)
{
    uint32_t here = voters_here(r);
    if (force || 2 * here <= r->best->voters)
        return 0;
    buf_printf(&r->error,
               "these are %u of the %u voters, a majority: start them, and the "
               "cluster goes on with all that was acknowledged. Nothing has "
               "been changed (--force to make a new cluster all the same)",
               here, r->best->voters);
    return ERR_MISMATCH;
}

/* The id of the cluster that ends here, in the operator's own hand. */
static int confirm(struct recover *r, const char *given)
{
    char typed[TYPED_MAX] = "";
    char id[20];
    snprintf(id, sizeof(id), "%016" PRIx64, r->best->identity.cluster_id);
    if (given == NULL) {
        printf("\nA new cluster begins with what %s has, and the old one, %s, "
               "is given up.\nType the id of the old cluster to go on: ",
               r->best->dir, id);
        fflush(stdout);
        if (fgets(typed, sizeof(typed), stdin) == NULL)
            typed[0] = '\0';
        typed[strcspn(typed, "\r\n")] = '\0';
        given = typed;
    }
    if (strcmp(given, id) == 0)
        return 0;
    buf_printf(&r->error,
               "'%.40s' is not the id of the cluster, %s: nothing has been "
               "changed",
               given, id);
    return ERR_MISMATCH;
}

/* --- changing ------------------------------------------------------------ */

static uint64_t next_life(const struct recover *r)
{
    uint64_t life = 0;
    for (size_t i = 0; i < r->count; i++) {
        const struct found *f = &r->dirs[i];
        life = MAX(life, f->identity.incarnation >> 32);
        if (f->mark_found)
            life = MAX(life, f->mark.incarnation >> 32);
        for (uint32_t m = 0; m < f->members.count; m++)
            life = MAX(life, (uint64_t)f->members.members[m].life);
    }
    return life + 1;
}

/* This node alone, as it is known. */
static void members_alone(const struct found *f, uint64_t life,
                          struct configuration *out)
{
    const struct member *old =
        configuration_find(&f->members, f->identity.node);
    configuration_of(out, &f->identity.node, 1);
    out->level = MAX(f->members.level, f->level);
    if (old != NULL)
        out->members[0] = *old;
    out->members[0].roles = MEMBER_VOTER;
    out->members[0].life = (uint32_t)life;
    out->members[0].directory = f->identity.directory;
}

/* The entry that says so, behind all others, in a later term. */
static int append_members(struct found *f, struct store_batch *b)
{
    struct configuration alone;
    struct buf record = BUF_INIT;
    struct buf scratch = BUF_INIT;
    struct entry e = {.time_ms = f->applied.time_ms,
                      .wall_offset_ms = f->applied.wall_offset_ms};
    int err = 0;
    if (journal_first(f->log) <= f->last)
        err = journal_read(f->log, f->last, &e, &scratch);
    if (err == 0) {
        members_alone(f, f->identity.incarnation >> 32, &alone);
        configuration_encode(&alone, &record);
        e.index = f->last + 1;
        e.term = f->term + 1;
        e.seed = entropy_u64();
        e.kind = ENTRY_CONFIG;
        e.payload = buf_view(&record);
        entry_seal(&e);
        journal_append(f->log, b, &e);
        journal_hard_state(f->log, b, e.term, NODE_NONE);
    }
    buf_release(&scratch);
    buf_release(&record);
    return err;
}

static int write_store(struct recover *r)
{
    struct found *f = r->best;
    struct store_batch b = STORE_BATCH_INIT;
    struct buf ids = BUF_INIT;
    int err = append_members(f, &b);
    buf_u32be(&ids, f->identity.node);
    journal_put_identity(&b, &f->identity);
    store_batch_put(&b, STORE_META, MEMBERS_KEY, buf_view(&ids));
    store_batch_delete(&b, STORE_META, FOUNDING_KEY);
    store_batch_delete(&b, STORE_META, GRANTED_KEY);
    store_batch_delete(&b, STORE_META, RECOVERING_KEY);
    store_batch_delete(&b, STORE_META, REMOVED_KEY);
    if (err == 0)
        err = store_write(f->store, &b, STORE_LOGGED);
    if (err == 0)
        err = store_sync(f->store);
    if (err != 0)
        buf_printf(&r->error, "%s: it cannot be written: %s", f->dir,
                   store_error(f->store));
    store_batch_release(&b);
    buf_release(&ids);
    return err;
}

static int write_mark(struct recover *r)
{
    struct found *f = r->best;
    struct watermark w = {
        .cluster_id = f->identity.cluster_id,
        .node = f->identity.node,
        .incarnation = f->identity.incarnation,
        .directory = f->identity.directory,
        .nonce = f->identity.nonce,
        .term = f->term + 1,
        .vote = NODE_NONE,
        .index = f->last + 1,
        .index_term = f->term + 1,
    };
    int err = journal_chain(f->log, w.index, &w.chain);
    if (err == 0)
        err = watermark_write(f->mark_file, &w, true);
    if (err != 0)
        buf_printf(&r->error, "%s: its watermark cannot be written: %s", f->dir,
                   watermark_error(f->mark_file));
    return err;
}

static int change(struct recover *r)
{
    struct identity *id = &r->best->identity;
    uint64_t old = id->cluster_id;
    uint64_t life = next_life(r);
    if (life > CONFIGURATION_LIFE_MAX) {
        buf_str(&r->error, "it has had too many lives");
        return ERR_MISMATCH;
    }
    do
        id->cluster_id = entropy_u64();
    while (id->cluster_id == 0 || id->cluster_id == old);
    id->incarnation = life << 32;
    id->nonce = MAX(entropy_u64(), (uint64_t)1);
    int err = write_store(r);
    return err != 0 ? err : write_mark(r);
}

static void print_result(const struct recover *r)
{
    const struct found *f = r->best;
    uint32_t here = voters_here(r);
    printf("%s: node %u is a cluster of its own now, %016" PRIx64
           ". All of its log, up to entry %" PRIu64 ", counts as committed.\n",
           f->dir, f->identity.node, f->identity.cluster_id, f->last);
    if (2 * here > f->voters)
        printf("A majority of the old cluster was here: no acknowledged write "
               "is missing.\n");
    else
        printf("Of %u voters of the old cluster %u were here. Writes that only "
               "the others had are missing, also acknowledged ones: all that "
               "came after entry %" PRIu64 " of term %" PRIu64
               ". Writes without an answer may be there.\n",
               f->voters, here, f->last, f->last_term);
    printf("Start it, and add others with `vardctl add`, each with an empty "
           "directory. No other directory of the old cluster may be used "
           "again: its members are refused.\n");
}

int recover_dirs(int count, char **dirs, const char *cluster_id, bool force)
{
    struct recover *r = mem_zalloc(sizeof(*r));
    if (count > DIRS_MAX) {
        fprintf(stderr, "vardctl: %d directories at most\n", DIRS_MAX);
        mem_free(r);
        return CTL_USAGE;
    }
    int err = open_all(r, count, dirs);
    if (err == 0)
        err = choose(r);
    if (err == 0) {
        show(r);
        err = refuse_majority(r, force);
    }
    if (err == 0)
        err = confirm(r, cluster_id);
    if (err == 0)
        err = change(r);
    close_all(r);
    if (err == 0)
        print_result(r);
    else
        fprintf(stderr, "vardctl: %.*s\n", (int)r->error.len,
                r->error.len == 0 ? "" : (const char *)r->error.data);
    buf_release(&r->error);
    mem_free(r);
    return err == 0 ? CTL_GOOD : CTL_NOT_DONE;
}
