/*
 * The options of several words: bind replaces, node adds, the output limits
 * change class by class. Each is first read into a separate value, so that a
 * bad word changes nothing.
 *
 * How it fails: ERR_INVALID with one line of reason, and the option has the
 * value that it had.
 */
#include "base/alloc.h"
#include "base/hostport.h"
#include "base/num.h"
#include "config/config_table.h"

#include <inttypes.h>

#define BIND_MAX 16
#define HOST_MAX 255

static const char *const class_names[CONFIG_CLIENT_CLASSES] = {
    "normal", "slave", "pubsub"};

void config_clear_bind(struct config *c)
{
    for (size_t i = 0; i < c->bind_count; i++)
        mem_free(c->bind[i]);
    mem_free(c->bind);
    c->bind = NULL;
    c->bind_count = 0;
}

void config_clear_nodes(struct config *c)
{
    for (size_t i = 0; i < c->node_count; i++) {
        mem_free(c->nodes[i].peer_address);
        mem_free(c->nodes[i].client_address);
    }
    mem_free(c->nodes);
    c->nodes = NULL;
    c->node_count = 0;
}

static int set_bind(struct config *c, const struct config_words *words,
                    struct buf *reason)
{
    if (words->count < 1 || words->count > BIND_MAX) {
        buf_printf(reason, "one to %d addresses are needed", BIND_MAX);
        return ERR_INVALID;
    }
    for (size_t i = 0; i < words->count; i++) {
        struct bytes w = words->items[i];
        if (w.len == 0 || w.len > HOST_MAX || bytes_eq(w, BYTES_LIT("-")) ||
            memchr(w.data, '\0', w.len) != NULL) {
            buf_str(reason, "an address must not be empty");
            return ERR_INVALID;
        }
        if (w.data[0] == '#') {
            buf_str(reason, "an address does not begin with #");
            return ERR_INVALID;
        }
    }
    config_clear_bind(c);
    c->bind = mem_alloc(words->count * sizeof(c->bind[0]));
    for (size_t i = 0; i < words->count; i++)
        c->bind[i] = config_text_of(words->items[i]);
    c->bind_count = words->count;
    return 0;
}

/* A host has no blank, bracket, quote or control character. */
static bool host_is_plain(struct bytes host)
{
    for (size_t i = 0; i < host.len; i++) {
        uint8_t b = host.data[i];
        if (b <= ' ' || b >= 0x7f || strchr("[]/\"'\\,", b) != NULL)
            return false;
    }
    return host.len > 0 && host.len <= HOST_MAX;
}

bool option_address(struct bytes text, struct bytes *host, uint16_t *port)
{
    return hostport_split(text, host, port) && *port != 0 &&
           host_is_plain(*host);
}

/* The words without `priority N`; 0: there is none. */
static int take_priority(const struct config_words *words, size_t *count,
                         struct config_node *n, struct buf *reason)
{
    uint64_t priority;
    *count = words->count;
    if (words->count < 4 ||
        !bytes_eq_nocase(words->items[words->count - 2], BYTES_LIT("priority")))
        return 0;
    if (!num_parse_u64(words->items[words->count - 1], &priority) ||
        priority > CONFIG_PRIORITY_MAX) {
        buf_printf(reason, "a node's priority is a number from 0 to %u",
                   CONFIG_PRIORITY_MAX);
        return ERR_INVALID;
    }
    n->priority = (uint8_t)priority;
    n->has_priority = true;
    *count -= 2;
    return 0;
}

static int add_node(struct config *c, const struct config_words *words,
                    struct buf *reason)
{
    struct config_node node = {0};
    uint64_t id = 0;
    struct bytes host;
    uint16_t port;
    size_t count;
    int err = take_priority(words, &count, &node, reason);
    if (err != 0)
        return err;
    if (count < 2 || count > 3) {
        buf_str(reason, "a node is: ID PEER_HOST:PORT [CLIENT_HOST:PORT] "
                        "[priority NUMBER]");
        return ERR_INVALID;
    }
    if (!num_parse_u64(words->items[0], &id) || id >= NODE_NONE) {
        buf_printf(reason, "a node's id is a number from 0 to %u",
                   NODE_NONE - 1);
        return ERR_INVALID;
    }
    for (size_t i = 1; i < count; i++) {
        if (!option_address(words->items[i], &host, &port)) {
            buf_str(reason, "an address is HOST:PORT or [IPV6]:PORT, "
                            "with a port from 1 to 65535");
            return ERR_INVALID;
        }
    }
    size_t size = (c->node_count + 1) * sizeof(c->nodes[0]);
    c->nodes = mem_realloc(c->nodes, size);
    struct config_node *n = &c->nodes[c->node_count++];
    *n = node;
    n->id = (node_id)id;
    n->peer_address = config_text_of(words->items[1]);
    if (count == 3)
        n->client_address = config_text_of(words->items[2]);
    return 0;
}

