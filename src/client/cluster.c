/*
 * Which node to ask, and what may be tried again.
 *
 * A node that cannot be reached is passed over. CLUSTERDOWN, LOADING and
 * TRYAGAIN promise that nothing was executed, so the request goes to the next
 * node after a short pause, until the time is up. A lost connection or
 * UNKNOWN promises nothing: a read is asked again, a write is not.
 *
 * How it fails: ERR_CLOSED if no node could do it before the time was up (it
 * was not executed), ERR_IO if it may have been; the answer is then the last
 * error, for a person. A refused password is an answer. An address that makes
 * no sense, or one node too many, is not added, and a discovery that reaches
 * nobody adds nothing.
 */
#include "client/cluster.h"

#include "base/hostport.h"
#include "client/info.h"
#include "os/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define CONNECT_MS_MAX 1000
#define PAUSE_MS       50
#define DEFAULT_PORT   6379

/* "host:port", "host", "[v6]:port", "[v6]". */
static bool split_address(struct bytes text, struct bytes *host, uint16_t *port)
{
    *port = DEFAULT_PORT;
    bool good = hostport_split(text, host, port) || hostport_host(text, host);
    return good && *port != 0 && host->len < CLUSTER_HOST_MAX;
}

static struct cluster_node *find_or_add(struct cluster *c, struct bytes address,
                                        bool discovered)
{
    struct bytes host;
    uint16_t port = 0;
    if (!split_address(address, &host, &port))
        return NULL;
    for (size_t i = 0; i < c->node_count; i++) {
        if (c->nodes[i].port == port &&
            bytes_eq(bytes_str(c->nodes[i].host), host))
            return &c->nodes[i];
    }
    if (c->node_count == CLUSTER_NODES_MAX)
        return NULL;
    struct cluster_node *n = &c->nodes[c->node_count++];
    *n = (struct cluster_node){.port = port, .discovered = discovered};
    memcpy(n->host, host.data, host.len);
    n->host[host.len] = '\0';
    return n;
}

bool cluster_add(struct cluster *c, struct bytes address, bool discovered)
{
    return find_or_add(c, address, discovered) != NULL;
}

bool cluster_add_member(struct cluster *c, struct bytes address, uint64_t id)
{
    struct cluster_node *n = find_or_add(c, address, false);
    if (n == NULL)
        return false;
    snprintf(n->id, sizeof(n->id), "%" PRIu64, id);
    return true;
}

bool cluster_add_list(struct cluster *c, const char *list)
{
    ASSERT(list != NULL);
    while (*list != '\0') {
        size_t len = strcspn(list, ", ");
        if (len > 0 && !cluster_add(c, bytes_of(list, len), false))
            return false;
        list += len + (list[len] != '\0');
    }
    return c->node_count > 0;
}

void cluster_release(struct cluster *c)
{
    for (size_t i = 0; i < c->node_count; i++) {
        link_close(c->nodes[i].link);
        buf_release(&c->nodes[i].why);
    }
    c->node_count = 0;
}

static void drop_link(struct cluster_node *n)
{
    link_close(n->link);
    n->link = NULL;
}

/* Something has to be tried, however late it is. */
static int64_t left_ms(int64_t end_ms)
{
    return MAX(end_ms - clock_mono_ms(), 1);
}

/* AUTH; a wrong password is an answer, and comes back as such. */
static int authenticate(const struct cluster *c, struct cluster_node *n,
                        int64_t end_ms, struct answer *out)
{
    const char *argv[] = {"AUTH", c->password};
    const struct link_request auth = {.argv = argv, .argc = 2};
    int err = link_ask(n->link, &auth, left_ms(end_ms), out, &n->why);
    if (err == 0 && out->kind != ANSWER_ERROR)
        return 0;
    drop_link(n);
    return err != 0 ? ERR_CLOSED : ERR_AUTH;
}

int cluster_ask_node(struct cluster *c, size_t node,
                     const struct link_request *r, int64_t timeout_ms,
                     struct answer *out)
{
    ASSERT(node < c->node_count);
    struct cluster_node *n = &c->nodes[node];
    int64_t end_ms = clock_mono_ms() + timeout_ms;
    if (n->link == NULL) {
        int err = link_open(&n->link, n->host, n->port,
                            MIN(left_ms(end_ms), CONNECT_MS_MAX), &n->why);
        if (err != 0)
            return err;
        if (c->password != NULL) {
            err = authenticate(c, n, end_ms, out);
            if (err != 0)
                return err == ERR_AUTH ? 0 : err;
        }
    }
    int err = link_ask(n->link, r, left_ms(end_ms), out, &n->why);
    if (err != 0)
        drop_link(n);
    return err;
}

