/*
 * Members that come and go: the leader is asked, who keeps what is wanted and
 * brings the cluster there, whoever leads then. `members` shows how far it is;
 * it is waited for only if that is asked for (reach.c).
 *
 * How it fails: the leader's refusal says what to do. Without an answer it is
 * not known whether the change was taken: `members` shows that too.
 */
#include "ctl/ctl.h"

#include "base/alloc.h"
#include "base/hostport.h"
#include "codec/configuration.h"
#include "ctl/members.h"
#include "ctl/view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_PORT 6379
#define WORDS_MAX   6

/* ----- asking ------------------------------------------------------------ */

/* CTL_GOOD, or an exit status after a message. */
static int ask_leader(struct cluster *c, size_t leader,
                      const struct link_request *r, struct answer *a)
{
    int err = cluster_ask_node(c, leader, r, c->timeout_ms, a);
    if (err != 0) {
        bool sent = err != ERR_CLOSED && r->write;
        fprintf(stderr, "vardctl: the leader did not answer%s\n",
                sent ? "; whether the change was taken, `vardctl members` "
                       "shows"
                     : "");
        return sent ? CTL_UNKNOWN : CTL_NOT_DONE;
    }
    if (a->kind != ANSWER_ERROR)
        return CTL_GOOD;
    fprintf(stderr, "vardctl: %.*s\n", (int)a->text.len,
            a->text.len == 0 ? "" : (const char *)a->text.data);
    return CTL_REFUSED;
}

static int take_members(struct cluster *c, size_t leader,
                        struct members_view *out)
{
    const char *argv[] = {"RAFT", "MEMBERS"};
    const struct link_request r = {.argv = argv, .argc = 2};
    struct answer a = {0};
    int status = ask_leader(c, leader, &r, &a);
    if (status == CTL_GOOD &&
        (a.kind != ANSWER_LIST || !members_read(buf_view(&a.text), out))) {
        fprintf(stderr, "vardctl: the leader does not say who the members "
                        "are\n");
        status = CTL_NOT_DONE;
    }
    buf_release(&a.text);
    return status;
}

/* ----- members ----------------------------------------------------------- */

static void print_member(FILE *out, const struct view *v,
                         const struct row *leader, const struct member_row *m)
{
    char id[VIEW_ID_MAX];
    snprintf(id, sizeof(id), "%" PRIu64, m->id);
    const struct row *row = view_find(v, id);
    bool leads = strcmp(leader->id, id) == 0;
    const struct peer_row *p = leads ? NULL : view_peer(leader, id);
    const char *state = leads                            ? "leads"
                        : p == NULL                      ? "not linked"
                        : !p->linked                     ? "down"
                        : row != NULL && row->recovering ? "refilled"
                                                         : p->state;
    char lag[24] = "-";
    if (p != NULL && p->linked)
        snprintf(lag, sizeof(lag), "%" PRIu64, p->lag);
    fprintf(out, "%-5s %-10s %5" PRIu64 " %-22s %-22s %10s  %s", id, m->role,
            m->life, m->peer[0] != '\0' ? m->peer : "?",
            m->client[0] != '\0'     ? m->client
            : row != NULL && row->up ? row->address
                                     : "?",
            lag, state);
    if (m->priority != MEMBER_PRIORITY_USUAL)
        fprintf(out, "; priority %" PRIu64, m->priority);
    bool changes = m->desired[0] != '\0' && strcmp(m->desired, m->role) != 0;
    if (changes)
        fprintf(out, "; to become %s", m->desired);
    if (m->why[0] != '\0')
        fprintf(out, ": %s", m->why);
    fputc('\n', out);
}

static const struct row *row_of_leader(const struct view *v)
{
    for (size_t i = 0; i < v->count; i++) {
        if (v->rows[i].up && strcmp(v->rows[i].role, "leader") == 0)
            return &v->rows[i];
    }
    return NULL;
}

static void print_outlook(FILE *out, const struct members_view *m)
{
    size_t bears = members_bear(members_voters(m));
    if (m->next[0] != '\0')
        fprintf(out, "next: %s%s%s\n", m->next, m->waits[0] != '\0' ? "; " : "",
                m->waits);
    fprintf(out, "%zu voters: bears %zu failure%s%s\n", members_voters(m),
            bears, bears == 1 ? "" : "s",
            m->next[0] != '\0' ? " when all is done" : "");
}

int members_print(struct cluster *c, FILE *out)
{
    struct members_view m;
    struct view v = {0};
    size_t leader = 0;
    int status = ctl_find_leader(c, &leader);
    if (status == CTL_GOOD)
        status = take_members(c, leader, &m);
    if (status != CTL_GOOD)
        return status;
    view_take(&v, c, CTL_ASK_MS);
    const struct row *row = row_of_leader(&v);
    if (row == NULL) {
        fprintf(stderr, "vardctl: the leader did not answer again\n");
        status = CTL_NOT_DONE;
    } else {
        fprintf(out, "%-5s %-10s %5s %-22s %-22s %10s  %s\n", "node", "role",
                "life", "members reach it at", "clients at", "lag", "state");
        for (size_t i = 0; i < m.count; i++)
            print_member(out, &v, row, &m.rows[i]);
        print_outlook(out, &m);
    }
    view_release(&v);
    return status;
}

/* ----- changes ----------------------------------------------------------- */

/* `more` voters than before, or fewer. What follows may be the configuration of
 * a new node, and all of it be written to a file: then these are comments. */
