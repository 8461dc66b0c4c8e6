/*
 * The options of a node: a file, the command line, and CONFIG GET and SET.
 *
 * Every option stands in config.def: name, field, default, limits, meaning.
 * The field of option "request-timeout" is config->request_timeout; its unit
 * stands in the table (timeouts of the cluster are in milliseconds, those
 * that Redis has too are in seconds as there, sizes are in bytes).
 *
 * The struct owns all it points to. Texts are never NULL, but "" when not
 * set. It belongs to one thread. This room makes no system call: files are
 * read by a function that the caller gives.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

#define CONFIG_NODES_MAX 9

/* loglevel has the values of enum log_level in base/log.h. */
enum config_supervised {
    CONFIG_SUPERVISED_NO,
    CONFIG_SUPERVISED_SYSTEMD,
    CONFIG_SUPERVISED_AUTO,
    CONFIG_SUPERVISED_UPSTART, /* accepted, means no */
};

enum config_read_mode { CONFIG_READ_INDEX, CONFIG_READ_STALE };

enum config_damaged_data { CONFIG_DAMAGED_REFILL, CONFIG_DAMAGED_REFUSE };

/* A member. Addresses are "host:port" or "[v6]:port", checked in form but not
 * looked up; client_address is NULL when the line does not name one. */
struct config_node {
    node_id id;
    char *peer_address;
    char *client_address;
};

enum config_client_class {
    CONFIG_CLIENT_NORMAL,
    CONFIG_CLIENT_SLAVE,  /* unused: there are no Redis replicas */
    CONFIG_CLIENT_PUBSUB, /* unused as well */
    CONFIG_CLIENT_CLASSES
};

/* A client with more than hard_bytes of unsent replies is closed; so is one
 * with more than soft_bytes for longer than soft_seconds. 0: no limit. */
struct config_output_limit {
    uint64_t hard_bytes;
    uint64_t soft_bytes;
    uint32_t soft_seconds;
};

struct config {
#define CONFIG_BOOL(name, field, def, flags, doc)             bool field;
#define CONFIG_NUMBER(name, field, def, min, max, flags, doc) uint32_t field;
#define CONFIG_SIZE(name, field, def, min, max, flags, doc)   uint64_t field;
#define CONFIG_TEXT(name, field, def, flags, doc)             char *field;
#define CONFIG_CHOICE(name, field, choices, def, flags, doc)  int field;
#include "config/config.def"
    /* Addresses as written: "127.0.0.1", "::1", "*" (all IPv4), "::*" (all
     * IPv6), or a name; with a leading '-' when it may be missing. */
    char **bind;
    size_t bind_count;
    /* In the order given. Empty: this node alone is the cluster. */
    struct config_node *nodes;
    size_t node_count;
    struct config_output_limit
        client_output_buffer_limit[CONFIG_CLIENT_CLASSES];

    /* Set by config_load. */
    char *file;            /* the file of the command line, "" if none */
    bool original_options; /* started with -me, -port, -node ... */
    bool warn_no_password; /* all addresses, no password: log a warning */
    char **notices;        /* lines to be logged once the log is open */
    size_t notice_count;
};

/* How files are read. `path` is a file's, or "-" for standard input. Appends
 * to `out`; returns 0 or a negative error, ERR_IO with errno. The caller
 * bounds the size. */
struct config_source {
    int (*read)(void *ctx, const char *path, struct buf *out);
    void *ctx;
};

enum config_action { CONFIG_RUN = 0, CONFIG_SHOW_VERSION, CONFIG_SHOW_HELP };

/* All options at their defaults. */
void config_init(struct config *c);
void config_release(struct config *c);

/* Reads the command line (argv[0] is skipped) and the files it names into an
 * initialised config, and checks that the options fit together. Returns an
 * enum config_action, or ERR_INVALID with a message of a few lines for
 * standard error in `error` (file, line, the line itself, why, what to do);
 * the config is then good for release only. */
MUST_USE int config_load(struct config *c, int argc, char *const *argv,
                         const struct config_source *source, struct buf *error);

/* Overwrites the passwords on the command line, which every user of the
 * machine can see in /proc. After config_load, which has copies. */
void config_hide_secrets(int argc, char *const *argv);

/* CONFIG GET: calls `each` once for every option that matches one of the
 * patterns, in the order of the table, and returns how many did. The value is
 * borrowed for the call. `each` may be NULL, to count. */
size_t config_get(
    const struct config *c, const struct bytes *patterns, size_t pattern_count,
    void (*each)(void *ctx, struct bytes name, struct bytes value), void *ctx);

/* CONFIG SET name value [name value ...]: all or nothing. Returns 0, or
 * ERR_INVALID with Redis's message (without the "ERR " before it) in
 * `error`. Fields of type text may have moved afterwards. An odd number of
 * arguments, or none, is ERR_INVALID too. */
MUST_USE int config_set(struct config *c, const struct bytes *args,
                        size_t arg_count, struct buf *error);

/* Whether the options fit together: ERR_INVALID and one line of reason. Done
 * by config_load and config_set. */
MUST_USE int config_check(const struct config *c, struct buf *error);

/* The line with node-id, or NULL when there are no node lines. */
const struct config_node *config_self(const struct config *c);

/* What `vard --help` prints, from the table. */
void config_help(struct buf *out);

#endif
