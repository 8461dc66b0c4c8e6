/*
 * Which messages are believed, to the edge of every number; and that those
 * sent say who, to whom, in which cluster and group.
 */
#include "unit/raft/core_fixture.h"

static bool valid(const struct core_fixture *f, const struct raft_message *m)
{
    return raft_message_valid(&f->r, m);
}

#define TYPE(name) (1u << RAFT_MSG_##name)

/* Which types use a field that not all use. Fields that only go together stand
 * in one row. */
static const struct {
    size_t at;
    size_t with;
    unsigned types;
} field_rows[] = {
#define FIELD(name) offsetof(struct raft_message, name)
#define ROW(name, with, types)                                                 \
    {                                                                          \
        FIELD(name), FIELD(with), types                                        \
    }
    ROW(index, index_term,
        TYPE(PRE_VOTE) | TYPE(VOTE) | TYPE(APPEND) | TYPE(APPEND_REPLY)),
    ROW(count, run_count, TYPE(APPEND)),
    ROW(commit, commit, TYPE(APPEND) | TYPE(HEARTBEAT) | TYPE(READ_REPLY)),
    ROW(refused, refused, TYPE(APPEND_REPLY)),
    ROW(round, round,
        TYPE(APPEND) | TYPE(HEARTBEAT) | TYPE(APPEND_REPLY) |
            TYPE(HEARTBEAT_REPLY)),
    ROW(match, match, TYPE(APPEND_REPLY) | TYPE(HEARTBEAT_REPLY)),
    ROW(verified, verified, TYPE(APPEND_REPLY) | TYPE(HEARTBEAT_REPLY)),
    ROW(read_id, read_id, TYPE(READ) | TYPE(READ_REPLY)),
    ROW(time_ms, time_ms, TYPE(READ_REPLY)),
    ROW(granted, granted,
        TYPE(PRE_VOTE_REPLY) | TYPE(VOTE_REPLY) | TYPE(READ_REPLY)),
    ROW(rejected, rejected, TYPE(APPEND_REPLY)),
    ROW(transfer, transfer, TYPE(VOTE)),
    ROW(barrier, barrier, TYPE(APPEND) | TYPE(HEARTBEAT)),
#undef ROW
#undef FIELD
};

/* A refused append, a granted read; else nothing that not all types have. */
static struct raft_message plain(const struct core_fixture *f, int type)
{
    struct raft_message m = core_message(f, (enum raft_message_type)type, 1, 5);

    m.rejected = type == RAFT_MSG_APPEND_REPLY;
    m.granted = type == RAFT_MSG_READ_REPLY;
    m.runs[0] = (struct raft_run){1, 1};
    return m;
}

/* A field means one thing: a type that does not use it leaves it 0. */
static void test_fields_of_types(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 0, 3);
    for (int type = RAFT_MSG_PRE_VOTE; type < RAFT_MSG_TYPE_END; type++) {
        struct raft_message good = plain(&f, type);
        assert_true(valid(&f, &good));
        for (size_t i = 0; i < ARRAY_LEN(field_rows); i++) {
            struct raft_message m = good;
            ((uint8_t *)&m)[field_rows[i].at] = 1;
            ((uint8_t *)&m)[field_rows[i].with] = 1;
            assert_int_equal(valid(&f, &m),
                             (field_rows[i].types >> type & 1) != 0);
        }
    }
}

/* Nor do those that refuse say what only those that grant have to say, and
 * the other way round. */
static void test_fields_of_answers(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 0, 3);
#define BAD(type, granted_, field)                                             \
    do {                                                                       \
        struct raft_message m = core_message(&f, type, 1, 5);                  \
        m.granted = granted_;                                                  \
        assert_true(valid(&f, &m));                                            \
        m.field = 1;                                                           \
        assert_false(valid(&f, &m));                                           \
    } while (0)
    BAD(RAFT_MSG_APPEND_REPLY, false, refused);
    BAD(RAFT_MSG_APPEND_REPLY, false, index);
    BAD(RAFT_MSG_APPEND_REPLY, false, index_term);
    BAD(RAFT_MSG_READ_REPLY, false, commit);
    BAD(RAFT_MSG_READ_REPLY, false, time_ms);
#undef BAD
}

