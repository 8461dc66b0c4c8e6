/*
 * Clients that record what they saw, for the checker of linearizability
 * (check/history.h): each operation with the time of its invocation and of
 * its return, and what became of it. A client is a thread with a home node.
 * Most stay there through thick and thin, so that operations are tried on
 * every side of a partition, and service is seen where there is some; a
 * quarter roam.
 *
 * Registers (GET SET SETNX CAS CAD DEL GETSET GETDEL), counters (INCRBY),
 * counters under ONCE, which are sent again on other nodes until the outcome
 * is known, collections (recorder_collect.c), and keys that expire. Expiry is
 * not part of the checker's model and is judged here, by the same clock
 * (recorder_expiry.c).
 *
 * Keys change with time, so that the outcomes that stay unknown do not pile
 * up on one key; at the end all keys are read through each node.
 */
#ifndef CHAOS_RECORDER_H
#define CHAOS_RECORDER_H

#include "base/base.h"
#include "check/history.h"

#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define RECORDER_NODES_MAX   8
#define RECORDER_CLIENTS_MAX 200
#define RECORDER_TEXT_MAX    64

struct recorder_options {
    int port[RECORDER_NODES_MAX];
    int node_count;
    int clients;        /* of registers and counters */
    int expiry_clients; /* of keys that expire */
    int keys;           /* of each kind, at a time */
    int epoch_ms;       /* how long the same keys are used */
    int pause_us;       /* of a client between two operations, on average */
    int timeout_ms;     /* of one reply */
    int slack_ms;       /* of expiry */
    /* Planted mistakes: */
    bool fresh_ids;     /* a retry of ONCE is a new request */
    bool no_doubt;      /* an unknown outcome is noted as a refusal */
    const char *prefix; /* of the keys */
    const char *history_path;
};

enum recorder_count {
    COUNT_OK,
    COUNT_FAIL,    /* refused for certain */
    COUNT_UNKNOWN, /* lost connection, time-out, -UNKNOWN */
    COUNT_ODD,     /* an error or reply that no command here may get */
    COUNT_RETRIES, /* of ONCE */
    COUNT_AGAIN,   /* ONCE repeated though answered */
    COUNT_WRONG,   /* ... with another result */
    COUNT_EXPIRED, /* keys seen to expire */
    COUNT_EARLY,   /* gone before their time */
    COUNT_LATE,    /* read after their time */
    COUNT_RISEN,   /* read after having been seen gone */
    COUNTS
};

struct recorder {
    struct recorder_options options;
    atomic_bool stop;
    int64_t start_us;
    pthread_mutex_t lock;
    /* Under the lock: */
    FILE *history;
    int64_t count[COUNTS];
    int64_t last_us; /* of the last success */
    int64_t gap_us;  /* longest since the last mark */
    int64_t mark_ok; /* successes since then */
    uint32_t clients_used;
    int odd_shown;
};

/* What became of one command. */
struct answer {
    enum history_outcome outcome;
    enum history_reply reply;
    bool lines;                   /* an array: the text is client.lines */
    int64_t number;               /* of REPLY_INT */
    char text[RECORDER_TEXT_MAX]; /* of REPLY_TEXT */
};

struct client {
    struct recorder *recorder;
    uint32_t number; /* in the history */
    int home, node;
    bool roams; /* tries other nodes too, and so may get stuck on any */
    redisContext *connection;
    uint64_t random;
    int64_t serial;       /* values are written once */
    uint64_t once_id;     /* of the last ONCE request */
    struct history texts; /* of the operation being noted */
    struct buf lines;     /* of an array: each text, and a newline */
    bool ids; /* arrays are entries of a stream, whose values count */
    char seen[RECORDER_TEXT_MAX]; /* a value read or written lately */
    pthread_t thread;
};

/* --- recorder.c: what all clients share --- */
int64_t recorder_now_us(void);
/* Counts, and for COUNT_ODD prints the first ones. */
void recorder_count(struct recorder *r, enum recorder_count what,
                    const char *text);
/* Some operation has succeeded now. */
void recorder_success(struct recorder *r);
/* Writes an operation into the history and counts it. */
void recorder_note(struct client *c, struct history_op *op,
                   const struct answer *a);

/* --- recorder_client.c: a client and its connection; `place` is its number
 * among those of its kind --- */
void client_init(struct client *c, struct recorder *r, int place);
void client_release(struct client *c);
uint64_t client_random(struct client *c, uint64_t bound);
/* Sends a command of text arguments to c->node; waits for its reply. False:
 * it could not be sent, nothing was asked. */
bool client_ask(struct client *c, int argc, const char **argv,
                struct answer *out);
/* On to another node; or back home. */
void client_move(struct client *c, int node);
/* Sleeps, for so long on average. */
void client_pause(struct client *c, int us);

/* --- the work, until recorder.stop; threads --- */
void *work_run(void *client);   /* recorder_work.c */
void *expiry_run(void *client); /* recorder_expiry.c */
/* The key of a letter that is used now; and an operation on a key, to be asked
 * and noted. */
void work_draw_key(struct client *c, char letter, char out[RECORDER_TEXT_MAX]);
struct history_op work_begin(struct client *c, enum history_kind kind,
                             const char *key);
/* recorder_collect.c: one operation; and all of a key of a letter, for the end:
 * false: it could not be read. */
#define COLLECT_LETTERS "hszlxn"
void collect_op(struct client *c);
bool collect_read(struct client *c, char letter, const char *key);
/* Reads all keys that were used through each node; for the end. False: some
 * could not be read. */
bool work_read_all(struct recorder *r);

#endif
