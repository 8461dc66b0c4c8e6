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

#include "base/hash.h"
#include "journal/journal.h"
#include "journal/start_check.h"

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
    if (boot->cluster_id_is_given && id->cluster_id != boot->cluster_id) {
        buf_printf(
            error,
            "the data directory belongs to another cluster (%016" PRIx64 ", "
            "the configuration says %016" PRIx64 "): correct cluster-id or "
            "the node lines, or use another directory",
            id->cluster_id, boot->cluster_id);
        return ERR_MISMATCH;
    }
    if (mark && (mark->node != id->node || mark->cluster_id != id->cluster_id))
        return refuse(error, ERR_MISMATCH,
                      "watermark file and database belong to different nodes: "
                      "the data directory was put together from two");
    int err = mark ? start_check_pair(id, mark, error) : 0;
    if (err != 0 || boot->recovering)
        return err;
    if (boot->mark_file && !mark)
        return refuse(error, ERR_CORRUPT,
                      "the watermark file is missing, so this node cannot "
                      "prove that its log is whole. Restore the data directory "
                      "from a backup of this node");
    if (mark && mark->incarnation > id->incarnation + 1)
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

static int write_identity(const struct node_boot *boot,
                          const struct identity *id)
{
    struct store_batch b = STORE_BATCH_INIT;

    ASSERT(id->incarnation > 0);
    journal_put_identity(&b, id);
    if (boot->recovering)
        store_batch_put(&b, STORE_META, NODE_RECOVERING_KEY, BYTES_LIT("1"));
    int err = store_write(boot->store, &b, STORE_LOGGED);
    if (err == 0)
        err = store_sync(boot->store);
    store_batch_release(&b);
    return err;
}

/* A store without an identity. The directory may have its id already, from a
 * first start that did not get far, or from before the database was lost. */
static void new_identity(const struct node_boot *boot, struct identity *id)
{
    bool has_id = boot->mark && !directory_id_is_none(boot->mark->directory);

    ASSERT(!directory_id_is_none(boot->directory));
    *id = (struct identity){
        .cluster_id = boot->cluster_id,
        .node = boot->self,
        .directory = has_id ? boot->mark->directory : boot->directory,
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
    if (err == 0 && (id->incarnation > 0 || boot->recovering))
        err = check_known(boot, id, error);
    else if (err != 0 && error->len == 0)
        buf_printf(error, "reading the identity: %s", store_error(boot->store));
    if (err != 0)
        return err;
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

int node_boot(const struct node_boot *boot, struct identity *identity,
              struct buf *error)
{
    struct identity id;

    ASSERT(boot->self != NODE_NONE && boot->store);
    int err = next_identity(boot, &id, error);
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

uint64_t node_cluster_id(const char *name, const node_id *ids,
                         const char *const *addresses, size_t count)
{
    struct buf text = BUF_INIT;
    node_id last = NODE_NONE;
    bool named = name && *name;

    if (named && count == 1)
        count = 0; /* a node alone need not be listed */
    if (named)
        buf_printf(&text, "%s\n", name);
    for (size_t done = 0; done < count; done++) {
        size_t next = count;
        for (size_t i = 0; i < count; i++)
            if ((done == 0 || ids[i] > last) &&
                (next == count || ids[i] < ids[next]))
                next = i;
        ASSERT(next < count);
        last = ids[next];
        buf_printf(&text, "%u %s\n", ids[next], named ? "" : addresses[next]);
    }
    uint64_t id = hash64(buf_view(&text));
    buf_release(&text);
    return id;
}