/* The largest number is still a number, one more is nonsense. */
static void test_number_limits(void **state)
{
    static const struct {
        size_t at;
        int type; /* enum raft_message_type */
    } fields[] = {
        {offsetof(struct raft_message, term), RAFT_MSG_APPEND_REPLY},
        {offsetof(struct raft_message, index), RAFT_MSG_APPEND_REPLY},
        {offsetof(struct raft_message, refused), RAFT_MSG_APPEND_REPLY},
        {offsetof(struct raft_message, verified), RAFT_MSG_APPEND_REPLY},
        {offsetof(struct raft_message, match), RAFT_MSG_APPEND_REPLY},
        {offsetof(struct raft_message, commit), RAFT_MSG_HEARTBEAT},
        {offsetof(struct raft_message, barrier), RAFT_MSG_HEARTBEAT},
    };
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 0, 3);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        struct raft_message m = plain(&f, fields[i].type);
        uint64_t *field = (uint64_t *)(void *)((char *)&m + fields[i].at);
        *field = RAFT_NUMBER_MAX;
        assert_true(valid(&f, &m));
        (*field)++;
        assert_false(valid(&f, &m));
        *field = UINT64_MAX;
        assert_false(valid(&f, &m));
    }
}

static void test_runs_limit(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 0, 3);
    struct raft_message m = core_message(&f, RAFT_MSG_APPEND, 1, 5);
    m.count = RAFT_MESSAGE_RUNS_MAX + 1;
    m.run_count = RAFT_MESSAGE_RUNS_MAX;
    for (uint32_t i = 0; i < RAFT_MESSAGE_RUNS_MAX; i++) {
        m.runs[i] = (struct raft_run){i + 1, 5};
    }
    assert_true(valid(&f, &m));
    m.run_count++;
    assert_false(valid(&f, &m));
}

/* Who has no term yet can refuse a pre-vote, and nothing else. */
static void test_term_0(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 0, 3);
    for (int type = RAFT_MSG_PRE_VOTE; type < RAFT_MSG_TYPE_END; type++) {
        for (int granted = 0; granted < 2; granted++) {
            struct raft_message m =
                core_message(&f, (enum raft_message_type)type, 1, 0);
            m.granted = granted != 0;
            assert_int_equal(valid(&f, &m),
                             type == RAFT_MSG_PRE_VOTE_REPLY && !granted);
        }
    }
}

/* An append's entries: from index + 1, terms from 1 to its own, not falling;
 * the entry before them exists if and only if it has a term. */
static void test_entries(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 0, 3);
    struct raft_message m = core_message(&f, RAFT_MSG_APPEND, 1, 5);
    assert_true(valid(&f, &m));
    m.index = 3;
    assert_false(valid(&f, &m));
    m.index_term = 5;
    assert_true(valid(&f, &m));
    m.index_term = 6;
    assert_false(valid(&f, &m));
    m.index = m.index_term = 0;
    m.index_term = 1;
    assert_false(valid(&f, &m));
    m.index_term = 0;
    m.count = m.run_count = 1;
    m.runs[0] = (struct raft_run){1, 1};
    assert_true(valid(&f, &m));
    m.runs[0].term = 0;
    assert_false(valid(&f, &m));
    m.runs[0].term = 5;
    assert_true(valid(&f, &m));
    m.runs[0].term = 6;
    assert_false(valid(&f, &m));
    /* Two runs may even have the same term, but not the same place. */
    m.runs[0].term = 5;
    m.count = m.run_count = 2;
    m.runs[1] = (struct raft_run){2, 5};
    assert_true(valid(&f, &m));
    m.runs[1].first = 1;
    assert_false(valid(&f, &m));
    m.runs[1].first = 3;
    assert_false(valid(&f, &m));
    m.count = 3;
    assert_true(valid(&f, &m));
    m.runs[0].term = 3;
    m.runs[1].term = 2;
    assert_false(valid(&f, &m));
    m.runs[1].term = 4;
    m.run_count = 3;
    m.runs[2] = (struct raft_run){2, 5};
    assert_false(valid(&f, &m));
    m.runs[1].first = 2;
    m.runs[2] = (struct raft_run){3, 5};
    assert_true(valid(&f, &m));
}

