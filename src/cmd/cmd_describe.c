/*
 * COMMAND and its subcommands, in the reply shapes of redis-server 7.0:
 * cluster clients and redis-cli read them.
 *
 * How it works: clients see the table's commands without the internal ones,
 * and then its subcommands. A reply whose length is not known beforehand is
 * walked twice: once to count, once to write.
 *
 * How it fails: what is asked wrongly is answered with an error.
 */
#include "cmd/cmd_describe.h"
#include "base/glob.h"
#include "cmd/cmd.h"
#include "cmd/cmd_docs.h"

#include <stdio.h>
#include <string.h>

/* --- what is described -------------------------------------------------- */

/* What clients see at a level. */
static bool is_public(const struct cmd *c, uint16_t level)
{
    return (c->flags & CMD_INTERNAL) == 0 && cmd_level(c) <= level;
}

/* The public commands, the first `count` rows of all. */
static size_t public_count(int count, uint16_t level)
{
    size_t n = 0;
    ASSERT(count == CMD_ID_COMMANDS || count == CMD_ID_COUNT);
    for (int id = 0; id < count; id++)
        n += is_public(cmd_by_id(id), level);
    return n;
}

/* A command or "container|sub" by name, as clients see them; or NULL. */
static const struct cmd *find(struct bytes name, uint16_t level)
{
    const struct cmd *c = cmd_lookup_any_at(name, level);
    ASSERT(c == NULL || cmd_by_id(c->id) == c);
    return c != NULL && is_public(c, level) ? c : NULL;
}

/* --- sets of words ------------------------------------------------------ */

/* Words separated by single spaces, as bulk strings. */
static void write_tips(struct resp_writer *w, const char *words)
{
    size_t n = 1;
    if (words == NULL) {
        resp_set(w, 0);
        return;
    }
    for (const char *p = words; *p != '\0'; p++)
        n += *p == ' ';
    resp_set(w, n);
    while (n-- > 0) {
        size_t len = strcspn(words, " ");
        ASSERT(len > 0);
        resp_bulk(w, bytes_of(words, len));
        words += len + 1;
    }
}

struct bit_name {
    uint32_t bit;
    const char *name;
};

/* The names of those bits that are set, as statuses. */
static void write_bits(struct resp_writer *w, uint32_t bits,
                       const struct bit_name *names, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += (bits & names[i].bit) != 0;
    resp_set(w, n);
    for (size_t i = 0; i < count; i++) {
        if ((bits & names[i].bit) == 0)
            continue;
        resp_status(w, names[i].name);
        n--;
    }
    ASSERT(n == 0);
}

/* No flag of a row: it follows from where the keys are. */
#define MOVABLE_KEYS (UINT32_C(1) << 31)

/* Where they are depends on the arguments. */
static bool has_movable_keys(const struct cmd *c)
{
    for (uint32_t i = 0; i < c->key_specs; i++) {
        if (c->keys[i].begin != KEY_BEGIN_INDEX ||
            c->keys[i].find != KEY_FIND_RANGE)
            return true;
    }
    return false;
}

static void write_flags(struct resp_writer *w, const struct cmd *c)
{
    static const struct bit_name names[] = {
        {CMD_WRITE, "write"},       {CMD_READ, "readonly"},
        {CMD_ADMIN, "admin"},       {CMD_LOCAL, "loading"},
        {CMD_LOCAL, "stale"},       {CMD_MULTI, "loading"},
        {CMD_MULTI, "stale"},       {CMD_FAST, "fast"},
        {CMD_NO_AUTH, "no_auth"},   {CMD_BLOCKS, "blocking"},
        {CMD_NO_MULTI, "no_multi"}, {MOVABLE_KEYS, "movablekeys"},
    };
    ASSERT((c->flags & (CMD_INTERNAL | MOVABLE_KEYS)) == 0);
    uint32_t movable = has_movable_keys(c) ? MOVABLE_KEYS : 0;
    write_bits(w, c->flags | movable, names, ARRAY_LEN(names));
}

static void write_key_flags(struct resp_writer *w, uint32_t flags)
{
    static const struct bit_name names[] = {
        {KEY_RO, "RO"},
        {KEY_RW, "RW"},
        {KEY_OW, "OW"},
        {KEY_RM, "RM"},
        {KEY_ACCESS, "access"},
        {KEY_UPDATE, "update"},
        {KEY_INSERT, "insert"},
        {KEY_DELETE, "delete"},
        {KEY_NOT_KEY, "not_key"},
        {KEY_INCOMPLETE, "incomplete"},
        {KEY_VARIABLE, "variable_flags"},
    };
    ASSERT(flags != 0 && flags < KEY_VARIABLE << 1);
    write_bits(w, flags, names, ARRAY_LEN(names));
}

