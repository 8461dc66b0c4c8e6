/*
 * Depth first, without recursion: a stack of placed operations, and a doubly
 * linked list of the events of those that are not placed yet (Wing and Gong).
 * An operation may be placed next if its invocation stands before the first
 * return in that list, the deadline. When all known operations are placed the
 * search has succeeded. When the deadline is reached without a candidate the
 * last choice is taken back.
 *
 * What keeps it from being exponential on histories as they occur; each rule
 * only leaves out orders for which another one exists that is as good:
 *
 * 1. Forced: an operation that may be placed, whose reply fits here and says
 *    that it changes nothing wherever it stands (a read, a failed compare), is
 *    placed at once and never reconsidered. It could be moved here from
 *    wherever else it stands. So could a SET of an untested value in a state
 *    of this kind, if no reply that is left is vague: where it stood, only
 *    something that overwrites it can follow.
 * 2. Lost: a state is not left while somebody has still to observe exactly
 *    this state and nobody is left who could bring it back in time.
 * 3. An operation of unknown outcome is only placed where it changes
 *    something, and where the operation placed next makes use of it: replies
 *    or leads elsewhere than it would without. Otherwise it could be left out
 *    or placed later. The state before it is "owed" until then, and is part
 *    of the configuration. (In an order with the fewest such operations, and
 *    among these with the latest, this always holds; rule 1 keeps it so.)
 * 4. Of a class of such operations only the first unused one is tried.
 * 5. A key that only grows (check/lin_key.h) is not brought past what an
 *    operation needs that may be placed now.
 *
 * Of several candidates the one that returned first is tried first. Those of
 * unknown outcome are tried after all others, and at first only
 * one at a time: if the search fails that left out longer chains of them, it
 * begins again with a bound twice as high.
 *
 * It fails by reaching its limit of steps, which it says.
 */
#include "check/lin_search.h"

#include "base/alloc.h"
#include "check/lin_memo.h"

#define HEAD 0u /* of both lists; event e is node e + 1, class c is c + 1 */

/* Lists by state of the operations that are not placed and observe it, by
 * return, and that can produce it, by invocation: node s is the head of state
 * s, the node of an operation stands behind all heads. */

/* Codes of chains: behind those of operations, below those of states. */
#define CHAIN_CODE (UINT64_C(1) << 40)

enum step_kind { STEP_FORCED, STEP_KNOWN, STEP_UNKNOWN };

struct step {
    uint32_t op;
    uint32_t state; /* before it */
    uint32_t owed;  /* before it */
    uint32_t chain; /* before it */
    uint32_t class_;
    enum step_kind kind;
};

struct links {
    uint32_t prev, next;
};

struct lin_search {
    struct lin_key *k;
    struct lin_memo memo;
    struct step *stack;
    uint32_t *order;
    size_t depth;
    struct links *events;
    struct links *classes;
    struct links *observers;
    struct links *producers;
    uint32_t *used; /* members placed, by class */
    size_t left;    /* known operations to be placed */
    uint32_t state;
    uint32_t owed;  /* the state before an unknown operation, or NONE */
    uint32_t chain; /* unknown operations placed last */
    uint32_t chain_max;
    bool chain_cut; /* the bound has kept something out */
    struct lin_code set;
    /* Where to go on: */
    enum step_kind phase;
    uint32_t at; /* the next node to look at, of events or of classes */
};

struct lin_search *lin_search_new(void)
{
    struct lin_search *s = mem_zalloc(sizeof(*s));
    lin_memo_init(&s->memo);
    return s;
}

static void free_arrays(struct lin_search *s)
{
    mem_free(s->stack);
    mem_free(s->order);
    mem_free(s->events);
    mem_free(s->classes);
    mem_free(s->observers);
    mem_free(s->producers);
    mem_free(s->used);
}

void lin_search_free(struct lin_search *s)
{
    if (s == NULL)
        return;
    free_arrays(s);
    lin_memo_release(&s->memo);
    mem_free(s);
}

/* --- lists -------------------------------------------------------------- */

static void unlink_node(struct links *list, uint32_t node)
{
    ASSERT(list[node].next != node);
    list[list[node].prev].next = list[node].next;
    list[list[node].next].prev = list[node].prev;
}

/* Undoes the last unlink_node that has not been undone. */
static void relink_node(struct links *list, uint32_t node)
{
    ASSERT(list[node].next != node);
    list[list[node].prev].next = node;
    list[list[node].next].prev = node;
}

