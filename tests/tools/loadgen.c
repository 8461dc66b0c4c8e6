/*
 * loadgen write|verify: see loadgen.h and usage() below. Here: the command
 * line and what both modes share.
 */
#include "loadgen.h"

#include "base/bytes.h"
#include "base/hostport.h"
#include "base/num.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void usage(FILE *out)
{
    fputs("loadgen write  --nodes HOST:PORT,... --acks FILE [options]\n"
          "    writes until the time is up (or SIGTERM), notes each outcome\n"
          "loadgen verify --nodes HOST:PORT,... --acks FILE [options]\n"
          "    reads back from each node, compares with the notes\n"
          "\n"
          "  --writers N      connections, spread over the nodes (10)\n"
          "  --seconds S      how long (5)\n"
          "  --count N        writes of each writer at most\n"
          "  --op append|incr|set\n"
          "  --size BYTES     padding of the values of set\n"
          "  --prefix TEXT    of the keys (load)\n"
          "  --timeout-ms MS  of one reply (10000)\n"
          "  --password TEXT\n"
          "  --failover       after an error go on at the next node\n"
          "  --quiet          no line for each of the first errors\n"
          "\n"
          "Exit status: 0 good; 1 a write failed, or the data is wrong; 2 "
          "usage\n",
          out);
}

int64_t loadgen_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void loadgen_key(const struct loadgen_options *o, int writer, int64_t tag,
                 char out[LOADGEN_TEXT_MAX])
{
    if (o->op == LOADGEN_SET)
        snprintf(out, LOADGEN_TEXT_MAX, "%.60s:%d:%lld", o->prefix, writer,
                 (long long)tag);
    else
        snprintf(out, LOADGEN_TEXT_MAX, "%.60s:%d", o->prefix, writer);
}

static bool authenticate(redisContext *c, const char *password,
                         char error[LOADGEN_TEXT_MAX])
{
    redisReply *reply = redisCommand(c, "AUTH %s", password);
    bool good = reply != NULL && reply->type != REDIS_REPLY_ERROR;
    if (!good)
        snprintf(error, LOADGEN_TEXT_MAX, "AUTH: %.100s",
                 reply != NULL ? reply->str : c->errstr);
    if (reply != NULL)
        freeReplyObject(reply);
    return good;
}

redisContext *loadgen_connect(const struct loadgen_options *o, int node,
                              char error[LOADGEN_TEXT_MAX])
{
    ASSERT(node >= 0 && node < o->node_count);
    struct timeval timeout = {o->timeout_ms / 1000,
                              o->timeout_ms % 1000 * 1000};
    redisContext *c = redisConnectWithTimeout(o->nodes[node].host,
                                              o->nodes[node].port, timeout);
    if (c == NULL || c->err != 0) {
        snprintf(error, LOADGEN_TEXT_MAX, "connect: %.100s",
                 c != NULL ? c->errstr : "out of memory");
        goto failed;
    }
    redisSetTimeout(c, timeout);
    if (o->password != NULL && !authenticate(c, o->password, error))
        goto failed;
    return c;
failed:
    if (c != NULL)
        redisFree(c);
    return NULL;
}

static bool parse_int(const char *text, int64_t max, int64_t *out)
{
    return num_parse_i64(bytes_str(text), out) && *out >= 0 && *out <= max;
}

static bool parse_nodes(const char *text, struct loadgen_options *o)
{
    o->node_count = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        struct bytes host;
        uint16_t port = 0;
        if (o->node_count == LOADGEN_NODES_MAX ||
            !hostport_split(bytes_of(text, len), &host, &port) || port == 0)
            return false;
        struct loadgen_node *n = &o->nodes[o->node_count++];
        if (host.len >= sizeof(n->host))
            return false;
        memcpy(n->host, host.data, host.len);
        n->host[host.len] = '\0';
        n->port = port;
        text += len + (text[len] == ',');
    }
    return o->node_count > 0;
}

static bool parse_op(const char *text, struct loadgen_options *o)
{
    static const char *const names[] = {"append", "incr", "set"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            o->op = (enum loadgen_op)i;
            return true;
        }
    }
    return false;
}

static bool take_option(int letter, const char *arg, struct loadgen_options *o)
{
    int64_t n = 0;
    bool good = true;
    switch (letter) {
    case 'n':
        return parse_nodes(arg, o);
    case 'w':
        good = parse_int(arg, LOADGEN_WRITERS_MAX, &n) && n > 0;
        o->writers = (int)n;
        return good;
    case 's':
        good = parse_int(arg, 1000000, &n);
        o->duration_ms = n * 1000;
        return good;
    case 'c':
        return parse_int(arg, INT64_MAX, &o->writes_max);
    case 'o':
        return parse_op(arg, o);
    case 'z':
        good = parse_int(arg, 1 << 26, &n);
        o->value_size = (int)n;
        return good;
    case 't':
        good = parse_int(arg, 10000000, &n) && n > 0;
        o->timeout_ms = (int)n;
        return good;
    case 'x':
        o->prefix = arg;
        return true;
    case 'p':
        o->password = arg;
        return true;
    case 'a':
        o->acks_path = arg;
        return true;
    case 'f':
        o->failover = true;
        return true;
    case 'q':
        o->quiet = true;
        return true;
    default:
        return false;
    }
}

static bool parse_options(int argc, char **argv, struct loadgen_options *o)
{
    static const struct option options[] = {
        {"nodes", required_argument, NULL, 'n'},
        {"writers", required_argument, NULL, 'w'},
        {"seconds", required_argument, NULL, 's'},
        {"count", required_argument, NULL, 'c'},
        {"op", required_argument, NULL, 'o'},
        {"size", required_argument, NULL, 'z'},
        {"timeout-ms", required_argument, NULL, 't'},
        {"prefix", required_argument, NULL, 'x'},
        {"password", required_argument, NULL, 'p'},
        {"acks", required_argument, NULL, 'a'},
        {"failover", no_argument, NULL, 'f'},
        {"quiet", no_argument, NULL, 'q'},
        {NULL, 0, NULL, 0}};
    int letter = 0;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (!take_option(letter, optarg, o))
            return false;
    }
    return optind == argc && o->node_count > 0 && o->acks_path != NULL;
}

int main(int argc, char **argv)
{
    struct loadgen_options o = {.writers = 10,
                                .duration_ms = 5000,
                                .timeout_ms = 10000,
                                .prefix = "load"};
    const char *mode = argc > 1 ? argv[1] : "";
    bool writes = strcmp(mode, "write") == 0;
    if ((!writes && strcmp(mode, "verify") != 0) ||
        !parse_options(argc - 1, argv + 1, &o)) {
        usage(stderr);
        return 2;
    }
    return writes ? loadgen_write(&o) : loadgen_verify(&o);
}
