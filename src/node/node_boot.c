/*
 * A start makes two durable writes: the identity, then the watermark. However
 * many starts in a row are interrupted between them, or by an identity that
 * cannot be written, the watermark never has a higher incarnation than the
 * database. If it has, the database is an older copy.
 *
 * A new node writes the watermark first. A crash between the two leaves a
 * watermark without promises next to an empty store. A watermark with promises
 * next to an empty store, or an identity without a watermark, is damage.
 *
 * A directory is blank at first: it has an id, and belongs to no cluster. That
 * of a node on its own does so at once; that of a member when the members have
 * met (main/meeting.h). With its cluster it gets, in the same write, the record
 * of how that was founded.
 *
 * A directory that has lost promises becomes another one, with an id of its
 * own: it is as blank, and remembers only of which cluster it was. It first
 * writes that it is so, and only then gives up the promises of the watermark: a
 * crash between the two finds the same damage (main/refill.c marks it).
 *
 * Whichever is blank can be granted a life (codec/admit.h). It begins with the
 * write that makes the directory one of the cluster, so it begins once.
 *
 * Both name the directory by its id, and the start that wrote them by its
 * nonce. So one that came from another directory, or from another copy of this
 * one, is told apart although the numbers agree.
 *
 * How it fails: every refusal has an error and a text that says what to do.
 */
#include "node/node_boot.h"

#include <inttypes.h>

#include "base/reader.h"
#include "journal/journal.h"
#include "journal/start_check.h"

static const struct bytes founding_key = {(const uint8_t *)"founding", 8};
static const struct bytes granted_key = {(const uint8_t *)"granted", 7};
static const struct bytes label_key = {(const uint8_t *)"label", 5};

static int refuse(struct buf *error, int code, const char *text)
{
    buf_str(error, text);
    return code;
}

static int check_new(const struct watermark *mark, struct buf *error)
{
    if (mark && (mark->term > 0 || mark->index > 0))
        return refuse(error, ERR_CORRUPT,
                      "the database is empty, but the watermark file says "
                      "that this node has voted or acknowledged entries: its "
                      "data was lost. Restore the data directory from a "
                      "backup of this node");
    return 0;
}

/* The name of the cluster that the directory was used with; it may be given
 * later than the directory was made. */
static int check_label(const struct node_boot *boot, struct buf *error)
{
    struct buf stored = BUF_INIT;
    int err = store_get(boot->store, STORE_META, label_key, &stored);

    ASSERT(boot->label);
    if (err == ERR_NOT_FOUND) {
        err = 0;
    } else if (err != 0) {
        buf_printf(error, "reading the cluster's name: %s",
                   store_error(boot->store));
    } else if (boot->label[0] != '\0' &&
               !bytes_eq(buf_view(&stored), bytes_str(boot->label))) {
        buf_printf(error,
                   "the data directory belongs to another cluster (%.*s, the "
                   "configuration says %s): correct cluster-id, or use another "
                   "directory",
                   (int)stored.len, (const char *)stored.data, boot->label);
        err = ERR_MISMATCH;
    }
    buf_release(&stored);
    return err;
}

/* `apart`: it is not the watermark's directory, and need not be. */
static int check_known(const struct node_boot *boot, const struct identity *id,
                       bool apart, struct buf *error)
{
    const struct watermark *mark = boot->mark;

    if (id->node != boot->self) {
        buf_printf(error,
                   "the data directory belongs to node %u, the configuration "
                   "says node %u: use that node's own directory, or correct "
                   "node-id",
                   id->node, boot->self);
        return ERR_MISMATCH;
    }
    int err = check_label(boot, error);
    if (err != 0)
        return err;
    /* Either of them may be from before the directory had a cluster. */
    bool both = mark && mark->cluster_id != 0 && id->cluster_id != 0;
    if ((both && mark->cluster_id != id->cluster_id) ||
        (mark && mark->node != id->node))
        return refuse(error, ERR_MISMATCH,
                      "watermark file and database belong to different nodes: "
                      "the data directory was put together from two");
    err = mark && !apart ? start_check_pair(id, mark, error) : 0;
    if (err != 0 || boot->lost || apart)
        return err;
    if (boot->mark_file && !mark)
        return refuse(error, ERR_CORRUPT,
                      "the watermark file is missing, so this node cannot "
                      "prove that its log is whole. Restore the data directory "
                      "from a backup of this node");
    bool was_blank = mark && mark->cluster_id != 0 && id->cluster_id == 0;
    if (was_blank || (mark && mark->incarnation > id->incarnation + 1))
        return refuse(error, ERR_CORRUPT,
                      "the database is an older copy than the watermark file: "
                      "what this node promised since then is missing. Restore "
                      "both from the same backup");
    return 0;
}

