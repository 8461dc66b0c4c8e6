/*
 * What nodes send through the log to compare their states
 * (data/comparison.h): VARD.MARK says which state, VARD.HASH what a node has.
 *
 * How it fails: what is no report, or too late, is answered with 0 or an error,
 * and changes nothing.
 */
#include "base/num.h"
#include "cmd/cmd_internal.h"
#include "data/comparison.h"

void cmd_comparison_mark_run(struct cmd_call *c)
{
    ASSERT(c->argc == 1);
    comparison_begin(c->ks);
    resp_status(c->out, "OK");
}

/* "none": the node cannot say. */
static bool parse_hash(struct bytes text, struct comparison_report *out)
{
    out->found = !bytes_eq(text, BYTES_LIT("none"));
    return !out->found || num_parse_u64(text, &out->hash);
}

void cmd_comparison_hash_run(struct cmd_call *c)
{
    struct comparison_report report = {.node = c->node};
    uint64_t index = 0;
    ASSERT(c->argc == 4);
    if (!num_parse_u64(c->argv[1], &index) ||
        !num_parse_u64(c->argv[2], &report.began) ||
        !parse_hash(c->argv[3], &report)) {
        resp_error(c->out, "ERR it is not the hash of a state");
        return;
    }
    resp_integer(c->out, comparison_add(c->ks, index, &report) ? 1 : 0);
}
