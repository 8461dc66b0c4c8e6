/*
 * How it works: a client counts what it asks and what is answered, and keeps
 * the replies; one that has a read_key looks it up when its read is ready.
 *
 * How it fails: an answer too many is an assertion.
 */
#include "world/world.h"

#define WORDS_MAX 8
#define TURNS_MAX 5000

static struct resp_writer *on_reply_open(void *ctx, void *client)
{
    struct world_client *tc = client;
    UNUSED(ctx);
    tc->writer = (struct resp_writer){.out = &tc->out, .protocol = 2};
    return &tc->writer;
}

static void on_reply_done(void *ctx, void *client, enum node_outcome outcome)
{
    struct world_client *tc = client;
    UNUSED(ctx);
    UNUSED(outcome);
    tc->answered++;
    ASSERT(tc->answered <= tc->asked);
}

static void on_read_ready(void *ctx, void *client, int error)
{
    struct world_client *tc = client;
    UNUSED(ctx);
    tc->reads_ready++;
    tc->read_error = error;
    if (error != 0 || tc->read_key == NULL)
        return;
    struct bytes argv[2] = {BYTES_LIT("get"), bytes_str(tc->read_key)};
    struct resp_writer writer = {.out = &tc->out, .protocol = 2};
    struct cmd_call call = {.out = &writer, .argv = argv, .argc = 2};
    ASSERT(node_run_read(tc->home->node, cmd_lookup(argv[0]), &call));
}

void world_submit_large(struct world_client *tc, const struct node_submit *s)
{
    tc->large = s;
    tc->large_error = node_submit(tc->home->node, s, tc);
    tc->again++;
    if (tc->large_error == ERR_AGAIN)
        return;
    tc->large = NULL;
    tc->asked += tc->large_error == 0;
}

static void on_upload_ready(void *ctx, void *client)
{
    struct world_client *tc = client;
    UNUSED(ctx);
    if (tc->large != NULL)
        world_submit_large(tc, tc->large);
}

void world_client_events(struct node_events *e)
{
    e->reply_open = on_reply_open;
    e->reply_done = on_reply_done;
    e->read_ready = on_read_ready;
    e->upload_ready = on_upload_ready;
}

struct world_client *world_client_new(struct world *w, uint32_t home)
{
    ASSERT(w->client_count < WORLD_CLIENTS && home < w->count);
    struct world_client *tc = &w->clients[w->client_count++];
    tc->home = &w->nodes[home];
    return tc;
}

int world_submit(struct world_client *tc, const char *line)
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

void world_wait_answered(struct world *w, struct world_client *tc)
{
    for (int i = 0; i < TURNS_MAX && tc->answered < tc->asked; i++)
        world_turn(w);
    ASSERT(tc->answered == tc->asked);
}

void world_write(struct world *w, uint32_t home, int count)
{
    struct world_client *tc = world_client_new(w, home);
    for (int i = 0; i < count; i++) {
        int err = world_submit(tc, "append k x");
        ASSERT(err == 0);
        world_wait_answered(w, tc);
    }
}
