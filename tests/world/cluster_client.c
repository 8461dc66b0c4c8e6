/*
 * How it works: a client counts what it asks and what is answered, and keeps
 * the replies; one that has a read_key looks it up when its read is ready.
 *
 * How it fails: an answer too many is an assertion.
 */
#include "world/cluster.h"

#define WORDS_MAX 8
#define TURNS_MAX 5000

static struct resp_writer *on_reply_open(void *ctx, void *client)
{
    struct cluster_client *tc = client;
    UNUSED(ctx);
    tc->writer = (struct resp_writer){.out = &tc->out, .protocol = 2};
    return &tc->writer;
}

static void on_reply_done(void *ctx, void *client, enum node_outcome outcome)
{
    struct cluster_client *tc = client;
    UNUSED(ctx);
    UNUSED(outcome);
    tc->answered++;
    ASSERT(tc->answered <= tc->asked);
}

static void on_read_ready(void *ctx, void *client, int error)
{
    struct cluster_client *tc = client;
    UNUSED(ctx);
    tc->reads_ready++;
    tc->read_error = error;
    if (error != 0 || tc->read_key == NULL)
        return;
    struct bytes argv[2] = {BYTES_LIT("get"), bytes_str(tc->read_key)};
    struct resp_writer w = {.out = &tc->out, .protocol = 2};
    struct cmd_call call = {.out = &w, .argv = argv, .argc = 2};
    ASSERT(node_run_read(tc->home->node, cmd_lookup(argv[0]), &call));
}

void cluster_client_events(struct node_events *e)
{
    e->reply_open = on_reply_open;
    e->reply_done = on_reply_done;
    e->read_ready = on_read_ready;
}

struct cluster_client *cluster_client_new(struct cluster *c, uint32_t home)
{
    ASSERT(c->client_count < CLUSTER_CLIENTS && home < c->count);
    struct cluster_client *tc = &c->clients[c->client_count++];
    tc->home = &c->nodes[home];
    return tc;
}

int cluster_submit(struct cluster_client *tc, const char *line)
{
    struct bytes argv[WORDS_MAX];
    struct node_submit s = {.argv = argv};
    const char *p = line;
    while (*p != '\0' && s.argc < WORDS_MAX) {
        size_t len = strcspn(p, " ");
        argv[s.argc++] = bytes_of(p, len);
        p += len + (p[len] == ' ');
    }
    ASSERT(*p == '\0');
    tc->asked++;
    return node_submit(tc->home->node, &s, tc);
}

void cluster_wait_answered(struct cluster *c, struct cluster_client *tc)
{
    for (int i = 0; i < TURNS_MAX && tc->answered < tc->asked; i++)
        cluster_turn(c);
    ASSERT(tc->answered == tc->asked);
}

void cluster_write(struct cluster *c, uint32_t home, int count)
{
    struct cluster_client *tc = cluster_client_new(c, home);
    for (int i = 0; i < count; i++) {
        int err = cluster_submit(tc, "append k x");
        ASSERT(err == 0);
        cluster_wait_answered(c, tc);
    }
}