static int write_mark(const struct node_boot *boot, const struct identity *id,
                      bool waits)
{
    struct watermark next;
    bool whole = !boot->lost && !waits && !boot->grant;

    ASSERT(id->incarnation > 0);
    if (!boot->mark_file)
        return 0;
    memset(&next, 0, sizeof(next));
    next.vote = NODE_NONE;
    if (boot->mark && whole)
        next = *boot->mark;
    next.cluster_id = id->cluster_id;
    next.node = id->node;
    next.incarnation = id->incarnation;
    next.directory = id->directory;
    next.nonce = id->nonce;
    return watermark_write(boot->mark_file, &next, true);
}

static void put_founding(struct store_batch *b, const struct founding *f)
{
    struct buf raw = BUF_INIT;

    ASSERT(f->count > 0);
    founding_encode(f, &raw);
    store_batch_put(b, STORE_META, founding_key, buf_view(&raw));
    buf_release(&raw);
}

/* The node that starts now, or waits, is one that has to be refilled. */
static void put_recovering(struct store_batch *b, const struct grant *grant)
{
    struct buf value = BUF_INIT;

    if (grant)
        buf_u64be(&value, grant->index);
    else
        buf_str(&value, "1");
    ASSERT(value.len > 0);
    store_batch_put(b, STORE_META, NODE_RECOVERING_KEY, buf_view(&value));
    buf_release(&value);
}

static void put_granted(struct store_batch *b, const struct grant *grant)
{
    struct buf raw = BUF_INIT;

    ASSERT(grant->configuration.count > 0);
    configuration_encode(&grant->configuration, &raw);
    store_batch_put(b, STORE_META, granted_key, buf_view(&raw));
    buf_release(&raw);
}

static int write_identity(const struct node_boot *boot,
                          const struct identity *id)
{
    struct store_batch b = STORE_BATCH_INIT;

    ASSERT(id->incarnation > 0);
    journal_put_identity(&b, id);
    if (boot->founding)
        put_founding(&b, boot->founding);
    if (boot->label[0] != '\0')
        store_batch_put(&b, STORE_META, label_key, bytes_str(boot->label));
    if (boot->grant && boot->grant->configuration.count > 0)
        put_granted(&b, boot->grant);
    if (boot->lost || boot->grant)
        put_recovering(&b, boot->grant);
    int err = store_write(boot->store, &b, STORE_LOGGED);
    if (err == 0)
        err = store_sync(boot->store);
    store_batch_release(&b);
    return err;
}

/* Of a store that has none. What is left of one that was lost may say it. */
static uint64_t cluster_of(const struct node_boot *boot)
{
    bool known = boot->lost && boot->mark && boot->mark->cluster_id != 0;

    ASSERT(boot->self != NODE_NONE);
    return known ? boot->mark->cluster_id : boot->cluster_id;
}

/* A store without an identity. The directory may have its id already, from a
 * first start that did not get far, or from before the database was lost. */
static void new_identity(const struct node_boot *boot, struct identity *id)
{
    const struct watermark *mark = boot->mark;
    bool has_id = mark && !boot->lost && !directory_id_is_none(mark->directory);

    ASSERT(!directory_id_is_none(boot->directory));
    *id = (struct identity){
        .cluster_id = cluster_of(boot),
        .node = boot->self,
        .directory = has_id ? mark->directory : boot->directory,
    };
}

/* The life that was granted, above all that the directory has had. */
static int begin_life(const struct node_boot *boot, struct identity *id,
                      struct buf *error)
{
    const struct grant *g = boot->grant;
    uint64_t first = (uint64_t)g->life << 32 | 1;

    ASSERT(g->verdict == GRANT_GIVEN && g->cluster_id != 0);
    if (id->cluster_id != 0 && id->cluster_id != g->cluster_id) {
        buf_printf(error,
                   "the data directory is of cluster %016" PRIx64 ", and the "
                   "other members are of cluster %016" PRIx64 ": correct the "
                   "node lines, or use another directory",
                   id->cluster_id, g->cluster_id);
        return ERR_MISMATCH;
    }
    if (first <= id->incarnation) {
        buf_printf(error,
                   "the data directory has had start %" PRIu64 ", and was "
                   "granted life %u, which is not newer: put it aside, and "
                   "begin with an empty one",
                   id->incarnation, g->life);
        return ERR_MISMATCH;
    }
    id->cluster_id = g->cluster_id;
    id->incarnation = first;
    return 0;
}

