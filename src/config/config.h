/*
 * The options of a node: a file, the command line, and CONFIG GET and SET.
 *
 * Every option is a row of config.def: name, field, default, limits, use,
 * meaning. The field of option "request-timeout" is request_timeout_ms: the
 * name, and the unit if it is a time (_ms, _s) or a size (_bytes).
 *
 * The struct owns all it points to. Texts are never NULL; a text that is not
 * set is "". The struct belongs to one thread. This room makes no system call:
 * files are read by a function that the caller gives.
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

/* A member. Addresses are "host:port" or "[v6]:port"; their form is checked,
 * but no name is looked up. client_address is NULL when the line has none. */
struct config_node {
    node_id id;
    char *peer_address;
    char *client_address;
    uint8_t priority; /* who is to lead; 0 if the line has none */
    bool has_priority;
};
#define CONFIG_PRIORITY_MAX 255u

enum config_client_class {
    CONFIG_CLIENT_NORMAL,
    CONFIG_CLIENT_SLAVE,  /* unused: there are no Redis replicas */
    CONFIG_CLIENT_PUBSUB, /* unused */
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
#define CONFIG_BOOL(name, field, def, use, doc)             bool field;
#define CONFIG_NUMBER(name, field, def, min, max, use, doc) uint32_t field;
#define CONFIG_SIZE(name, field, def, min, max, use, doc)   uint64_t field;
#define CONFIG_TEXT(name, field, def, use, doc)             char *field;
#define CONFIG_CHOICE(name, field, choices, def, use, doc)  int field;
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
    bool warn_no_password; /* other machines reach it, no password: warn */
    char **notices;        /* lines to log once the log is open */
    size_t notice_count;
};

/* How files are read. `path` names a file, or is "-" for standard input. The
 * function appends to `out` and returns 0 or a negative error; ERR_IO leaves
 * the cause in errno. The caller bounds the size. */
struct config_source {
    int (*read)(void *ctx, const char *path, struct buf *out);
    void *ctx;
};

enum config_action { CONFIG_RUN = 0, CONFIG_SHOW_VERSION, CONFIG_SHOW_HELP };

/* Gives all options their defaults. */
void config_init(struct config *c);
void config_release(struct config *c);

/* Reads the command line (argv[0] is skipped) and the files it names into an
 * initialised config, and checks that the options fit together. Returns an
 * enum config_action, or ERR_INVALID with a message of a few lines for
 * standard error in `error` (file, line, the line itself, why, what to do);
 * the config may then only be released. */
MUST_USE int config_load(struct config *c, int argc, char *const *argv,
                         const struct config_source *source, struct buf *error);

/* Overwrites the passwords on the command line, which every user of the
 * machine can see in /proc. Call it after config_load, which has copied them.
 */
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

/* Returns ERR_INVALID and one line of reason if the options do not fit
 * together. config_load and config_set call it. */
MUST_USE int config_check(const struct config *c, struct buf *error);

/* The i-th address of the option join, as bytes of it; false: there is none. */
bool config_seed(const struct config *c, size_t i, struct bytes *out);

/* The node line with this node's id, or NULL when there are no node lines. */
const struct config_node *config_self(const struct config *c);

/* What `vard --help` prints, from the table. */
void config_help(struct buf *out);

#endif