/* A candidate's log is older than the term it asks for. */
static void test_candidates(void **state)
{
    static const enum raft_message_type types[] = {RAFT_MSG_PRE_VOTE,
                                                   RAFT_MSG_VOTE};
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 0, 3);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct raft_message m = core_message(&f, types[i], 1, 5);
        assert_true(valid(&f, &m));
        m.index = 4;
        assert_false(valid(&f, &m));
        m.index_term = 4;
        assert_true(valid(&f, &m));
        m.index_term = 5;
        assert_false(valid(&f, &m));
        m.index_term = 4;
        m.index = 0;
        assert_false(valid(&f, &m));
    }
}

/* Each part of the address by itself. */
static void test_addresses(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    for (uint32_t nodes = 2; nodes <= RAFT_NODES_MAX; nodes++) {
        core_boot(&f, nodes - 1, nodes);
        struct raft_message m = core_message(&f, RAFT_MSG_HEARTBEAT, 0, 5);
        assert_true(valid(&f, &m));
        m.to_incarnation = INCARNATION;
        assert_true(valid(&f, &m));
        m.to_incarnation = INCARNATION + 1;
        assert_false(valid(&f, &m));
        m.to_incarnation = 0;
        m.from = nodes; /* perhaps this log lacks the entry that adds it */
        assert_true(valid(&f, &m));
        m.type = RAFT_MSG_HEARTBEAT_REPLY;
        assert_false(valid(&f, &m));
        m.type = RAFT_MSG_HEARTBEAT;
        m.from = NODE_NONE;
        assert_false(valid(&f, &m));
        m.from = nodes - 1;
        assert_false(valid(&f, &m));
        m.from = 0;
        m.to = 0;
        assert_false(valid(&f, &m));
    }
}

/* Members need not be 0 to n - 1; who is none has no place, 0 neither. */
static void test_positions(void **state)
{
    struct core_fixture f;
    struct raft_config config = core_config(4);
    struct raft_start start = core_start(3);
    static const node_id ids[] = {7, 1, 4};

    UNUSED(state);
    raft_members_of(&start.members[0], ids, 3);
    raft_init(&f.r, &config, &start, 0);
    assert_int_equal(raft_position(&f.r, 1), 0);
    assert_int_equal(raft_position(&f.r, 4), 1);
    assert_int_equal(raft_position(&f.r, 7), 2);
    assert_int_equal(raft_position(&f.r, 0), -1);
    assert_int_equal(raft_position(&f.r, 2), -1);
    assert_int_equal(raft_self(&f.r), 1);
}

static void test_names(void **state)
{
    UNUSED(state);
    for (int type = RAFT_MSG_PRE_VOTE; type < RAFT_MSG_TYPE_END; type++) {
        const char *name = raft_message_name((enum raft_message_type)type);
        assert_non_null(name);
        for (int other = RAFT_MSG_PRE_VOTE; other < type; other++) {
            assert_string_not_equal(
                name, raft_message_name((enum raft_message_type)other));
        }
    }
    assert_string_equal(raft_message_name((enum raft_message_type)0),
                        "unknown");
    assert_string_equal(raft_message_name(RAFT_MSG_TYPE_END), "unknown");
    assert_string_equal(raft_message_name(RAFT_MSG_PRE_VOTE), "PRE_VOTE");
    assert_string_equal(raft_message_name(RAFT_MSG_READ_REPLY), "READ_REPLY");
}

/* What is sent says who sends it, where to, in which cluster, group, life. */
static void test_sent(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 1, 3);
    core_win(&f);
    core_event(&f, RAFT_EV_FLUSH);
    for (node_id to = 0; to < 3; to += 2) {
        const struct raft_message *m = core_sent(&f, RAFT_MSG_APPEND, to);
        assert_non_null(m);
        assert_int_equal(m->group, GROUP);
        assert_int_equal(m->cluster_id, CLUSTER);
        assert_int_equal(m->from, 1);
        assert_int_equal(m->from_incarnation, INCARNATION);
        assert_int_equal(m->to_incarnation, to == 0 ? 1 : 0);
        assert_int_equal(m->term, 3);
    }
}