/* The next start of what it is; or of another directory, which is blank. */
static int begin_start(const struct node_boot *boot, bool waits,
                       struct identity *id, struct buf *error)
{
    if ((boot->lost || waits) && boot->cluster_id != 0)
        return refuse(error, ERR_CORRUPT,
                      "what this node has promised was lost, so it waits to "
                      "be let in by the other members, and the configuration "
                      "names none: correct the node lines, or restore the "
                      "data directory from a backup of this node");
    if (boot->lost && !waits)
        id->directory = boot->directory;
    ASSERT(id->incarnation < UINT64_MAX);
    id->incarnation++;
    return 0;
}

/* What the node is from now on, and whether that can be. */
static int next_identity(const struct node_boot *boot, bool waits,
                         struct identity *id, struct buf *error)
{
    const struct watermark *mark = boot->mark;
    bool apart = waits;
    int err = journal_identity(boot->store, id);

    if (err == ERR_NOT_FOUND) {
        new_identity(boot, id);
        apart = true;
        err = boot->lost ? 0 : check_new(mark, error);
    }
    bool blank = err == 0 && id->cluster_id == 0;
    if (err == 0 && (id->incarnation > 0 || boot->lost))
        err = check_known(boot, id, apart, error);
    else if (err != 0 && error->len == 0)
        buf_printf(error, "reading the identity: %s", store_error(boot->store));
    if (err != 0)
        return err;
    if (blank) /* as far as the database knows, which may be all that is left */
        id->cluster_id = cluster_of(boot);
    if (mark)
        id->incarnation = MAX(id->incarnation, mark->incarnation);
    err = boot->grant ? begin_life(boot, id, error)
                      : begin_start(boot, waits, id, error);
    id->nonce = boot->nonce;
    ASSERT(err != 0 || !mark || id->incarnation > mark->incarnation);
    ASSERT(id->node == boot->self);
    return err;
}

static int put_mark(const struct node_boot *boot, const struct identity *id,
                    bool waits, struct buf *error)
{
    int err = write_mark(boot, id, waits);

    if (err != 0)
        buf_str(error, watermark_error(boot->mark_file));
    return err;
}

static int put_identity(const struct node_boot *boot, const struct identity *id,
                        struct buf *error)
{
    int err = write_identity(boot, id);

    if (err != 0)
        buf_printf(error, "writing the identity: %s", store_error(boot->store));
    return err;
}

/* A member that was removed does not come back by itself. */
static int check_removed(struct store *s, struct buf *error)
{
    struct buf value = BUF_INIT;
    int err = store_get(s, STORE_META, NODE_REMOVED_KEY, &value);
    struct reader r = reader_of(buf_view(&value));
    raft_index at = reader_u64be(&r);

    ASSERT(s);
    buf_release(&value);
    if (err == ERR_NOT_FOUND)
        return 0;
    if (err != 0) {
        buf_str(error, "reading whether this node was removed");
        return err;
    }
    buf_printf(error,
               "this node was removed from the cluster by entry %" PRIu64
               ", and its data directory is not used again: to be a member "
               "again it is added (RAFT ADD) and begins with an empty one",
               at);
    return ERR_MISMATCH;
}

int node_boot(const struct node_boot *boot, struct identity *identity,
              struct buf *error)
{
    struct identity id;
    bool waits = node_boot_is_lost(boot->store);

    ASSERT(boot->self != NODE_NONE && boot->store);
    ASSERT(!boot->lost || !boot->grant);
    int err = check_removed(boot->store, error);
    if (err == 0)
        err = next_identity(boot, waits, &id, error);
    if (err != 0)
        return err;
    if (boot->lost || boot->mark) {
        err = put_identity(boot, &id, error);
        if (err == 0)
            err = put_mark(boot, &id, waits, error);
    } else {
        err = put_mark(boot, &id, waits, error);
        if (err == 0)
            err = put_identity(boot, &id, error);
    }
    *identity = id;
    if (!boot->grant && (boot->lost || waits))
        identity->cluster_id = 0;
    return err;
}

int node_boot_granted(struct store *s, struct configuration *out)
{
    struct buf raw = BUF_INIT;
    int err = store_get(s, STORE_META, granted_key, &raw);

    ASSERT(s && out);
    if (err == 0)
        err = configuration_decode(buf_view(&raw), out);
    buf_release(&raw);
    return err;
}

int node_boot_founding(struct store *s, struct founding *out)
{
    struct buf raw = BUF_INIT;
    int err = store_get(s, STORE_META, founding_key, &raw);

    ASSERT(s && out);
    if (err == 0)
        err = founding_decode(buf_view(&raw), out);
    buf_release(&raw);
    return err;
}

bool node_boot_is_lost(struct store *s)
{
    struct buf raw = BUF_INIT;
    bool found = store_get(s, STORE_META, NODE_RECOVERING_KEY, &raw) == 0;

    ASSERT(s);
    found = found && raw.len != sizeof(uint64_t);
    buf_release(&raw);
    return found;
}