static void link_events(struct lin_search *s)
{
    size_t n = 2 * s->k->known;
    s->events = mem_alloc((n + 1) * sizeof(*s->events));
    uint32_t last = HEAD;
    for (size_t i = 0; i < n; i++) {
        uint32_t node = s->k->events[i] + 1;
        s->events[last].next = node;
        s->events[node].prev = last;
        last = node;
    }
    s->events[last].next = HEAD;
    s->events[HEAD].prev = last;
}

static void link_classes(struct lin_search *s)
{
    uint32_t n = (uint32_t)s->k->class_count;
    s->classes = mem_alloc((n + 1) * sizeof(*s->classes));
    for (uint32_t i = 0; i <= n; i++)
        s->classes[i] = (struct links){i == 0 ? n : i - 1, i == n ? 0 : i + 1};
}

static void link_last(struct links *list, uint32_t head, uint32_t node)
{
    uint32_t last = list[head].prev;
    list[last].next = node;
    list[node] = (struct links){last, head};
    list[head].prev = node;
}

static void link_flows(struct lin_search *s)
{
    const struct lin_key *k = s->k;
    size_t nodes = k->states + k->count;
    s->observers = mem_alloc(nodes * sizeof(*s->observers));
    s->producers = mem_alloc(nodes * sizeof(*s->producers));
    for (uint32_t i = 0; i < k->states; i++)
        s->observers[i] = s->producers[i] = (struct links){i, i};
    for (size_t i = 0; i < 2 * k->known; i++) {
        uint32_t op = k->events[i] / 2;
        if ((k->events[i] & 1) && k->ops[op].observes != MODEL_NONE)
            link_last(s->observers, k->ops[op].observes, k->states + op);
    }
    for (size_t i = 0; i < k->count; i++) {
        uint32_t op = k->by_invoke[i];
        if (k->ops[op].produces != MODEL_NONE)
            link_last(s->producers, k->ops[op].produces, k->states + op);
    }
}

/* --- placing and taking back -------------------------------------------- */

static const struct lin_op *op_at(const struct lin_search *s, uint32_t op)
{
    ASSERT(op < s->k->count);
    return &s->k->ops[op];
}

/* Keeps account of what is left; change is 1 or -1. */
static void count_left(struct lin_key *k, const struct lin_op *op,
                       uint32_t change)
{
    size_t wide_change = change == 1 ? (size_t)1 : SIZE_MAX;
    if (op->wild)
        k->wild += wide_change;
    if (op->vague)
        k->vague += wide_change;
    if (op->m.kind == HISTORY_APPEND) {
        k->appends += wide_change;
        k->tails[op->tail] += change;
    }
}

static void unlink_flow(struct lin_search *s, uint32_t i)
{
    const struct lin_op *op = op_at(s, i);
    if (op->observes != MODEL_NONE)
        unlink_node(s->observers, s->k->states + i);
    if (op->produces != MODEL_NONE)
        unlink_node(s->producers, s->k->states + i);
    count_left(s->k, op, UINT32_MAX);
}

static void relink_flow(struct lin_search *s, uint32_t i)
{
    const struct lin_op *op = op_at(s, i);
    if (op->observes != MODEL_NONE)
        relink_node(s->observers, s->k->states + i);
    if (op->produces != MODEL_NONE)
        relink_node(s->producers, s->k->states + i);
    count_left(s->k, op, 1);
}

static void place(struct lin_search *s, struct step step, uint32_t next)
{
    ASSERT(s->depth < s->k->count);
    step.state = s->state;
    step.owed = s->owed;
    step.chain = s->chain;
    s->stack[s->depth++] = step;
    if (step.kind == STEP_UNKNOWN) {
        uint32_t c = step.class_;
        if (++s->used[c] == s->k->classes[c].size)
            unlink_node(s->classes, c + 1);
    } else {
        unlink_node(s->events, 2 * step.op + 1);
        unlink_node(s->events, 2 * step.op + 2);
        s->left--;
    }
    unlink_flow(s, step.op);
    s->set = lin_code_xor(s->set, lin_code_of(step.op));
    s->owed = step.kind == STEP_UNKNOWN ? s->state : MODEL_NONE;
    s->chain = step.kind == STEP_UNKNOWN ? s->chain + 1 : 0;
    s->state = next;
    s->phase = STEP_FORCED;
}

/* Takes one step back and goes on behind it. */
static struct step take_back(struct lin_search *s)
{
    ASSERT(s->depth > 0);
    struct step step = s->stack[--s->depth];
    s->phase = step.kind;
    if (step.kind == STEP_UNKNOWN) {
        uint32_t c = step.class_;
        if (s->used[c]-- == s->k->classes[c].size)
            relink_node(s->classes, c + 1);
        s->at = s->classes[c + 1].next;
    } else {
        relink_node(s->events, 2 * step.op + 2);
        relink_node(s->events, 2 * step.op + 1);
        s->left++;
        s->at = s->events[2 * step.op + 2].next;
    }
    relink_flow(s, step.op);
    s->set = lin_code_xor(s->set, lin_code_of(step.op));
    s->state = step.state;
    s->owed = step.owed;
    s->chain = step.chain;
    return step;
}

