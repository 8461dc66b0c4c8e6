/*
 * The steps and their order are those of open_data() in src/main/vard.c and
 * of src/node/node_open.c. Memory for the store is as small as
 * RocksDB allows, so that a short run flushes and compacts.
 */
#include "replica.h"

#include "journal/start_check.h"
#include "node/node_boot.h"
#include "os/entropy.h"
#include "os/file.h"
#include "rocks/rocks.h"

#include <stdio.h>
#include <string.h>

#define KB        ((uint64_t)1024)
#define PATH_SIZE 512

static void path_in(const char *dir, const char *name, char out[PATH_SIZE])
{
    int len = snprintf(out, PATH_SIZE, "%s/%s", dir, name);
    ASSERT(len > 0 && len < PATH_SIZE);
}

static int open_data(struct replica *r, const char *dir, struct buf *error)
{
    char path[PATH_SIZE];
    struct rocks_options options = {
        .state_memory_bytes = 64 * KB,
        .log_memory_bytes = 64 * KB,
        .block_cache_bytes = 1024 * KB,
        .create = true,
    };
    struct store_check check = start_check(&r->mark);
    int rc = file_make_dir(dir);
    ASSERT(rc == 0);
    path_in(dir, "watermark", path);
    rc = watermark_open(&r->file, path, &r->mark, &r->mark_found, error);
    if (rc != 0)
        return rc;
    options.check = r->mark_found ? &check : NULL;
    path_in(dir, "db", path);
    rc = rocks_open(&r->store, path, &options, error);
    if (rc != 0)
        return rc;
    const struct node_boot boot = {.self = 1,
                                   .cluster_id = 77,
                                   .label = "",
                                   .directory = {7, 7},
                                   .nonce = entropy_u64(),
                                   .store = r->store,
                                   .mark_file = r->file,
                                   .mark = r->mark_found ? &r->mark : NULL};
    return node_boot(&boot, &r->identity, error);
}

static int restart_log(struct replica *r, struct buf *error)
{
    struct store_batch b = STORE_BATCH_INIT;
    journal_restart(r->log, &b, r->applied.index, r->applied.term,
                    r->applied.chain);
    if (r->applied.term > r->start.term)
        journal_hard_state(r->log, &b, r->applied.term, NODE_NONE);
    int rc = store_write(r->store, &b, STORE_LOGGED);
    if (rc == 0)
        rc = store_sync(r->store);
    if (rc != 0)
        buf_str(error, store_error(r->store));
    store_batch_release(&b);
    r->restarted = true;
    journal_start(r->log, &r->start);
    return rc;
}

static int join(struct replica *r, struct buf *error)
{
    uint64_t chain = 0;
    raft_index first = journal_first(r->log);
    if (r->applied.index + 1 < first) {
        buf_printf(error, "the state ends at %llu, the log begins at %llu",
                   (unsigned long long)r->applied.index,
                   (unsigned long long)first);
        return ERR_CORRUPT;
    }
    if (r->applied.index <= journal_last(r->log)) {
        int rc = journal_chain(r->log, r->applied.index, &chain);
        ASSERT(rc == 0);
        if (chain == r->applied.chain)
            return 0;
        if (r->applied.index + 1 == first) {
            buf_str(error, "state and log disagree where the log was cut");
            return ERR_CORRUPT;
        }
    }
    return restart_log(r, error);
}

int replica_open(struct replica *r, const char *dir, struct buf *error)
{
    const struct journal_options options = {.group = 0,
                                            .cache_bytes_max = 16 * KB};
    memset(r, 0, sizeof(*r));
    int rc = open_data(r, dir, error);
    if (rc == 0)
        rc = journal_open(&r->log, r->store, &options, error);
    if (rc == 0 && r->mark_found)
        rc = journal_check(r->log, &r->mark, error);
    if (rc == 0) {
        journal_start(r->log, &r->start);
        rc = history_applied(r->store, false, &r->applied);
        if (rc != 0)
            buf_str(error, store_error(r->store));
    }
    if (rc == 0)
        rc = join(r, error);
    if (rc != 0)
        replica_close(r);
    return rc;
}

void replica_close(struct replica *r)
{
    if (r->log != NULL)
        journal_close(r->log);
    if (r->file != NULL)
        watermark_close(r->file);
    if (r->store != NULL)
        store_close(r->store);
    memset(r, 0, sizeof(*r));
}
