/*
 * How it works: arguments are copied into an arena, so that they stay where
 * they are; one array points to all of them, as the request wants them. What
 * EXEC adds is put behind them anew whenever it is tried.
 *
 * How it fails: what is too much is an error before it is copied.
 */
#include "server/multi.h"

#include "base/alloc.h"
#include "base/num.h"
#include "cmd/program.h"
#include "data/keyspace.h"

#define TOO_LARGE                                                              \
    "ERR the transaction is too large: it may have 65,536 commands with "      \
    "786,432 arguments of 512 MiB in all"
#define ARRAY            0x2a /* the first bytes of replies */
#define INTEGER          0x3a
#define WATCHES_COMPARED 64 /* whether they are watched already */

_Static_assert(MULTI_ARGS_MAX + MULTI_WATCHES_MAX + PROGRAM_ARGS <=
                   1024 * 1024 - 65536,
               "a request has room for them");

struct multi *multi_new(void)
{
    struct multi *m = mem_zalloc(sizeof(*m));
    m->arena = ARENA_INIT;
    m->watched = ARENA_INIT;
    return m;
}

void multi_free(struct multi *m)
{
    if (m == NULL)
        return;
    arena_release(&m->arena);
    arena_release(&m->watched);
    buf_release(&m->head);
    mem_free(m->args);
    mem_free(m->gathered);
    mem_free(m->steps);
    mem_free(m->conditions);
    mem_free(m->watches);
    mem_free(m);
}

bool multi_is_empty(const struct multi *m)
{
    ASSERT(m->step_count > 0 || m->step_args == 0);
    return m->step_count == 0 && m->watch_count == 0 && !m->failed &&
           !m->running && !m->watch_failed;
}

size_t multi_memory(const struct multi *m)
{
    ASSERT(m->step_args == 0 || m->step_args < m->args_cap);
    return sizeof(*m) + m->arena.used + m->watched.used + m->head.cap +
           (m->args_cap + m->gathered_cap) * sizeof(*m->args) +
           m->steps_cap * sizeof(*m->steps) +
           m->conditions_cap * sizeof(*m->conditions) +
           m->watches_cap * sizeof(*m->watches);
}

void multi_clear(struct multi *m)
{
    ASSERT(m->step_count <= MULTI_STEPS_MAX);
    m->failed = false;
    m->running = false;
    m->ends_client = false;
    m->locals = 0;
    m->unrepeatable = false;
    m->heaviest = NULL;
    m->step_args = 0;
    m->step_count = 0;
    m->condition_count = 0;
    m->condition_args = 0;
    arena_reset(&m->arena);
}

void multi_begin(struct multi *m, uint8_t db, int64_t databases)
{
    ASSERT(m->step_count == 0 && !m->running && db < databases);
    ASSERT(databases <= KEYSPACE_DATABASES);
    multi_clear(m);
    m->db = db;
    m->databases = databases;
}

/* Room for so many items; at least doubles. */
static void *grown(void *items, uint32_t *cap, uint32_t count, size_t size)
{
    ASSERT(size > 0 && count < UINT32_MAX / 4);
    if (count <= *cap)
        return items;
    *cap = MAX(MAX(*cap * 2, count), 8);
    return mem_realloc(items, *cap * size);
}

static void args_grow(struct multi *m, uint32_t count)
{
    ASSERT(count <= MULTI_ARGS_MAX + 2 * MULTI_WATCHES_MAX);
    m->args =
        grown(m->args, &m->args_cap, PROGRAM_ARGS + count, sizeof(*m->args));
}

const char *multi_too_much(const struct multi *m, const struct bytes *argv,
                           uint32_t argc)
{
    ASSERT(argc > 0 && !m->running);
    size_t bytes = m->arena.used;
    if (m->step_count >= MULTI_STEPS_MAX || argc > MULTI_ARGS_MAX ||
        m->step_args + argc > MULTI_ARGS_MAX)
        return TOO_LARGE;
    for (uint32_t i = 0; i < argc && bytes <= MULTI_BYTES_MAX; i++)
        bytes += argv[i].len;
    return bytes > MULTI_BYTES_MAX ? TOO_LARGE : NULL;
}

/* What is executed here when the reply is built, and does no harm if that
 * happens twice, because the first reply was in doubt. */
static bool is_repeatable(enum cmd_id id)
{
    return id == CMD_ID_SELECT || id == CMD_ID_PING || id == CMD_ID_ECHO ||
           id == CMD_ID_TIME || id == CMD_ID_UNWATCH;
}