/* Who waits for an answer in an earlier term is told ours; nobody else. */
static void test_lower_terms(void **state)
{
    static const enum raft_message_type answers[RAFT_MSG_TYPE_END] = {
        [RAFT_MSG_PRE_VOTE] = RAFT_MSG_PRE_VOTE_REPLY,
        [RAFT_MSG_VOTE] = RAFT_MSG_VOTE_REPLY,
        [RAFT_MSG_APPEND] = RAFT_MSG_APPEND_REPLY,
        [RAFT_MSG_HEARTBEAT] = RAFT_MSG_HEARTBEAT_REPLY,
    };
    struct core_fixture f;

    UNUSED(state);
    for (int type = RAFT_MSG_PRE_VOTE; type < RAFT_MSG_TYPE_END; type++) {
        core_boot(&f, 0, 3);
        core_receive(&f, core_message(&f, (enum raft_message_type)type, 2, 1));
        assert_int_equal(f.r.term, 2);
        assert_int_equal(f.out.message_count, answers[type] != 0);
        if (answers[type] != 0) {
            assert_int_equal(f.out.messages[0].type, answers[type]);
            assert_int_equal(f.out.messages[0].to, 2);
            assert_int_equal(f.out.messages[0].term, 2);
            assert_false(f.out.messages[0].granted);
            assert_int_equal(f.out.messages[0].match, 0);
        }
    }
}

/* A new start of a peer: a leader begins anew with it, and gives up handing
 * over to it, but not to another. */
static void test_peer_restarts(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    for (node_id target = 0; target < 3; target += 2) {
        core_boot(&f, 1, 3);
        core_win(&f);
        core_event(&f, RAFT_EV_FLUSH);
        struct raft_message m = core_message(&f, RAFT_MSG_APPEND_REPLY, 0, 3);
        m.match = m.verified = 4;
        core_receive(&f, m);
        m.from = 2;
        core_receive(&f, m);
        core_peer_event(&f, RAFT_EV_TRANSFER, target);
        m.from = 0;
        m.from_incarnation = 2;
        m.match = m.verified = 0;
        core_receive(&f, m);
        assert_int_equal(f.r.progress[0].match, 0);
        assert_int_equal(f.r.progress[0].incarnation, 2);
        assert_int_equal(f.r.progress[2].match, 4);
        assert_int_equal(f.out.transfer_ended, target == 0);
        assert_int_equal(f.r.transfer_to, target == 0 ? NODE_NONE : target);
        m.from_incarnation = 1; /* the earlier one is not heard any more */
        m.match = m.verified = 5;
        core_receive(&f, m);
        assert_int_equal(f.r.progress[0].match, 0);
    }
}

static bool grants(int type)
{
    return type == RAFT_MSG_PRE_VOTE_REPLY || type == RAFT_MSG_VOTE_REPLY ||
           type == RAFT_MSG_READ_REPLY;
}

/* A message that says as much as its type can does what its own type does. */
static struct raft_message anything(const struct core_fixture *f, int type)
{
    struct raft_message m =
        core_message(f, (enum raft_message_type)type, 1, f->r.term);

    if (type == RAFT_MSG_APPEND_REPLY || type == RAFT_MSG_HEARTBEAT_REPLY) {
        m.match = m.verified = f->r.last;
    }
    m.granted = grants(type);
    if (type == RAFT_MSG_READ || type == RAFT_MSG_READ_REPLY) {
        m.read_id = 4;
    }
    if (type == RAFT_MSG_APPEND) {
        m.index = f->r.last;
        m.index_term = raft_runs_last_term(&f->r);
    }
    return m;
}

static void test_types_at_leader(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    for (int type = RAFT_MSG_PRE_VOTE; type < RAFT_MSG_TYPE_END; type++) {
        bool is_reply =
            type == RAFT_MSG_APPEND_REPLY || type == RAFT_MSG_HEARTBEAT_REPLY;
        core_boot(&f, 0, 3);
        core_win(&f);
        core_event(&f, RAFT_EV_FLUSH);
        f.now_ms += 5;
        core_receive(&f, anything(&f, type));
        assert_int_equal(f.r.role, RAFT_LEADER);
        assert_int_equal(f.r.progress[1].match != 0, is_reply);
        assert_int_equal(f.r.progress[1].heard_ms == f.now_ms, is_reply);
        assert_int_equal(f.r.read_count, type == RAFT_MSG_READ);
    }
}