static void say_tolerance(const struct members_view *before, int more,
                          const char *comment)
{
    size_t voters = members_voters(before);
    size_t from = members_bear(voters);
    size_t to = members_bear((size_t)((int64_t)voters + more));
    if (from == to)
        printf("%sThe cluster bears %zu failure%s, as before.\n", comment, to,
               to == 1 ? "" : "s");
    else
        printf("%sThe cluster bears %zu failure%s now, and %zu when it is "
               "done.\n",
               comment, from, from == 1 ? "" : "s", to);
    printf("%sIt goes on by itself: vardctl members\n", comment);
}

static bool votes(const struct members_view *m, const char *id)
{
    const struct member_row *r = members_find(m, strtoull(id, NULL, 10));
    return r != NULL && strncmp(r->desired[0] != '\0' ? r->desired : r->role,
                                "voter", 5) == 0;
}

/* How many voters more there will be. */
static int count_more(const struct members_view *m, const char *const *words,
                      size_t count)
{
    if (strcmp(words[1], "ADD") == 0)
        return count < WORDS_MAX; /* else it is a learner */
    if (strcmp(words[1], "PROMOTE") == 0)
        return !votes(m, words[2]);
    if (strcmp(words[1], "REMOVE") == 0 || strcmp(words[1], "DEMOTE") == 0)
        return -(int)votes(m, words[2]);
    return 0;
}

static int change(struct cluster *c, const char *const *words, size_t count,
                  int64_t *number, struct members_view *before)
{
    const struct link_request r = {.argv = words, .argc = count, .write = true};
    struct answer a = {0};
    size_t leader = 0;
    int status = ctl_find_leader(c, &leader);
    if (status == CTL_GOOD)
        status = take_members(c, leader, before);
    if (status == CTL_GOOD)
        status = ask_leader(c, leader, &r, &a);
    if (status == CTL_GOOD) {
        *number = a.kind == ANSWER_NUMBER ? a.number : -1;
        say_tolerance(before, count_more(before, words, count),
                      *number >= 0 ? "# " : "");
    }
    buf_release(&a.text);
    return status;
}

int change_members(struct cluster *c, const char *word, const char *id,
                   const char *option, int64_t wait_ms)
{
    const char *words[WORDS_MAX] = {"RAFT", word, id, option};
    struct members_view before;
    int64_t number;
    int status = change(c, words, option != NULL ? 4 : 3, &number, &before);
    return status == CTL_GOOD ? reach_members(c, wait_ms) : status;
}

int change_address(struct cluster *c, const char *id, const char *peer,
                   const char *client, int64_t wait_ms)
{
    const char *words[WORDS_MAX] = {"RAFT", "MOVE", id, peer, client};
    struct members_view before;
    int64_t number;
    int status = change(c, words, client != NULL ? 5 : 4, &number, &before);
    return status == CTL_GOOD ? reach_members(c, wait_ms) : status;
}

/* ----- a new one --------------------------------------------------------- */

/* The member that is replaced or the new one itself is nobody to ask. */
static void print_seeds(const struct members_view *m, uint64_t except,
                        uint64_t new_id)
{
    const char *before = "join ";
    for (size_t i = 0; i < m->count; i++) {
        const struct member_row *r = &m->rows[i];
        if (r->id == new_id || r->id == except || r->peer[0] == '\0')
            continue;
        printf("%s%s", before, r->peer);
        before = ",";
    }
    printf("\n");
}

static void print_configuration(const struct new_member *n, int64_t id,
                                const char *client,
                                const struct members_view *m, uint64_t except)
{
    struct bytes host;
    uint16_t port = CLIENT_PORT;
    bool ok = hostport_split(bytes_str(client), &host, &port);
    ASSERT(ok);
    printf("\n# vard.conf of the new node, whose directory must be empty:\n"
           "node-id %" PRId64 "\nnode %" PRId64 " %s %s\nport %u\n"
           "bind * -::*\ndir /var/lib/vard\n",
           id, id, n->peer, client, port);
    print_seeds(m, except, (uint64_t)id);
    if (n->extra != NULL)
        fputs(n->extra, stdout);
    else
        printf("# peer-secret, requirepass and cluster-id: as the other nodes "
               "have them\n");
}

int change_add(struct cluster *c, const struct new_member *n)
{
    char client[MEMBERS_TEXT_MAX];
    struct bytes host;
    uint16_t port;
    const char *replaces = n->replaces != NULL ? n->replaces : "*";
    if (!hostport_split(bytes_str(n->peer), &host, &port) ||
        host.len >= CLUSTER_HOST_MAX) {
        fprintf(stderr,
                "vardctl: '%s' is no HOST:PORT where other members reach the "
                "new one\n",
                n->peer);
        return CTL_USAGE;
    }
    hostport_join(host, CLIENT_PORT, client, sizeof(client));
    if (n->client != NULL)
        snprintf(client, sizeof(client), "%s", n->client);
    if (!hostport_split(bytes_str(client), &host, &port)) {
        fprintf(stderr, "vardctl: '%s' is no HOST:PORT for clients\n", client);
        return CTL_USAGE;
    }
    const char *words[WORDS_MAX] = {
        "RAFT",   n->replaces != NULL ? "REPLACE" : "ADD",
        replaces, n->peer,
        client,   n->learner ? "LEARNER" : NULL};
    struct members_view before = {0};
    int64_t id = -1;
    int status = change(c, words, n->learner ? 6 : 5, &id, &before);
    if (status == CTL_GOOD && id >= 0)
        print_configuration(
            n, id, client, &before,
            n->replaces != NULL ? strtoull(n->replaces, NULL, 10) : UINT64_MAX);
    return status == CTL_GOOD ? reach_members(c, n->wait_ms) : status;
}