/* Back to the last choice; false if there is none. */
static bool backtrack(struct lin_search *s)
{
    while (s->depth > 0) {
        if (take_back(s).kind != STEP_FORCED)
            return true;
    }
    return false;
}

/* --- which operations may come next ------------------------------------- */

/* Rule 3: the operation makes use of the unknown one before it. */
static bool uses_owed(struct lin_search *s, const struct lin_op *op,
                      uint32_t next)
{
    if (s->owed == MODEL_NONE)
        return true;
    uint32_t without = 0;
    if (!model_step(&s->k->model, &op->m, s->owed, &without))
        return true;
    bool spare = without == next;
    bool later = without == s->owed && next == s->state;
    return !spare && !later;
}

/* The first of a list but for one node; the head if there is none. */
static uint32_t first_but(const struct links *list, uint32_t head, uint32_t but)
{
    uint32_t node = list[head].next;
    return node == but ? list[node].next : node;
}

/* Rule 2: placing it loses a state that is still needed. */
static bool loses(const struct lin_search *s, uint32_t op, uint32_t next)
{
    const struct lin_key *k = s->k;
    uint32_t state = s->state;
    if (next == state || state >= k->states)
        return false;
    uint32_t observer = first_but(s->observers, state, k->states + op);
    if (observer == state)
        return false;
    uint32_t producer = first_but(s->producers, state, k->states + op);
    bool in_time =
        producer != state && op_at(s, producer - k->states)->invoke <=
                                 op_at(s, observer - k->states)->ret;
    return !in_time && !lin_key_may_reach(k, state, op_at(s, op));
}

/* The configuration after placing it has not been seen yet. */
static bool is_new(struct lin_search *s, struct step step, uint32_t next)
{
    struct lin_code code = lin_code_xor(s->set, lin_code_of(step.op));
    uint32_t owed = step.kind == STEP_UNKNOWN ? s->state : MODEL_NONE;
    uint64_t pair = (uint64_t)next << 32 | owed;
    code = lin_code_xor(code, lin_code_of(~pair));
    if (step.kind == STEP_UNKNOWN)
        code = lin_code_xor(code, lin_code_of(CHAIN_CODE + s->chain));
    return lin_memo_add(&s->memo, code);
}

static bool is_return(uint32_t node)
{
    ASSERT(node != HEAD); /* a return stands before the end of the list */
    return ((node - 1) & 1) != 0;
}

/* Rule 5: it would grow past what another one needs. */
static bool outgrows(const struct lin_search *s, uint32_t op, uint32_t next)
{
    if (s->k->growth == LIN_GROWS_NOT || next == s->state)
        return false;
    uint64_t measure = lin_key_measure(s->k, next);
    if (measure == LIN_NO_MEASURE)
        return false;
    uint32_t node = s->events[HEAD].next;
    for (; !is_return(node); node = s->events[node].next) {
        uint32_t i = (node - 1) / 2;
        if (i != op && op_at(s, i)->needs < measure)
            return true;
    }
    return false;
}

static bool try_op(struct lin_search *s, struct step step)
{
    const struct lin_op *op = op_at(s, step.op);
    uint32_t next = 0;
    if (!model_step(&s->k->model, &op->m, s->state, &next))
        return false;
    if (step.kind == STEP_UNKNOWN && next == s->state)
        return false;
    if (!uses_owed(s, op, next) || loses(s, step.op, next) ||
        outgrows(s, step.op, next) || !is_new(s, step, next))
        return false;
    place(s, step, next);
    return true;
}

/* Rule 1: it may be placed now without further thought. */
static bool is_forced(struct lin_search *s, const struct lin_op *op)
{
    bool idle = op->untested && s->k->vague == 0 && op->m.value == s->state;
    uint32_t next = 0;
    return (op->inert || idle) &&
           model_step(&s->k->model, &op->m, s->state, &next) &&
           next == s->state && uses_owed(s, op, next);
}

static bool place_forced(struct lin_search *s)
{
    uint32_t node = s->events[HEAD].next;
    for (; !is_return(node); node = s->events[node].next) {
        uint32_t i = (node - 1) / 2;
        if (is_forced(s, op_at(s, i))) {
            place(s, (struct step){.op = i, .kind = STEP_FORCED}, s->state);
            return true;
        }
    }
    s->phase = STEP_KNOWN;
    s->at = node;
    return false;
}