static void weigh(struct multi *m, const struct cmd *cmd)
{
    ASSERT((cmd->flags & CMD_NO_MULTI) == 0); /* COMMAND alone: a container */
    bool data = cmd_is_data(cmd);
    m->locals += !data;
    m->unrepeatable |= !data && !is_repeatable(cmd->id);
    if (!data || (cmd->flags & CMD_WRITE) == 0)
        return;
    if (m->heaviest == NULL || (cmd->flags & CMD_FREES) == 0)
        m->heaviest = cmd;
}

/* The steps behind it are on another database; if it is none, on this one. */
static void see_select(struct multi *m, struct bytes arg)
{
    ASSERT(m->db < m->databases);
    int64_t db;
    if (num_parse_i64(arg, &db) && db >= 0 && db < m->databases)
        m->db = (uint8_t)db;
}

void multi_add(struct multi *m, const struct cmd *cmd, const struct bytes *argv,
               uint32_t argc)
{
    ASSERT(argc > 0 && !m->running);
    ASSERT(m->step_count < MULTI_STEPS_MAX);
    args_grow(m, m->step_args + argc);
    m->steps =
        grown(m->steps, &m->steps_cap, m->step_count + 1, sizeof(*m->steps));
    m->steps[m->step_count++] =
        (struct multi_step){cmd, m->step_args, argc, m->db};
    for (uint32_t i = 0; i < argc; i++)
        m->args[PROGRAM_ARGS + m->step_args++] = arena_copy(&m->arena, argv[i]);
    weigh(m, cmd);
    if (cmd->id == CMD_ID_SELECT)
        see_select(m, argv[1]);
}

/* --- WATCH -------------------------------------------------------------- */

const char *multi_can_watch(const struct multi *m, uint32_t argc)
{
    ASSERT(argc >= 2);
    if (argc - 1 > MULTI_WATCHES_MAX ||
        m->watch_count + (argc - 1) > MULTI_WATCHES_MAX)
        return "ERR a connection may watch 65,536 keys";
    return NULL;
}

void multi_watch(struct multi *m, uint8_t db, const struct bytes *argv,
                 uint32_t argc)
{
    ASSERT(multi_can_watch(m, argc) == NULL && db < KEYSPACE_DATABASES);
    m->watches = grown(m->watches, &m->watches_cap, m->watch_count + argc - 1,
                       sizeof(*m->watches));
    for (uint32_t i = 1; i < argc; i++)
        m->watches[m->watch_count++] = (struct multi_watch){
            .key = arena_copy(&m->watched, argv[i]), .db = db, .version = -1};
}

/* A number of the reply, and where it ends; false: it is another reply. */
static bool take_number(struct bytes *reply, uint8_t kind, int64_t *number)
{
    ASSERT(kind == ARRAY || kind == INTEGER);
    const uint8_t *end =
        reply->len > 2 ? memchr(reply->data, '\r', reply->len) : NULL;
    if (end == NULL || reply->data[0] != kind)
        return false;
    size_t len = (size_t)(end - reply->data);
    if (!num_parse_i64(bytes_of(reply->data + 1, len - 1), number))
        return false;
    *reply = bytes_from(*reply, MIN(len + 2, reply->len));
    return true;
}

bool multi_watched(struct multi *m, struct bytes reply)
{
    int64_t count = 0;
    int64_t version = 0;
    ASSERT(m->watch_known <= m->watch_count);
    bool ok = take_number(&reply, ARRAY, &count) && count >= 0;
    if (ok && m->watch_failed)
        return true; /* an earlier one failed: nothing depends on this one */
    ASSERT(!ok || count <= m->watch_count - m->watch_known);
    for (; ok && count > 0; count--) {
        ok = take_number(&reply, INTEGER, &version);
        if (ok)
            m->watches[m->watch_known++].version = version;
    }
    m->watch_failed |= !ok;
    return ok;
}

void multi_unwatch(struct multi *m)
{
    ASSERT(m->watch_known <= m->watch_count);
    m->watch_count = 0;
    m->watch_known = 0;
    m->watch_failed = false;
    arena_reset(&m->watched);
}

static bool is_watched_before(const struct multi *m, uint32_t i)
{
    ASSERT(i < m->watch_count);
    const struct multi_watch *w = &m->watches[i];
    for (uint32_t j = 0; j < i; j++)
        if (m->watches[j].db == w->db && bytes_eq(m->watches[j].key, w->key))
            return true;
    return false;
}

uint32_t multi_watched_keys(const struct multi *m)
{
    ASSERT(m->watch_count <= MULTI_WATCHES_MAX);
    uint32_t count = m->watch_count;
    for (uint32_t i = 0; i < MIN(m->watch_count, WATCHES_COMPARED); i++)
        count -= is_watched_before(m, i);
    return count;
}

const struct bytes *multi_watch_args(struct multi *m, const struct bytes *argv,
                                     uint32_t argc)
{
    ASSERT(m->step_count == 0 && argc >= 2);
    args_grow(m, argc);
    m->args[0] = BYTES_LIT("vard.watch");
    for (uint32_t i = 1; i < argc; i++)
        m->args[i] = argv[i];
    return m->args;
}

