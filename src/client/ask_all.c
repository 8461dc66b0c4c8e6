/*
 * All nodes of a cluster at once: a thread for each, which opens the connection
 * and asks. So nodes that are dead cost the time of one, be it that they do not
 * accept, that they do not answer, or that their names are not found.
 *
 * How it fails: as cluster_ask_node(), for each node apart. A node for which
 * there can be no thread is asked by the caller's, after the others.
 */
#include "base/alloc.h"
#include "client/cluster.h"

#include <pthread.h>

struct asking {
    pthread_t thread;
    bool has_thread;
    struct cluster *cluster;
    size_t node; /* of the cluster: nobody else touches it */
    const struct link_request *request;
    int64_t timeout_ms;
    struct cluster_reply *reply;
};

static void *ask(void *ctx)
{
    struct asking *a = ctx;
    a->reply->err = cluster_ask_node(a->cluster, a->node, a->request,
                                     a->timeout_ms, &a->reply->answer);
    return NULL;
}

static void finish(struct asking *a)
{
    if (!a->has_thread) {
        ask(a);
        return;
    }
    int err = pthread_join(a->thread, NULL);
    ASSERT(err == 0);
}

void cluster_ask_all(struct cluster *c, size_t first,
                     const struct link_request *r, int64_t timeout_ms,
                     struct cluster_replies *out)
{
    ASSERT(!r->write && first <= c->node_count);
    size_t count = c->node_count - first;
    struct asking *all = mem_zalloc(count * sizeof(*all));
    cluster_replies_release(out);
    out->count = count;
    for (size_t i = 0; i < count; i++) {
        all[i] = (struct asking){.cluster = c,
                                 .node = first + i,
                                 .request = r,
                                 .timeout_ms = timeout_ms,
                                 .reply = &out->of[i]};
        all[i].has_thread =
            pthread_create(&all[i].thread, NULL, ask, &all[i]) == 0;
    }
    for (size_t i = 0; i < count; i++)
        finish(&all[i]);
    mem_free(all);
}

void cluster_replies_release(struct cluster_replies *r)
{
    ASSERT(r->count <= CLUSTER_NODES_MAX);
    for (size_t i = 0; i < r->count; i++)
        buf_release(&r->of[i].answer.text);
    *r = (struct cluster_replies){0};
}