static void write_categories(struct resp_writer *w, uint32_t categories)
{
    char name[32];
    ASSERT(categories != 0 && categories < 1u << CAT_BITS);
    resp_set(w, (size_t)__builtin_popcount(categories));
    for (int bit = 0; bit < CAT_BITS; bit++) {
        if ((categories >> bit & 1) == 0)
            continue;
        snprintf(name, sizeof(name), "@%s",
                 cmd_category_name((enum cmd_category_bit)bit));
        resp_status(w, name);
    }
}

/* --- COMMAND INFO ------------------------------------------------------- */

static void write_field(struct resp_writer *w, const char *name, int64_t v)
{
    resp_bulk_str(w, name);
    resp_integer(w, v);
}

/* "type": a name, "spec": a map of so many fields, which are to follow. */
static void write_spec_head(struct resp_writer *w, const char *type,
                            size_t fields)
{
    resp_map(w, 2);
    ASSERT(fields >= 1 && fields <= 3);
    resp_bulk_str(w, "type");
    resp_bulk_str(w, type);
    resp_bulk_str(w, "spec");
    resp_map(w, fields);
}

static void write_key_spec(struct resp_writer *w, const struct key_spec *s)
{
    ASSERT(s->step > 0);
    ASSERT(s->begin == KEY_BEGIN_KEYWORD ? s->keyword != NULL : s->index > 0);
    resp_map(w, 3);
    resp_bulk_str(w, "flags");
    write_key_flags(w, s->flags);
    resp_bulk_str(w, "begin_search");
    if (s->begin == KEY_BEGIN_INDEX) {
        write_spec_head(w, "index", 1);
        write_field(w, "index", s->index);
    } else {
        write_spec_head(w, "keyword", 2);
        resp_bulk_str(w, "keyword");
        resp_bulk_str(w, s->keyword);
        write_field(w, "startfrom", s->start_from);
    }
    resp_bulk_str(w, "find_keys");
    if (s->find == KEY_FIND_RANGE) {
        write_spec_head(w, "range", 3);
        write_field(w, "lastkey", s->last);
        write_field(w, "keystep", s->step);
        write_field(w, "limit", s->limit);
    } else {
        write_spec_head(w, "keynum", 3);
        write_field(w, "keynumidx", s->keynum);
        write_field(w, "firstkey", s->first);
        write_field(w, "keystep", s->step);
    }
}

void describe_key_specs(struct resp_writer *w, const struct cmd *c)
{
    ASSERT((c->key_specs > 0) == (c->keys != NULL));
    resp_set(w, c->key_specs);
    for (uint32_t i = 0; i < c->key_specs; i++)
        write_key_spec(w, &c->keys[i]);
}

/* All of the ten fields but the subcommands. */
static void info_head(struct resp_writer *w, const struct cmd *c)
{
    struct cmd_key_range keys = cmd_key_range(c);
    ASSERT((keys.first > 0) == (keys.step > 0));
    ASSERT(c->arity != 0 && keys.first >= 0);
    resp_array(w, 10);
    resp_bulk_str(w, c->name);
    resp_integer(w, c->arity);
    write_flags(w, c);
    resp_integer(w, keys.first);
    resp_integer(w, keys.last);
    resp_integer(w, keys.step);
    write_categories(w, c->categories);
    write_tips(w, c->tips);
    describe_key_specs(w, c);
}

static bool is_of(const struct cmd *c, const struct cmd *container,
                  uint16_t level)
{
    ASSERT(is_public(container, level));
    return c->container == container->id && is_public(c, level);
}

static void info_write(struct resp_writer *w, const struct cmd *c,
                       uint16_t level)
{
    size_t count = 0;
    info_head(w, c);
    for (int id = CMD_ID_COMMANDS; id < CMD_ID_COUNT; id++)
        count += is_of(cmd_by_id(id), c, level);
    ASSERT((count > 0) == ((c->flags & CMD_CONTAINER) != 0));
    if (count == 0) { /* so it is in Redis: a set if empty */
        resp_set(w, 0);
        return;
    }
    resp_array(w, count);
    for (int id = CMD_ID_COMMANDS; id < CMD_ID_COUNT; id++) {
        if (is_of(cmd_by_id(id), c, level)) {
            info_head(w, cmd_by_id(id));
            resp_set(w, 0);
        }
    }
}

