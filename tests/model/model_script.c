/*
 * A way through the model as commands of tests/script. Messages are named by
 * their number: the runner counts every message that any core sends, and so
 * does model_step.c. Messages that the model gave up stay in flight there.
 */
#include "model.h"

void model_script_hello(struct model *m, uint32_t from, uint32_t to)
{
    if (m->script != NULL) {
        fprintf(m->script, "> message %u %u type=PRE_VOTE_REPLY term=0\n", from,
                to);
    }
}

void model_script_begin(struct model *m)
{
    if (m->script == NULL) {
        return;
    }
    fprintf(m->script,
            "> cluster 3 id=0 election=%d heartbeat=%d entries=2 window=2\n",
            MODEL_ELECTION_MS, MODEL_HEARTBEAT_MS);
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        for (uint32_t k = 0; k < MODEL_NODES; k++) {
            if (i != k) {
                model_script_hello(m, i, k);
            }
        }
    }
}

/* The node hears nothing for an election timeout; its timer stays quiet. */
void model_script_stale(struct model *m, uint32_t pos)
{
    if (m->script != NULL) {
        fprintf(m->script, "> timer %u %d\n> tick %u %d\n", pos,
                3 * MODEL_ELECTION_MS, pos, MODEL_ELECTION_MS);
    }
}

void model_script_deliver(struct model *m, const struct raft_message *msg,
                          uint32_t id)
{
    if (m->script != NULL) {
        fprintf(m->script, "# %s of term %u from %u to %u\n> deliver @%u\n",
                raft_message_name(msg->type), (unsigned)msg->term, msg->from,
                msg->to, id);
    }
}

static void say_message(struct model *m, struct model_event e)
{
    const struct raft_message *msg = &m->state.wire[e.arg];

    if (e.type == MODEL_DELIVER_STALE) {
        model_script_stale(m, msg->to);
    }
    if (e.type == MODEL_DUPLICATE) {
        fprintf(m->script, "> repeat @%u\n", m->wire_ids[e.arg]);
    } else {
        model_script_deliver(m, msg, m->wire_ids[e.arg]);
    }
}

static void say_crash(struct model *m, struct model_event e)
{
    unsigned applied = (unsigned)model_known(&m->state, e.node);

    fprintf(m->script, "> crash %u %u\n> restart %u %u\n", e.node, e.arg,
            e.node, e.peer != 0 ? applied : 0);
}

/* The runner knows only disks that keep neither term nor vote. */
static void say_lose(FILE *f, struct model_event e)
{
    if (e.peer != MODEL_KEPT_NOTHING) {
        fprintf(f, "# but the disk keeps its term%s\n",
                e.peer == MODEL_KEPT_VOTE ? " and vote" : "");
    }
    fprintf(f, "> crash %u 0\n> lose %u %u\n> restart %u 0\n", e.node, e.node,
            e.arg, e.node);
}

/* What the runner has no words for. */
static void say_unknown(FILE *f, struct model_event e)
{
    if (e.type == MODEL_CHANGE) {
        fprintf(f, "# change %u: kind %u, nodes %u and %u\n", e.node, e.peer,
                e.arg / 16U, e.arg % 16U);
    } else if (e.type == MODEL_RESTORE) {
        fprintf(f, "# restore %u: a state up to entry %u\n", e.node, e.arg);
    } else if (e.type == MODEL_WIPE) {
        fprintf(f, "# %u begins anew with %u entries\n", e.node, e.arg);
    } else {
        fprintf(f, "# %u: its other self acts\n", e.node);
    }
}

void model_script_event(struct model *m, struct model_event e)
{
    FILE *f = m->script;

    if (f == NULL) {
        return;
    }
    switch ((enum model_event_type)e.type) {
    case MODEL_TIMEOUT:
    case MODEL_ELECT:
        fprintf(f, "> timer %u 0\n> tick %u 0\n", e.node, e.node);
        break;
    case MODEL_HEARTBEAT:
        fprintf(f, "> tick %u %d\n", e.node, MODEL_HEARTBEAT_MS);
        break;
    case MODEL_QUORUM_LOSS:
        fprintf(f, "> tick %u %d\n", e.node, MODEL_ELECTION_MS);
        break;
    case MODEL_READ_EXPIRE:
    case MODEL_TRANSFER_LATE:
        model_script_stale(m, e.node);
        break;
    case MODEL_PROPOSE:
        fprintf(f, "> propose %u 1\n", e.node);
        break;
    case MODEL_CUT:
        fprintf(f, "> cut %u %u\n", e.node, e.arg + 1U);
        break;
    case MODEL_CHANGE:
    case MODEL_RESTORE:
    case MODEL_WIPE:
    case MODEL_SWITCH:
        say_unknown(f, e);
        break;
    case MODEL_SYNC:
        fprintf(f, "> durable %u %u\n", e.node, e.arg);
        break;
    case MODEL_CRASH:
        say_crash(m, e);
        break;
    case MODEL_LOSE:
        say_lose(f, e);
        break;
    case MODEL_BREAK:
        fprintf(f, "> link-down %u %u\n> link-up %u %u\n", e.node, e.peer,
                e.node, e.peer);
        break;
    case MODEL_UNSENT:
        fprintf(f, "> unsent %u %u %u\n", e.node, e.peer,
                (unsigned)model_unsent_from(&m->state, e.node, e.peer));
        break;
    case MODEL_PAUSE:
    case MODEL_RESUME:
        fprintf(f, "> %s %u %u\n", e.type == MODEL_PAUSE ? "pause" : "resume",
                e.node, e.peer);
        break;
    case MODEL_READ:
        fprintf(f, "> read %u %u\n", e.node, m->state.used.reads + 1U);
        break;
    case MODEL_TRANSFER:
        fprintf(f, "> transfer %u %u\n", e.node, e.peer);
        break;
    case MODEL_DELIVER:
    case MODEL_DELIVER_STALE:
    case MODEL_DUPLICATE:
        say_message(m, e);
        break;
    }
}

void model_script_synced(struct model *m, uint32_t pos)
{
    if (m->script != NULL) {
        fprintf(m->script, "> durable %u\n", pos);
    }
}
