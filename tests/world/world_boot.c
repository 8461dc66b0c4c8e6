/*
 * How it works: the order of main/vard.c. The watermark is what the disk has
 * at the boot; a node that recovers begins without one.
 *
 * How it fails: with the text of what refused to start.
 */
#include "world/world_boot.h"

#include "node/node_boot.h"

static void nothing(void *ctx)
{
    UNUSED(ctx);
}

static void nobody(void *ctx, void *client)
{
    UNUSED(ctx);
    UNUSED(client);
}

void world_fill_events(struct node_events *e)
{
    ASSERT(e->reply_open != NULL && e->reply_done != NULL);
    ASSERT(e->read_ready != NULL && e->fatal != NULL);
    if (e->changed == NULL)
        e->changed = nothing;
    if (e->writable == NULL)
        e->writable = nothing;
    if (e->upload_ready == NULL)
        e->upload_ready = nobody;
    if (e->transfer_ended == NULL)
        e->transfer_ended = nothing;
}

static int boot_once(const struct world_boot *how, bool lost,
                     const struct grant *grant, struct identity *id,
                     struct buf *error)
{
    struct world_disk *d = how->disk;
    const struct node_options *o = &how->options;
    const struct node_boot boot = {
        .self = o->self,
        .cluster_id = lost || grant ? 0 : WORLD_CLUSTER_ID,
        .label = "",
        .directory = {WORLD_CLUSTER_ID, o->self + 1},
        .nonce = how->nonce,
        .lost = lost,
        .grant = grant,
        .store = how->env.store,
        .mark = d->has_mark ? &d->mark : NULL,
    };
    int err = node_boot(&boot, id, error);
    if (err == 0)
        world_disk_start(d, id, lost || grant);
    return err;
}

/* What was lost is blank first; then it begins its life. */
static int boot(struct world_boot *how, struct buf *error)
{
    struct grant grant = {.verdict = GRANT_GIVEN,
                          .life = how->life,
                          .cluster_id = WORLD_CLUSTER_ID,
                          .index = 1};
    struct world_disk *d = how->disk;
    struct node_options *o = &how->options;
    struct identity id;
    if (how->members != NULL)
        grant.configuration = *how->members;
    int err = how->life > 0 ? boot_once(how, true, NULL, &id, error) : 0;
    if (err == 0)
        err = boot_once(how, false, how->life > 0 ? &grant : NULL, &id, error);
    if (err != 0)
        return err;
    o->cluster_id = id.cluster_id;
    o->incarnation = id.incarnation;
    o->directory = id.directory;
    o->nonce = id.nonce;
    o->mark = d->has_mark && how->life == 0 ? &d->mark : NULL;
    for (uint32_t i = 0; i < o->member_count; i++)
        o->members[i] = i;
    return 0;
}

int world_boot(struct node **out, struct world_boot *how, struct buf *error)
{
    struct configuration granted;
    *out = NULL;
    how->env.disk = &how->disk->disk;
    world_fill_events(&how->env.events);
    int err = boot(how, error);
    if (err != 0)
        return err;
    if (node_boot_granted(how->env.store, &granted) == 0)
        how->options.founding = &granted;
    err = node_new(out, &how->options, &how->env, error);
    how->options.founding = NULL; /* it was for that long */
    return err;
}

struct node_options world_options(node_id self, uint32_t member_count)
{
    ASSERT(self < member_count && member_count <= RAFT_NODES_MAX);
    return (struct node_options){
        .self = self,
        .member_count = member_count,
        .election_timeout_ms = 300,
        .heartbeat_ms = 50,
        .peer_down_delay_ms = 10,
        .disk_timeout_ms = 5000,
        .request_timeout_ms = 60000,
        .request_bytes_max = 1u << 30,
        .entry_bytes_max = 1u << 20,
        .upload_above = 1u << 30, /* entries may be large */
        .pending_bytes_max = 64u << 20,
        .log_bytes_soft = 64u << 20,
        .log_bytes_hard = 1u << 30,
        .log_cut_margin = 10,
        .log_cache_bytes = 1u << 20,
        .once_ttl_s = 3600,
        .compare_in_turn = true,
        .seed = 7,
        .threadless = true,
    };
}