static void test_types_at_follower(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    for (int type = RAFT_MSG_PRE_VOTE; type < RAFT_MSG_TYPE_END; type++) {
        bool from_leader =
            type == RAFT_MSG_APPEND || type == RAFT_MSG_HEARTBEAT;
        core_boot(&f, 0, 3);
        core_receive(&f, anything(&f, type)); /* no leader is known */
        assert_int_equal(f.r.leader, from_leader ? 1 : NODE_NONE);
        assert_int_equal(f.r.role, RAFT_FOLLOWER);
        core_boot(&f, 0, 3);
        core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 2));
        core_step(&f, (struct raft_event){.type = RAFT_EV_READ, .read_id = 4});
        core_event(&f, RAFT_EV_FLUSH);
        core_receive(&f, anything(&f, type)); /* the leader's own */
        assert_int_equal(f.r.role, type == RAFT_MSG_TIMEOUT_NOW
                                       ? RAFT_CANDIDATE
                                       : RAFT_FOLLOWER);
        assert_int_equal(f.out.read_count, type == RAFT_MSG_READ_REPLY);
        assert_int_equal(f.r.reply_append, type == RAFT_MSG_APPEND);
        assert_int_equal(f.r.reply_heartbeat, type == RAFT_MSG_HEARTBEAT);
    }
}

/* What was granted in another term is of another term, but for pre-votes. */
static void test_granted_elsewhere(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    for (int type = RAFT_MSG_PRE_VOTE; type < RAFT_MSG_TYPE_END; type++) {
        bool pre = type == RAFT_MSG_PRE_VOTE || type == RAFT_MSG_PRE_VOTE_REPLY;
        for (raft_term term = 1; term <= 3; term += 2) {
            core_boot(&f, 0, 3);
            struct raft_message m =
                core_message(&f, (enum raft_message_type)type, 1, term);
            m.granted = grants(type);
            core_receive(&f, m);
            raft_term after = term == 1 || pre ? 2 : 3;
            if (type == RAFT_MSG_TIMEOUT_NOW && term == 3) {
                after = 4;
            }
            assert_int_equal(f.r.term, after);
            assert_int_equal(f.out.read_count, 0);
        }
    }
}

/* Nine members: every place in the tables is used. */
static void test_nine(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    for (node_id self = 0; self < RAFT_NODES_MAX; self++) {
        core_boot(&f, self, RAFT_NODES_MAX);
        core_win(&f);
        core_durable(&f);
        core_step(&f, (struct raft_event){.type = RAFT_EV_READ, .read_id = 1});
        core_event(&f, RAFT_EV_FLUSH);
        assert_int_equal(f.out.message_count, RAFT_NODES_MAX - 1);
        uint32_t acks = 0;
        for (node_id from = 0; from < RAFT_NODES_MAX; from++) {
            struct raft_message m =
                core_message(&f, RAFT_MSG_APPEND_REPLY, from, 3);
            m.match = m.verified = 5;
            m.round = 1;
            if (from != self) {
                assert_int_equal(f.r.commit, acks < 4 ? 1 : 5);
                core_receive(&f, m);
                acks++;
            }
        }
        core_event(&f, RAFT_EV_FLUSH);
        assert_int_equal(f.out.read_count, 1);
        assert_int_equal(f.out.reads[0].index, 5);
        core_peer_event(&f, RAFT_EV_PEER_UP, (self + 1) % RAFT_NODES_MAX);
        memset(f.r.reads, 1, sizeof(f.r.reads)); /* behind the table */
        core_peer_event(&f, RAFT_EV_TRANSFER, NODE_NONE);
        memset(f.r.reads, 0, sizeof(f.r.reads));
        assert_int_equal(f.r.transfer_to, (self + 1) % RAFT_NODES_MAX);
        assert_true(raft_deadline_ms(&f.r) == f.now_ms + BEAT_MS);
        core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT,
                                      (self + 1) % RAFT_NODES_MAX, 9));
        assert_int_equal(f.r.role, RAFT_FOLLOWER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_of_types),
        cmocka_unit_test(test_fields_of_answers),
        cmocka_unit_test(test_number_limits),
        cmocka_unit_test(test_runs_limit),
        cmocka_unit_test(test_term_0),
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_candidates),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_sent),
        cmocka_unit_test(test_nine),
        cmocka_unit_test(test_lower_terms),
        cmocka_unit_test(test_peer_restarts),
        cmocka_unit_test(test_types_at_leader),
        cmocka_unit_test(test_types_at_follower),
        cmocka_unit_test(test_granted_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