/* --- EXEC --------------------------------------------------------------- */

static uint8_t kind_of(struct bytes word)
{
    ASSERT(word.len == 0 || word.data != NULL);
    static const struct {
        const char *word;
        uint8_t kind;
    } words[] = {{"ifeq", CONDITION_IFEQ},
                 {"ifne", CONDITION_IFNE},
                 {"nx", CONDITION_NX},
                 {"xx", CONDITION_XX}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (bytes_eq_nocase(word, bytes_str(words[i].word)))
            return words[i].kind;
    return 0;
}

bool multi_conditions(struct multi *m, uint8_t db, const struct bytes *argv,
                      uint32_t argc)
{
    ASSERT(argc > 0);
    m->condition_count = 0;
    m->condition_args = 0;
    if (argc > MULTI_WATCHES_MAX)
        return false;
    args_grow(m, m->step_args + argc);
    for (uint32_t i = 1; i < argc;) {
        uint8_t kind = kind_of(argv[i++]);
        if (kind == 0 || argc - i < condition_argc(kind))
            return false;
        m->conditions = grown(m->conditions, &m->conditions_cap,
                              m->condition_count + 1, sizeof(*m->conditions));
        m->conditions[m->condition_count++] =
            (struct multi_condition){kind, db};
        for (uint32_t n = condition_argc(kind); n > 0; n--)
            m->args[PROGRAM_ARGS + m->step_args + m->condition_args++] =
                argv[i++];
    }
    return true;
}

static void put_steps(struct multi *m)
{
    ASSERT(m->head.len == PROGRAM_HEAD_SIZE);
    for (uint32_t i = 0; i < m->step_count; i++) {
        const struct multi_step *s = &m->steps[i];
        bool local = !cmd_is_data(s->cmd);
        program_put_step(&m->head, &(struct program_step){s->db, local,
                                                          local ? 0 : s->argc});
    }
}

static void put_watch(struct multi *m, const struct multi_watch *w)
{
    ASSERT(w->db < KEYSPACE_DATABASES && w->version >= -1);
    struct program_condition c = {.kind = CONDITION_ABSENT, .db = w->db};
    if (w->version != 0) {
        c.kind = CONDITION_WATCHED;
        c.version = (uint64_t)w->version;
    }
    program_put_condition(&m->head, &c);
}

/* Local steps have no arguments in the request: those that follow move up. */
static uint32_t data_args(struct multi *m, struct bytes *to)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->step_count; i++) {
        const struct multi_step *s = &m->steps[i];
        for (uint32_t j = 0; cmd_is_data(s->cmd) && j < s->argc; j++)
            to[count++] = m->args[PROGRAM_ARGS + s->first + j];
    }
    ASSERT(count <= m->step_args);
    return count;
}

/* With local steps in between, the arguments are gathered elsewhere. */
static struct bytes *gather(struct multi *m, uint32_t *count)
{
    ASSERT(m->locals <= m->step_count);
    uint32_t all = PROGRAM_ARGS + m->step_args + m->condition_args;
    if (m->locals == 0) {
        *count = PROGRAM_ARGS + m->step_args + m->condition_args;
        return m->args;
    }
    m->gathered = grown(m->gathered, &m->gathered_cap, all + m->watch_count,
                        sizeof(*m->gathered));
    struct bytes *args = m->gathered;
    *count = PROGRAM_ARGS + data_args(m, args + PROGRAM_ARGS);
    for (uint32_t i = 0; i < m->condition_args; i++)
        args[(*count)++] = m->args[PROGRAM_ARGS + m->step_args + i];
    return args;
}

const struct bytes *multi_build(struct multi *m, bool write, uint32_t *argc)
{
    ASSERT(write || m->heaviest == NULL);
    ASSERT(m->watch_known == m->watch_count && !m->watch_failed);
    args_grow(m, m->step_args + m->condition_args + m->watch_count);
    buf_reset(&m->head);
    program_begin(&m->head, m->step_count, m->condition_count + m->watch_count);
    put_steps(m);
    for (uint32_t i = 0; i < m->condition_count; i++)
        program_put_condition(
            &m->head, &(struct program_condition){m->conditions[i].kind,
                                                  m->conditions[i].db, 0});
    struct bytes *args = gather(m, argc);
    for (uint32_t i = 0; i < m->watch_count; i++) {
        put_watch(m, &m->watches[i]);
        args[(*argc)++] = m->watches[i].key;
    }
    args[0] = write ? BYTES_LIT("vard.exec") : BYTES_LIT("vard.exec_ro");
    args[1] = buf_view(&m->head);
    return args;
}
