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
 * A node that is to be refilled first writes that it is, and only then gives up
 * the promises of the watermark: a crash between the two finds the same damage.
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

static int check_known(const struct node_boot *boot, const struct identity *id,
                       struct buf *error)
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
    err = mark ? start_check_pair(id, mark, error) : 0;
    if (err != 0 || boot->recovering)
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

static int write_mark(const struct node_boot *boot, const struct identity *id)
{
    struct watermark next;

    ASSERT(id->incarnation > 0);
    if (!boot->mark_file)
        return 0;
    memset(&next, 0, sizeof(next));
    next.vote = NODE_NONE;
    if (boot->mark && !boot->recovering)
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
    if (boot->recovering)
        store_batch_put(&b, STORE_META, NODE_RECOVERING_KEY, BYTES_LIT("1"));
    int err = store_write(boot->store, &b, STORE_LOGGED);
    if (err == 0)
        err = store_sync(boot->store);
    store_batch_release(&b);
    return err;
}

/* Of a store that has none. What is left of one that was lost may say it. */
static uint64_t cluster_of(const struct node_boot *boot)
{
    bool known = boot->recovering && boot->mark && boot->mark->cluster_id != 0;

    ASSERT(boot->self != NODE_NONE);
    return known ? boot->mark->cluster_id : boot->cluster_id;
}

/* A store without an identity. The directory may have its id already, from a
 * first start that did not get far, or from before the database was lost. */
static void new_identity(const struct node_boot *boot, struct identity *id)
{
    const struct watermark *mark = boot->mark;
    bool has_id = mark && !directory_id_is_none(mark->directory);

    ASSERT(!directory_id_is_none(boot->directory));
    *id = (struct identity){
        .cluster_id = cluster_of(boot),
        .node = boot->self,
        .directory = has_id ? mark->directory : boot->directory,
    };
}

/* What the node is from now on, and whether that can be. */
static int next_identity(const struct node_boot *boot, struct identity *id,
                         struct buf *error)
{
    const struct watermark *mark = boot->mark;
    int err = journal_identity(boot->store, id);

    if (err == ERR_NOT_FOUND) {
        new_identity(boot, id);
        err = boot->recovering ? 0 : check_new(mark, error);
    }
    bool blank = err == 0 && id->cluster_id == 0;
    if (err == 0 && (id->incarnation > 0 || boot->recovering))
        err = check_known(boot, id, error);
    else if (err != 0 && error->len == 0)
        buf_printf(error, "reading the identity: %s", store_error(boot->store));
    if (err != 0)
        return err;
    if (blank) /* as far as the database knows, which may be all that is left */
        id->cluster_id = cluster_of(boot);
    if (mark)
        id->incarnation = MAX(id->incarnation, mark->incarnation);
    if (boot->recovering)
        id->incarnation = MAX(id->incarnation, boot->incarnation_above);
    ASSERT(id->incarnation < UINT64_MAX);
    id->incarnation++;
    id->nonce = boot->nonce;
    ASSERT(!mark || id->incarnation > mark->incarnation);
    ASSERT(id->node == boot->self);
    return 0;
}

static int put_mark(const struct node_boot *boot, const struct identity *id,
                    struct buf *error)
{
    int err = write_mark(boot, id);

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

    ASSERT(boot->self != NODE_NONE && boot->store);
    int err = check_removed(boot->store, error);
    if (err == 0)
        err = next_identity(boot, &id, error);
    if (err != 0)
        return err;
    if (boot->recovering || boot->mark) {
        err = put_identity(boot, &id, error);
        if (err == 0)
            err = put_mark(boot, &id, error);
    } else {
        err = put_mark(boot, &id, error);
        if (err == 0)
            err = put_identity(boot, &id, error);
    }
    *identity = id;
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
    buf_release(&raw);
    return found;
}
