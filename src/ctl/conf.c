/*
 * How it works: the file is read as a node reads it, so what a node would not
 * start with is refused here too. Clients find a node at the last address of
 * its node line, or on the host of the first one at the option port; without
 * node lines, where `bind` says.
 *
 * How it fails: with the message that the node would print.
 */
#include "ctl/ctl.h"

#include "base/alloc.h"
#include "base/hostport.h"
#include "config/config.h"
#include "os/file.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define CONFIG_BYTES_MAX (1024 * 1024)

static int read_file(void *ctx, const char *path, struct buf *out)
{
    UNUSED(ctx);
    return file_read(path, CONFIG_BYTES_MAX, out);
}

/* Both are ways to write an address that cannot be connected to. */
static const char *reachable(const char *bound)
{
    if (strcmp(bound, "*") == 0 || strcmp(bound, "0.0.0.0") == 0)
        return "127.0.0.1";
    if (strcmp(bound, "::*") == 0 || strcmp(bound, "::") == 0)
        return "::1";
    return bound;
}

static bool add(struct cluster *c, struct bytes host, uint16_t port,
                uint64_t id)
{
    char address[CLUSTER_HOST_MAX + 8];
    if (host.len >= CLUSTER_HOST_MAX || port == 0)
        return false;
    hostport_join(host, port, address, sizeof(address));
    return cluster_add_member(c, bytes_str(address), id);
}

static bool add_member(struct cluster *c, const struct config *config,
                       const struct config_node *n)
{
    bool own = n->client_address != NULL;
    struct bytes host;
    uint16_t port = 0;
    bool ok = hostport_split(
        bytes_str(own ? n->client_address : n->peer_address), &host, &port);
    ASSERT(ok); /* the form was checked by config_load */
    return add(c, host, own ? port : (uint16_t)config->port, n->id);
}

/* A node alone: the first address that must be there. */
static bool add_single(struct cluster *c, const struct config *config)
{
    const char *host = "127.0.0.1";
    for (size_t i = config->bind_count; i-- > 0;) {
        if (config->bind[i][0] != '-')
            host = reachable(config->bind[i]);
    }
    return add(c, bytes_str(host), (uint16_t)config->port, config->node_id);
}

static bool add_nodes(struct cluster *c, const struct config *config)
{
    bool all = true;
    for (size_t i = 0; i < config->node_count; i++)
        all = add_member(c, config, &config->nodes[i]) && all;
    if (config->node_count == 0)
        all = add_single(c, config);
    return all;
}

/* What a new node must have as the others have it. */
static char *shared_lines(const struct config *c)
{
    const struct {
        const char *name, *value;
    } lines[] = {{"cluster-id", c->cluster_id},
                 {"peer-secret", c->peer_secret},
                 {"requirepass", c->requirepass}};
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        if (lines[i].value[0] != '\0')
            buf_printf(&out, "%s \"%s\"\n", lines[i].name, lines[i].value);
    }
    buf_char(&out, '\0');
    char *text = mem_strdup((const char *)out.data);
    buf_release(&out);
    return text;
}

bool conf_take(struct cluster *c, char *path, bool nodes, char **password,
               char **shared)
{
    const struct config_source source = {read_file, NULL};
    char program[] = "vardctl";
    char *argv[] = {program, path};
    struct config config;
    struct buf error = BUF_INIT;
    config_init(&config);
    bool good = config_load(&config, 2, argv, &source, &error) == CONFIG_RUN;
    if (!good) {
        fwrite(error.data, 1, error.len, stderr);
    } else if (nodes && !add_nodes(c, &config)) {
        fprintf(stderr, "vardctl: %s names no port for clients\n", path);
        good = false;
    } else {
        if (config.requirepass[0] != '\0')
            *password = mem_strdup(config.requirepass);
        *shared = shared_lines(&config);
    }
    buf_release(&error);
    config_release(&config);
    return good;
}
