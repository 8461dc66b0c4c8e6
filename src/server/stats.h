/*
 * What the server counts, for INFO. Everything here was measured; nothing is
 * estimated. CONFIG RESETSTAT sets it back.
 *
 * Per command and subcommand (not their container): calls, microseconds, calls
 * refused before execution, calls that answered an error. The time of a read or
 * of a server command is that of its execution; the time of a write is from its
 * submission to its reply, because that is what its client waits for.
 */
#ifndef SERVER_STATS_H
#define SERVER_STATS_H

#include "base/base.h"
#include "base/bytes.h"
#include "base/map.h"
#include "cmd/cmd.h"
#include "server/latency.h"

#define STATS_SAMPLES   16
#define STATS_SAMPLE_MS 100
#define STATS_ERRORS    128 /* different error codes counted */

struct stats_command {
    uint64_t calls;
    uint64_t usec;
    uint64_t rejected;
    uint64_t failed;
    struct latency *latency; /* of its calls; NULL: none was timed */
};

/* A rate over the last STATS_SAMPLES samples. */
struct stats_rate {
    uint64_t last_value;
    int64_t last_ms;
    uint64_t samples[STATS_SAMPLES];
    uint32_t next;
};

struct stats {
    struct stats_command *commands; /* by id */
    struct map errors;              /* code -> uint64_t * */
    uint64_t commands_processed;
    uint64_t connections_received;
    uint64_t connections_rejected;
    uint64_t input_bytes;
    uint64_t output_bytes;
    uint64_t socket_reads;
    uint64_t socket_writes;
    uint64_t error_replies;
    uint64_t once_requests;
    uint64_t reads_through_log;
    uint64_t auth_failures;
    uint64_t output_limit_closed;
    uint64_t query_limit_closed;
    uint64_t idle_closed;
    uint64_t evicted_clients;
    uint64_t protocol_errors;
    struct keyspace_tally tally_before; /* the node's when all was set back */
    struct stats_rate commands_rate;
    struct stats_rate input_rate;
    struct stats_rate output_rate;
};

void stats_init(struct stats *s, uint64_t seed);
void stats_release(struct stats *s);
void stats_reset(struct stats *s);

/* The counters of a command or subcommand. */
struct stats_command *stats_of(struct stats *s, const struct cmd *cmd);
/* It was executed in this time, which below 0 counts as 0. */
void stats_called(struct stats *s, const struct cmd *cmd, int64_t us);
/* Looks at the first bytes of a reply: an error is counted by its code.
 * True if it was one. */
bool stats_reply(struct stats *s, struct bytes reply);
/* Takes a sample of the rates; to be called each STATS_SAMPLE_MS or so. */
void stats_sample(struct stats *s, int64_t mono_ms);
/* Units per second over the samples. */
uint64_t stats_rate_value(const struct stats_rate *r);

#endif