const struct config_node *config_self(const struct config *c)
{
    ASSERT(c != NULL);
    for (size_t i = 0; i < c->node_count; i++) {
        if (c->nodes[i].id == c->node_id)
            return &c->nodes[i];
    }
    return NULL;
}

bool config_seed(const struct config *c, size_t i, struct bytes *out)
{
    const char *at = c->join;
    ASSERT(out != NULL);
    for (; i > 0 && at != NULL; i--) {
        at = strchr(at, ',');
        at = at != NULL ? at + 1 : NULL;
    }
    if (at == NULL || at[0] == '\0')
        return false;
    *out = bytes_of(at, strcspn(at, ","));
    return true;
}

static int class_of(struct bytes name)
{
    for (int i = 0; i < CONFIG_CLIENT_CLASSES; i++) {
        if (bytes_eq_nocase(name, bytes_str(class_names[i])))
            return i;
    }
    return bytes_eq_nocase(name, BYTES_LIT("replica")) ? CONFIG_CLIENT_SLAVE
                                                       : -1;
}

static int set_limits(struct config *c, const struct config_words *words,
                      struct buf *reason)
{
    struct config_output_limit limits[CONFIG_CLIENT_CLASSES];
    memcpy(limits, c->client_output_buffer_limit, sizeof(limits));
    if (words->count == 0 || words->count % 4 != 0) {
        buf_str(reason, "Wrong number of arguments in "
                        "buffer limit configuration.");
        return ERR_INVALID;
    }
    for (size_t i = 0; i < words->count; i += 4) {
        const struct bytes *w = &words->items[i];
        struct config_output_limit l = {0};
        uint64_t seconds = 0;
        int class = class_of(w[0]);
        if (class < 0) {
            buf_str(reason, "Invalid client class specified in "
                            "buffer limit configuration.");
            return ERR_INVALID;
        }
        if (!num_parse_size(w[1], &l.hard_bytes) ||
            !num_parse_size(w[2], &l.soft_bytes) ||
            !num_parse_u64(w[3], &seconds) || seconds > INT32_MAX) {
            buf_str(reason, "Error in hard, soft or soft_seconds setting in "
                            "buffer limit configuration.");
            return ERR_INVALID;
        }
        l.soft_seconds = (uint32_t)seconds;
        limits[class] = l;
    }
    memcpy(c->client_output_buffer_limit, limits, sizeof(limits));
    return 0;
}

static int set_by_field(struct config *c, const struct option *o,
                        const struct config_words *words, struct buf *reason)
{
    ASSERT(o->kind == OPTION_LIST);
    switch (o->offset) {
    case offsetof(struct config, bind):
        return set_bind(c, words, reason);
    case offsetof(struct config, nodes):
        return add_node(c, words, reason);
    default:
        ASSERT(o->offset ==
               offsetof(struct config, client_output_buffer_limit));
        return set_limits(c, words, reason);
    }
}

int option_list_set(struct config *c, const struct option *o,
                    const struct config_words *words, struct buf *reason)
{
    if (words->count != 1)
        return set_by_field(c, o, words, reason);
    /* "a b c" in quotes is the same as three words. */
    struct arena arena = ARENA_INIT;
    struct config_words split = {.count = 0};
    int err = config_split(words->items[0], &arena, &split);
    if (err == 0)
        err = set_by_field(c, o, &split, reason);
    else
        buf_str(reason, "unbalanced quotes, or too many words");
    arena_release(&arena);
    return err == 0 ? 0 : ERR_INVALID;
}

static void format_limits(const struct config *c, struct buf *out)
{
    for (size_t i = 0; i < CONFIG_CLIENT_CLASSES; i++) {
        const struct config_output_limit *l = &c->client_output_buffer_limit[i];
        buf_printf(out, "%s%s %" PRIu64 " %" PRIu64 " %" PRIu32,
                   i > 0 ? " " : "", class_names[i], l->hard_bytes,
                   l->soft_bytes, l->soft_seconds);
    }
}

void option_list_format(const struct config *c, const struct option *o,
                        struct buf *out)
{
    ASSERT(o->kind == OPTION_LIST);
    if (o->offset == offsetof(struct config, bind)) {
        for (size_t i = 0; i < c->bind_count; i++)
            buf_printf(out, "%s%s", i > 0 ? " " : "", c->bind[i]);
    } else if (o->offset == offsetof(struct config, nodes)) {
        for (size_t i = 0; i < c->node_count; i++) {
            const struct config_node *n = &c->nodes[i];
            const char *client = n->client_address;
            buf_printf(out, "%s%" PRIu32 " %s%s%s", i > 0 ? ", " : "", n->id,
                       n->peer_address, client == NULL ? "" : " ",
                       client == NULL ? "" : client);
            if (n->has_priority)
                buf_printf(out, " priority %u", n->priority);
        }
    } else {
        format_limits(c, out);
    }
}
