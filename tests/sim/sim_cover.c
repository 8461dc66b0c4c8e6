/*
 * What messages met: for each that a node takes, its type, the role of the
 * receiver, whether its term was below, equal to or above the receiver's, and
 * what became of it. Of a pre-vote's answer the term is the one asked about.
 *
 * What became of it is seen from outside, by what of the core has changed, the
 * greatest change first: its role or term; something to be written; a message
 * sent at once; anything else; nothing. What leads to a message or a write
 * only at the end of the turn counts as "noted".
 */
#include "sim.h"

#include <stdio.h>

static const char relation_names[COVER_RELATIONS][8] = {"lower", "equal",
                                                        "higher"};
static const char outcome_letters[] = "rwsn-";

/* Of a stranger the progress is anybody's. */
static uint32_t place_of(const struct raft *r, uint32_t from)
{
    return (uint32_t)MAX(raft_position(r, from), 0);
}

void cover_before(struct sim *s, const struct sim_node *n, uint32_t from,
                  struct sim_cover *c)
{
    const struct raft *r = &n->node->raft;
    const uint8_t *part = (const uint8_t *)&r->verified;

    _Static_assert(sizeof(c->part) + offsetof(struct raft, verified) ==
                       offsetof(struct raft, campaign_transfer),
                   "what a follower and a candidate remember");
    c->role = r->role;
    c->term = r->term;
    c->write_seq = r->write_seq;
    c->messages = s->stats.messages;
    c->commit = r->commit;
    c->reads = r->read_count;
    c->asked = r->reads_asked_count;
    c->progress = r->progress[place_of(r, from)];
    memcpy(c->part, part, sizeof(c->part));
}

static bool noted(const struct raft *r, uint32_t from,
                  const struct sim_cover *c)
{
    return c->commit != r->commit || c->reads != r->read_count ||
           c->asked != r->reads_asked_count ||
           memcmp(&c->progress, &r->progress[place_of(r, from)],
                  sizeof(c->progress)) != 0 ||
           memcmp(c->part, &r->verified, sizeof(c->part)) != 0;
}

static enum cover_outcome outcome(const struct sim *s, const struct raft *r,
                                  uint32_t from, const struct sim_cover *c)
{
    if (c->role != r->role || c->term != r->term)
        return COVER_ROLE;
    if (c->write_seq != r->write_seq)
        return COVER_WRITTEN;
    if (c->messages != s->stats.messages)
        return COVER_SENT;
    return noted(r, from, c) ? COVER_NOTED : COVER_NOTHING;
}

void cover_after(struct sim *s, const struct sim_node *n, uint32_t from,
                 const struct raft_message *m, const struct sim_cover *c)
{
    unsigned relation = m->term < c->term ? 0 : (m->term == c->term ? 1 : 2);
    enum cover_outcome what = outcome(s, &n->node->raft, from, c);

    ASSERT(m->type > 0 && m->type < RAFT_MSG_TYPE_END && c->role < ROLE_COUNT);
    s->stats.covered[m->type][relation][c->role][what]++;
}

/* Why a kind cannot meet a role in such a term; NULL: it can. */
static const char *cannot_be(enum raft_message_type type, unsigned relation,
                             enum raft_role role)
{
    bool leaders = type == RAFT_MSG_APPEND || type == RAFT_MSG_HEARTBEAT ||
                   type == RAFT_MSG_TIMEOUT_NOW;
    bool to_leader =
        type == RAFT_MSG_APPEND_REPLY || type == RAFT_MSG_HEARTBEAT_REPLY;

    if (relation == 1 && role == RAFT_LEADER &&
        (leaders || type == RAFT_MSG_READ_REPLY))
        return "two leaders in a term";
    if (relation == 1 && to_leader && role == RAFT_CANDIDATE)
        return "answers a leader of the term it is a candidate in";
    if (relation == 1 && type == RAFT_MSG_READ && role == RAFT_CANDIDATE)
        return "asks a leader of the term it is a candidate in";
    return NULL;
}

static uint64_t cell_sum(const uint64_t *cell)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < COVER_OUTCOMES; i++)
        sum += cell[i];
    return sum;
}

static void print_row(const struct sim_stats *t, uint32_t m, unsigned rel)
{
    printf("  %-16s %-6s", raft_message_name((enum raft_message_type)m),
           relation_names[rel]);
    for (uint32_t r = 0; r < ROLE_COUNT; r++) {
        const uint64_t *cell = t->covered[m][rel][r];
        char letters[COVER_OUTCOMES + 1] = "";
        for (unsigned i = 0; i < COVER_OUTCOMES; i++)
            letters[i] = cell[i] > 0 ? outcome_letters[i] : '.';
        printf(" %10llu %s", (unsigned long long)cell_sum(cell), letters);
    }
    printf("\n");
}

static void print_blanks(const struct sim_stats *t, bool possible)
{
    for (uint32_t m = 1; m < RAFT_MSG_TYPE_END; m++)
        for (unsigned rel = 0; rel < COVER_RELATIONS; rel++)
            for (uint32_t r = 0; r < ROLE_COUNT; r++) {
                const char *why = cannot_be((enum raft_message_type)m, rel,
                                            (enum raft_role)r);
                if (cell_sum(t->covered[m][rel][r]) > 0 || !why != possible)
                    continue;
                printf("    %s, %s term, at a %s%s%s\n",
                       raft_message_name((enum raft_message_type)m),
                       relation_names[rel], raft_role_name((enum raft_role)r),
                       why ? ": " : "", why ? why : "");
            }
}

void cover_print(const struct sim_stats *t)
{
    unsigned hit = 0;
    unsigned can = 0;

    printf("messages taken, by their term against the receiver's, and its "
           "role\n  (what became of them: r role or term changed, w write, s "
           "answer sent at once, n noted, - nothing)\n  %24s",
           "");
    for (uint32_t r = 0; r < ROLE_COUNT; r++)
        printf("%-17s", raft_role_name((enum raft_role)r));
    printf("\n");
    for (uint32_t m = 1; m < RAFT_MSG_TYPE_END; m++)
        for (unsigned rel = 0; rel < COVER_RELATIONS; rel++) {
            print_row(t, m, rel);
            for (uint32_t r = 0; r < ROLE_COUNT; r++) {
                hit += cell_sum(t->covered[m][rel][r]) > 0;
                can += !cannot_be((enum raft_message_type)m, rel,
                                  (enum raft_role)r);
            }
        }
    printf("  %u of the %u pairs that can be; blank:\n", hit, can);
    print_blanks(t, true);
    printf("  cannot be:\n");
    print_blanks(t, false);
}