static void reply_all_info(struct resp_writer *w, uint16_t level)
{
    size_t n = public_count(CMD_ID_COMMANDS, level);
    resp_array(w, n);
    for (size_t i = 0; i < cmd_count(); i++) {
        if (!is_public(cmd_at(i), level))
            continue;
        info_write(w, cmd_at(i), level);
        n--;
    }
    ASSERT(n == 0);
}

/* What INFO and DOCS say of one command takes long, a million times. */
#define NAMES_MAX 1024

static bool names_ok(struct resp_writer *w, uint32_t count)
{
    if (count <= NAMES_MAX)
        return true;
    resp_errorf(w, "ERR too many commands: at most %d are accepted", NAMES_MAX);
    return false;
}

static void reply_info(struct resp_writer *w, const struct bytes *names,
                       uint32_t count, uint16_t level)
{
    if (!names_ok(w, count))
        return;
    if (count == 0) {
        reply_all_info(w, level);
        return;
    }
    ASSERT(names != NULL && count <= NAMES_MAX);
    resp_array(w, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct cmd *c = find(names[i], level);
        if (c == NULL)
            resp_null(w);
        else
            info_write(w, c, level);
    }
}

static void reply_all_docs(struct resp_writer *w, uint16_t level)
{
    size_t n = public_count(CMD_ID_COMMANDS, level);
    resp_map(w, n);
    for (size_t i = 0; i < cmd_count(); i++) {
        if (!is_public(cmd_at(i), level))
            continue;
        docs_write(w, cmd_at(i), level);
        n--;
    }
    ASSERT(n == 0);
}