static bool answer_begins(const struct answer *a, const char *code)
{
    struct bytes text = buf_view(&a->text);
    size_t len = strlen(code);
    return a->kind == ANSWER_ERROR && text.len >= len &&
           memcmp(text.data, code, len) == 0;
}

static bool definitely_not_executed(const struct answer *a)
{
    return answer_begins(a, "CLUSTERDOWN") || answer_begins(a, "LOADING") ||
           answer_begins(a, "TRYAGAIN");
}

static void say_why(const struct cluster_node *n, struct answer *out)
{
    char address[CLUSTER_HOST_MAX + 8];
    hostport_join(bytes_str(n->host), n->port, address, sizeof(address));
    out->kind = ANSWER_ERROR;
    buf_reset(&out->text);
    buf_printf(&out->text, "%s: %.*s", address, (int)n->why.len,
               n->why.len == 0 ? "" : (const char *)n->why.data);
}

enum verdict { VERDICT_DONE, VERDICT_AGAIN, VERDICT_UNKNOWN };

static enum verdict judge(const struct link_request *r, int err,
                          const struct answer *a)
{
    if (err == ERR_CLOSED)
        return VERDICT_AGAIN;
    bool unknown = err != 0 || answer_begins(a, "UNKNOWN");
    if (unknown)
        return r->write ? VERDICT_UNKNOWN : VERDICT_AGAIN;
    return definitely_not_executed(a) ? VERDICT_AGAIN : VERDICT_DONE;
}

static void pause_before(int64_t end_ms)
{
    struct timespec t = {0, MIN(left_ms(end_ms), PAUSE_MS) * 1000000};
    nanosleep(&t, NULL);
}

int cluster_ask(struct cluster *c, const struct link_request *r,
                struct answer *out)
{
    ASSERT(c->node_count > 0);
    int64_t end_ms = clock_mono_ms() + c->timeout_ms;
    for (size_t tries = 1;; tries++) {
        size_t node = c->next % c->node_count;
        int64_t wait_ms = left_ms(end_ms);
        /* One node that hangs must not use up the time of all. */
        if (!r->write)
            wait_ms = MIN(wait_ms, c->timeout_ms / 3 + 1);
        int err = cluster_ask_node(c, node, r, wait_ms, out);
        enum verdict v = judge(r, err, out);
        if (err != 0)
            say_why(&c->nodes[node], out);
        if (v == VERDICT_DONE)
            return 0;
        if (v == VERDICT_UNKNOWN)
            return ERR_IO;
        c->next = (node + 1) % c->node_count;
        if (clock_mono_ms() >= end_ms)
            return ERR_CLOSED;
        if (tries % c->node_count == 0)
            pause_before(end_ms);
    }
}

bool cluster_next_member(struct bytes *info, struct bytes *id,
                         struct bytes *value)
{
    const char prefix[] = "raft_node_";
    struct bytes line;
    while (info_line(info, &line)) {
        if (line.len < sizeof(prefix) - 1 ||
            memcmp(line.data, prefix, sizeof(prefix) - 1) != 0)
            continue;
        /* This node's own line: raft_node_id. */
        if (info_pair(bytes_from(line, sizeof(prefix) - 1), id, value) &&
            !bytes_eq(*id, BYTES_LIT("id")))
            return true;
    }
    return false;
}

void cluster_take_members(struct cluster *c, struct bytes info)
{
    struct bytes id, value;
    while (cluster_next_member(&info, &id, &value)) {
        struct bytes address = info_part(value, "client_address");
        struct cluster_node *n =
            address.len > 0 ? find_or_add(c, address, true) : NULL;
        if (n != NULL)
            snprintf(n->id, sizeof(n->id), "%.*s", (int)id.len,
                     (const char *)id.data);
    }
}

void cluster_discover(struct cluster *c)
{
    const char *argv[] = {"INFO", "raft"};
    const struct link_request info = {.argv = argv, .argc = 2};
    struct answer a = {0};
    size_t known = c->node_count;
    for (size_t i = 0; i < known; i++) {
        if (cluster_ask_node(c, i, &info, CONNECT_MS_MAX, &a) == 0 &&
            a.kind == ANSWER_TEXT) {
            cluster_take_members(c, buf_view(&a.text));
            c->next = i;
            break;
        }
    }
    buf_release(&a.text);
}
