/* What a script can ask about the state. */
#include <inttypes.h>

#include "script.h"

static void print_id(struct buf *b, node_id id)
{
    if (id == NODE_NONE) {
        buf_str(b, "none");
    } else {
        buf_printf(b, "%u", id);
    }
}

void show_status(struct script *s)
{
    for (uint32_t i = 0; i < s->c->count; i++) {
        const struct node *n = &s->c->nodes[i];
        const struct raft *r = &n->core;
        buf_printf(&s->out, "%u: ", s->c->members.ids[i]);
        if (!n->up) {
            buf_str(&s->out, "down\n");
            continue;
        }
        buf_printf(&s->out, "%s, term %ju, vote ", raft_role_name(r->role),
                   (uintmax_t)r->term);
        print_id(&s->out, r->vote);
        buf_str(&s->out, ", leader ");
        print_id(&s->out, r->leader);
        buf_printf(&s->out, ", last %ju/%ju, durable %ju, commit %ju\n",
                   (uintmax_t)r->last, (uintmax_t)n->live.log[r->last].term,
                   (uintmax_t)r->durable, (uintmax_t)r->commit);
    }
}

void show_log(struct script *s)
{
    uint32_t first = 0;
    uint32_t last = s->c->count - 1;

    if (s->arg_count > 1) {
        if (!script_node(s, 1, &first)) {
            return;
        }
        last = first;
    }
    for (uint32_t i = first; i <= last; i++) {
        const struct image *live = &s->c->nodes[i].live;
        buf_printf(&s->out, "%u: terms", s->c->members.ids[i]);
        if (live->first > 1) {
            buf_printf(&s->out, " from %ju on:", (uintmax_t)live->first);
        }
        for (raft_index k = live->first; k <= live->last; k++) {
            buf_printf(&s->out, " %ju", (uintmax_t)live->log[k].term);
        }
        buf_char(&s->out, '\n');
    }
}

void show_progress(struct script *s)
{
    static const char *const names[] = {"probe", "replicate", "snapshot"};
    uint32_t pos = 0;

    if (!script_node(s, 1, &pos)) {
        return;
    }
    for (uint32_t i = 0; i < s->c->count; i++) {
        const struct raft_progress *p = &s->c->nodes[pos].core.progress[i];
        if (i == pos) {
            continue;
        }
        buf_printf(
            &s->out,
            "%u: %s, match %ju, verified %ju, next %ju, in flight %u%s%s\n",
            s->c->members.ids[i], names[p->state], (uintmax_t)p->match,
            (uintmax_t)p->verified, (uintmax_t)p->next, p->in_flight,
            p->probe_sent ? ", waiting" : "", p->paused ? ", paused" : "");
    }
}

void show_deadline(struct script *s)
{
    uint32_t pos = 0;

    if (script_node(s, 1, &pos)) {
        const struct node *n = &s->c->nodes[pos];
        int64_t at = raft_deadline_ms(&n->core);
        if (at == INT64_MAX) {
            buf_str(&s->out, "never\n");
        } else {
            buf_printf(&s->out, "in %jd ms\n", (intmax_t)(at - n->now_ms));
        }
    }
}