static void reply_docs(struct resp_writer *w, const struct bytes *names,
                       uint32_t count, uint16_t level)
{
    size_t known = 0;
    if (!names_ok(w, count))
        return;
    if (count == 0) {
        reply_all_docs(w, level);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        known += find(names[i], level) != NULL;
    resp_map(w, known);
    for (uint32_t i = 0; i < count; i++) {
        const struct cmd *c = find(names[i], level);
        if (c == NULL)
            continue;
        docs_write(w, c, level);
        known--;
    }
    ASSERT(known == 0);
}

/* --- COMMAND LIST ------------------------------------------------------- */

/* It is compared with each command. */
#define PATTERN_LEN_MAX 1024

enum list_filter {
    LIST_ALL,
    LIST_MODULE,
    LIST_ACLCAT,
    LIST_PATTERN,
    LIST_BAD,
};

static enum list_filter list_filter(const struct bytes *args, uint32_t count)
{
    ASSERT(count == 0 || args != NULL);
    if (count == 0)
        return LIST_ALL;
    if (count != 3 || !bytes_eq_nocase(args[0], BYTES_LIT("filterby")))
        return LIST_BAD;
    if (bytes_eq_nocase(args[1], BYTES_LIT("module")))
        return LIST_MODULE;
    if (bytes_eq_nocase(args[1], BYTES_LIT("aclcat")))
        return LIST_ACLCAT;
    if (bytes_eq_nocase(args[1], BYTES_LIT("pattern")))
        return LIST_PATTERN;
    return LIST_BAD;
}

static bool listed(const struct cmd *c, enum list_filter filter,
                   struct bytes arg)
{
    ASSERT(filter <= LIST_BAD);
    switch (filter) {
    case LIST_ALL:
        return true;
    case LIST_ACLCAT:
        return (c->categories & cmd_category_find(arg)) != 0;
    case LIST_PATTERN:
        return glob_match(arg, bytes_str(c->name), true);
    case LIST_MODULE: /* there are none */
    case LIST_BAD:
        break;
    }
    return false;
}

static void reply_list(struct resp_writer *w, const struct bytes *args,
                       uint32_t count, uint16_t level)
{
    enum list_filter filter = list_filter(args, count);
    struct bytes arg = count == 3 ? args[2] : BYTES_NONE;
    if (filter == LIST_BAD) {
        resp_error(w, "ERR syntax error");
        return;
    }
    if (filter == LIST_PATTERN && arg.len > PATTERN_LEN_MAX) {
        resp_errorf(w,
                    "ERR a pattern is too long: at most %d bytes are accepted",
                    PATTERN_LEN_MAX);
        return;
    }
    size_t n = 0;
    for (int id = 0; id < CMD_ID_COUNT; id++)
        n += is_public(cmd_by_id(id), level) &&
             listed(cmd_by_id(id), filter, arg);
    resp_array(w, n);
    for (int id = 0; id < CMD_ID_COUNT; id++) {
        if (!is_public(cmd_by_id(id), level) ||
            !listed(cmd_by_id(id), filter, arg))
            continue;
        resp_bulk_str(w, cmd_by_id(id)->name);
        n--;
    }
    ASSERT(n == 0);
}

/* --- COMMAND GETKEYS ---------------------------------------------------- */

/* argv of a command inside ONCE begins after two ids. Of a container it is the
 * subcommand; NULL: there is none. A subcommand's own name is no command. */
static const struct cmd *inner_command(const struct bytes **argv,
                                       uint32_t *argc, uint16_t level)
{
    ASSERT(*argc >= 1);
    const struct cmd *c = find((*argv)[0], level);
    if (c != NULL && (c->flags & CMD_WRAPPER) != 0 && *argc >= 4) {
        *argv += 3;
        *argc -= 3;
        c = find((*argv)[0], level);
    }
    if (c == NULL || c->container != CMD_ID_NONE)
        return NULL;
    if ((c->flags & CMD_CONTAINER) != 0 && *argc >= 2)
        c = cmd_lookup_sub_at(c, (*argv)[1], level);
    return c;
}

/* Whether this is a command with keys; else the error is written. */
static bool has_keys(struct resp_writer *w, const struct cmd *c, uint32_t argc)
{
    ASSERT(argc >= 1 && (c == NULL || (c->flags & CMD_INTERNAL) == 0));
    if (c == NULL)
        resp_error(w, "ERR Invalid command specified");
    else if (c->key_specs == 0)
        resp_error(w, "ERR The command has no key arguments");
    else if (!cmd_arity_ok(c, argc))
        resp_error(w, "ERR Invalid number of arguments specified for command");
    else
        return true;
    return false;
}

/* c: what inner_command() has found. */
static void reply_getkeys(struct resp_writer *w, const struct cmd *c,
                          const struct bytes *argv, uint32_t argc,
                          bool with_flags)
{
    struct cmd_keys keys;
    struct cmd_key key;
    size_t n = 0;
    if (!has_keys(w, c, argc))
        return;
    cmd_keys_begin(&keys, c, argv, argc);
    while (cmd_keys_next(&keys, &key))
        n++;
    if (keys.invalid) {
        resp_error(w, "ERR Invalid arguments specified for command");
        return;
    }
    resp_array(w, n);
    cmd_keys_begin(&keys, c, argv, argc);
    while (cmd_keys_next(&keys, &key)) {
        ASSERT(n > 0 && key.index >= 1 && key.index < argc);
        n--;
        if (with_flags)
            resp_array(w, 2);
        resp_bulk(w, argv[key.index]);
        if (with_flags)
            write_key_flags(w, key.flags);
    }
    ASSERT(n == 0);
}

/* --- COMMAND ------------------------------------------------------------ */

void cmd_reply_command(struct resp_writer *w, const struct cmd *c,
                       const struct bytes *argv, uint32_t argc, uint16_t level)
{
    const struct bytes *args = argv + 2;
    uint32_t count = argc - 2;
    bool flags = c->id == CMD_ID_COMMAND_GETKEYSANDFLAGS;
    ASSERT(c->id == CMD_ID_COMMAND || c->container == CMD_ID_COMMAND);
    ASSERT(cmd_arity_ok(c, argc));
    if (c->id == CMD_ID_COMMAND) {
        reply_all_info(w, level);
    } else if (c->id == CMD_ID_COMMAND_COUNT) {
        resp_integer(w, (int64_t)public_count(CMD_ID_COMMANDS, level));
    } else if (c->id == CMD_ID_COMMAND_INFO) {
        reply_info(w, args, count, level);
    } else if (c->id == CMD_ID_COMMAND_DOCS) {
        reply_docs(w, args, count, level);
    } else if (c->id == CMD_ID_COMMAND_LIST) {
        reply_list(w, args, count, level);
    } else if (c->id == CMD_ID_COMMAND_GETKEYS || flags) {
        const struct cmd *inner = inner_command(&args, &count, level);
        reply_getkeys(w, inner, args, count, flags);
    } else {
        cmd_reply_help(w, cmd_by_id(c->container), level);
    }
}