/* The node of the deadline. */
static uint32_t first_return(const struct lin_search *s)
{
    uint32_t node = s->events[HEAD].next;
    while (!is_return(node))
        node = s->events[node].next;
    return node;
}

static int64_t deadline_of(const struct lin_search *s)
{
    return op_at(s, (first_return(s) - 1) / 2)->ret;
}

/* Goes over the returns from the deadline on, as far as an operation may
 * reach that was invoked before it. */
static bool place_known(struct lin_search *s)
{
    int64_t deadline = deadline_of(s);
    int64_t limit = 0;
    if (__builtin_add_overflow(deadline, s->k->longest, &limit))
        limit = INT64_MAX;
    while (s->at != HEAD) {
        uint32_t node = s->at;
        uint32_t i = (node - 1) / 2;
        s->at = s->events[node].next;
        if (!is_return(node))
            continue;
        if (op_at(s, i)->ret > limit)
            break;
        if (op_at(s, i)->invoke <= deadline &&
            try_op(s, (struct step){.op = i, .kind = STEP_KNOWN}))
            return true;
    }
    s->phase = STEP_UNKNOWN;
    s->at = s->classes[HEAD].next;
    return false;
}

static bool place_unknown(struct lin_search *s)
{
    if (s->at == HEAD)
        return false;
    if (s->chain == s->chain_max) {
        s->chain_cut = true;
        return false;
    }
    int64_t deadline = deadline_of(s);
    while (s->at != HEAD) {
        uint32_t c = s->at - 1;
        const struct lin_class *class_ = &s->k->classes[c];
        if (class_->invoke > deadline)
            return false;
        s->at = s->classes[s->at].next;
        uint32_t op = class_->first + s->used[c];
        ASSERT(s->used[c] < class_->size);
        if (op_at(s, op)->invoke <= deadline &&
            try_op(s,
                   (struct step){.op = op, .kind = STEP_UNKNOWN, .class_ = c}))
            return true;
    }
    return false;
}

/* --- the run ------------------------------------------------------------ */

static void begin(struct lin_search *s, struct lin_key *k)
{
    free_arrays(s);
    s->k = k;
    s->chain_max = 1;
    s->stack = mem_alloc((k->count + 1) * sizeof(*s->stack));
    s->order = mem_alloc((k->count + 1) * sizeof(*s->order));
    s->used = mem_zalloc((k->class_count + 1) * sizeof(*s->used));
    link_events(s);
    link_classes(s);
    link_flows(s);
    s->left = k->known;
    ASSERT(s->left <= k->count);
}

/* At the start, and when all has been taken back. */
static void begin_round(struct lin_search *s)
{
    ASSERT(s->left == s->k->known);
    lin_memo_reset(&s->memo);
    s->depth = 0;
    s->state = MODEL_MISSING;
    s->owed = MODEL_NONE;
    s->chain = 0;
    s->chain_cut = false;
    s->set = (struct lin_code){0, 0};
    s->phase = STEP_FORCED;
}

/* All was tried with this bound. False: a higher one would not help. */
static bool next_round(struct lin_search *s)
{
    ASSERT(s->depth == 0);
    if (!s->chain_cut)
        return false;
    s->chain_max *= 2;
    begin_round(s);
    return true;
}

static bool place_next(struct lin_search *s)
{
    if (s->phase == STEP_FORCED && place_forced(s))
        return true;
    if (s->phase == STEP_KNOWN && place_known(s))
        return true;
    ASSERT(s->phase == STEP_UNKNOWN);
    return place_unknown(s);
}

enum lin_verdict lin_search_run(struct lin_search *s, struct lin_key *k,
                                uint64_t steps_max, uint64_t *steps)
{
    ASSERT(s != NULL && k != NULL);
    begin(s, k);
    begin_round(s);
    for (uint64_t n = 0; s->left > 0; n++) {
        if (n == steps_max)
            return LIN_UNDECIDED;
        ++*steps;
        if (!place_next(s) && !backtrack(s) && !next_round(s))
            return LIN_VIOLATION;
    }
    ASSERT(s->depth >= k->known);
    for (size_t i = 0; i < s->depth; i++)
        s->order[i] = s->stack[i].op;
    return LIN_OK;
}

size_t lin_search_order(const struct lin_search *s, const uint32_t **order)
{
    ASSERT(s->left == 0);
    *order = s->order;
    return s->depth;
}

uint32_t lin_search_state(const struct lin_search *s)
{
    ASSERT(s->left == 0);
    return s->state;
}
