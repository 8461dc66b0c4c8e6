/*
 * COMMAND and its subcommands, in the reply shapes of redis-server 7.0:
 * cluster clients and redis-cli read them.
 *
 * How it works: the table of what clients may see is the command table
 * without its internal rows, followed by subcommands.def. A reply whose
 * length is not known beforehand is walked twice: once to count, once to
 * write.
 */
#include "base/glob.h"
#include "cmd/cmd_describe.h"

#include <string.h>

static const struct cmd subs[] = {
#define SUB(n, ar, fl, gr, si, su, ca, ti, sy)                                 \
    {.name = n,                                                                \
     .arity = ar,                                                              \
     .flags = (fl) | CMD_SERVER,                                               \
     .server_id = SERVER_CMD_NONE,                                             \
     .group = gr,                                                              \
     .since = si,                                                              \
     .summary = su,                                                            \
     .complexity = "O(N) where N is the size of the reply",                    \
     .categories = ca,                                                         \
     .key_flags = "",                                                          \
     .tips = ti,                                                               \
     .syntax = sy},
#include "cmd/subcommands.def"
#undef SUB
};

/* --- what is described -------------------------------------------------- */

static size_t public_count(void)
{
    size_t n = 0;
    for (size_t i = 0; i < cmd_count(); i++)
        n += (cmd_at(i)->flags & CMD_INTERNAL) == 0;
    return n;
}

size_t described_count(void)
{
    return public_count() + ARRAY_LEN(subs);
}

const struct cmd *described_at(size_t i)
{
    for (size_t at = 0; at < cmd_count(); at++) {
        if ((cmd_at(at)->flags & CMD_INTERNAL) != 0)
            continue;
        if (i == 0)
            return cmd_at(at);
        i--;
    }
    ASSERT(i < ARRAY_LEN(subs));
    return &subs[i];
}

bool is_subcommand(const struct cmd *c)
{
    return strchr(c->name, '|') != NULL;
}

bool is_subcommand_of(const struct cmd *c, const struct cmd *parent)
{
    size_t len = strlen(parent->name);
    return strncmp(c->name, parent->name, len) == 0 && c->name[len] == '|';
}

size_t subcommand_count(const struct cmd *parent)
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(subs); i++)
        n += is_subcommand_of(&subs[i], parent);
    return n;
}

/* A command or "parent|sub" by name, as clients see them; or NULL. */
static const struct cmd *find(struct bytes name)
{
    const struct cmd *c = cmd_lookup(name);
    if (c != NULL)
        return (c->flags & CMD_INTERNAL) == 0 ? c : NULL;
    for (size_t i = 0; i < ARRAY_LEN(subs); i++) {
        if (bytes_eq_nocase(name, bytes_str(subs[i].name)))
            return &subs[i];
    }
    return NULL;
}

/* --- words -------------------------------------------------------------- */

bool word_next(struct bytes *rest, struct bytes *word)
{
    if (rest->len == 0)
        return false;
    const uint8_t *space = memchr(rest->data, ' ', rest->len);
    size_t n = space == NULL ? rest->len : (size_t)(space - rest->data);
    *word = bytes_of(rest->data, n);
    *rest = bytes_from(*rest, MIN(n + 1, rest->len));
    ASSERT(n > 0);
    return true;
}

size_t word_count(const char *words)
{
    struct bytes rest = bytes_str(words);
    struct bytes word;
    size_t n = 0;
    while (word_next(&rest, &word))
        n++;
    return n;
}

/* A set of words, as statuses or as bulk strings. */
static void write_words(struct resp_writer *w, const char *words, bool bulk)
{
    struct bytes rest = bytes_str(words);
    struct bytes word;
    resp_set(w, word_count(words));
    while (word_next(&rest, &word)) {
        if (bulk) {
            resp_bulk(w, word);
            continue;
        }
        resp_raw(w, BYTES_LIT("+"));
        resp_raw(w, word);
        resp_raw(w, BYTES_LIT("\r\n"));
    }
}

/* --- COMMAND INFO ------------------------------------------------------- */

static const struct {
    uint32_t flag;
    const char *name;
} flag_names[] = {
    {CMD_WRITE, "write"},       {CMD_READ, "readonly"},
    {CMD_DENYOOM, "denyoom"},   {CMD_ADMIN, "admin"},
    {CMD_NOSCRIPT, "noscript"}, {CMD_LOADING, "loading"},
    {CMD_STALE, "stale"},       {CMD_SKIP_MONITOR, "skip_monitor"},
    {CMD_FAST, "fast"},         {CMD_NO_AUTH, "no_auth"},
    {CMD_NO_MULTI, "no_multi"}, {CMD_ALLOW_BUSY, "allow_busy"},
};

static void write_flags(struct resp_writer *w, uint32_t flags)
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(flag_names); i++)
        n += (flags & flag_names[i].flag) != 0;
    resp_set(w, n);
    for (size_t i = 0; i < ARRAY_LEN(flag_names); i++) {
        if ((flags & flag_names[i].flag) != 0)
            resp_status(w, flag_names[i].name);
    }
}

static void write_field(struct resp_writer *w, const char *name, int64_t v)
{
    resp_bulk_str(w, name);
    resp_integer(w, v);
}

/* Where the keys are: one range, counted from its own first key. */
static void write_key_specs(struct resp_writer *w, const struct cmd *c)
{
    resp_set(w, c->first_key > 0 ? 1 : 0);
    if (c->first_key == 0)
        return;
    int last = c->last_key < 0 ? c->last_key : c->last_key - c->first_key;
    resp_map(w, 3);
    resp_bulk_str(w, "flags");
    write_words(w, c->key_flags, false);
    resp_bulk_str(w, "begin_search");
    resp_map(w, 2);
    resp_bulk_str(w, "type");
    resp_bulk_str(w, "index");
    resp_bulk_str(w, "spec");
    resp_map(w, 1);
    write_field(w, "index", c->first_key);
    resp_bulk_str(w, "find_keys");
    resp_map(w, 2);
    resp_bulk_str(w, "type");
    resp_bulk_str(w, "range");
    resp_bulk_str(w, "spec");
    resp_map(w, 3);
    write_field(w, "lastkey", last);
    write_field(w, "keystep", c->key_step);
    write_field(w, "limit", 0);
}

/* All of the ten fields but the subcommands. */
static void info_head(struct resp_writer *w, const struct cmd *c)
{
    resp_array(w, 10);
    resp_bulk_str(w, c->name);
    resp_integer(w, c->arity);
    write_flags(w, c->flags);
    resp_integer(w, c->first_key);
    resp_integer(w, c->last_key);
    resp_integer(w, c->key_step);
    write_words(w, c->categories, false);
    write_words(w, c->tips, true);
    write_key_specs(w, c);
}

static void info_write(struct resp_writer *w, const struct cmd *c)
{
    size_t count = subcommand_count(c);
    info_head(w, c);
    if (count == 0) { /* so it is in Redis: a set if empty */
        resp_set(w, 0);
        return;
    }
    resp_array(w, count);
    for (size_t i = 0; i < ARRAY_LEN(subs); i++) {
        if (is_subcommand_of(&subs[i], c)) {
            info_head(w, &subs[i]);
            resp_set(w, 0);
        }
    }
}

static void reply_info(struct resp_writer *w, const struct bytes *names,
                       uint32_t count)
{
    size_t all = public_count();
    resp_array(w, count == 0 ? all : count);
    for (size_t i = 0; count == 0 && i < all; i++)
        info_write(w, described_at(i));
    for (uint32_t i = 0; i < count; i++) {
        const struct cmd *c = find(names[i]);
        if (c == NULL)
            resp_null(w);
        else
            info_write(w, c);
    }
}

static void reply_docs(struct resp_writer *w, const struct bytes *names,
                       uint32_t count)
{
    size_t all = public_count();
    size_t known = 0;
    for (uint32_t i = 0; i < count; i++)
        known += find(names[i]) != NULL;
    resp_map(w, count == 0 ? all : known);
    for (size_t i = 0; count == 0 && i < all; i++)
        docs_write(w, described_at(i));
    for (uint32_t i = 0; i < count; i++) {
        if (find(names[i]) != NULL)
            docs_write(w, find(names[i]));
    }
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

static bool in_category(const struct cmd *c, struct bytes category)
{
    struct bytes rest = bytes_str(c->categories);
    struct bytes word;
    while (word_next(&rest, &word)) {
        if (bytes_eq_nocase(bytes_from(word, 1), category))
            return true;
    }
    return false;
}

static bool listed(const struct cmd *c, enum list_filter filter,
                   struct bytes arg)
{
    switch (filter) {
    case LIST_ALL:
        return true;
    case LIST_ACLCAT:
        return in_category(c, arg);
    case LIST_PATTERN:
        return glob_match(arg, bytes_str(c->name), true);
    case LIST_MODULE: /* there are none */
    case LIST_BAD:
        break;
    }
    return false;
}

static void reply_list(struct resp_writer *w, const struct bytes *args,
                       uint32_t count)
{
    enum list_filter filter = list_filter(args, count);
    struct bytes arg = count == 3 ? args[2] : BYTES_NONE;
    if (filter == LIST_BAD) {
        resp_error(w, "ERR syntax error");
        return;
    }
    if (filter == LIST_PATTERN && arg.len > PATTERN_LEN_MAX) {
        resp_errorf(w, "ERR a pattern is too long: at most %d bytes are taken",
                    PATTERN_LEN_MAX);
        return;
    }
    size_t n = 0;
    for (size_t i = 0; i < described_count(); i++)
        n += listed(described_at(i), filter, arg);
    resp_array(w, n);
    for (size_t i = 0; i < described_count(); i++) {
        if (listed(described_at(i), filter, arg))
            resp_bulk_str(w, described_at(i)->name);
    }
}

/* --- COMMAND GETKEYS ---------------------------------------------------- */

/* argv of a command inside ONCE stands behind two ids. */
static const struct cmd *inner_command(const struct bytes **argv,
                                       uint32_t *argc)
{
    ASSERT(*argc >= 1);
    const struct cmd *c = find((*argv)[0]);
    if (c != NULL && c->server_id == SERVER_CMD_ONCE && *argc >= 4) {
        *argv += 3;
        *argc -= 3;
        c = find((*argv)[0]);
    }
    return c;
}

/* What is done to the keys of this very command: without GET, SET looks at
 * no old value. */
static const char *key_flags_of(const struct cmd *c, const struct bytes *argv,
                                uint32_t argc)
{
    if (strstr(c->key_flags, " variable_flags") == NULL)
        return c->key_flags;
    ASSERT(strcmp(c->name, "set") == 0);
    for (uint32_t i = 3; i < argc; i++) {
        if (bytes_eq_nocase(argv[i], BYTES_LIT("get")))
            return "RW access update";
        if (bytes_eq_nocase(argv[i], BYTES_LIT("ifeq")))
            return "RW access update";
    }
    return "OW update";
}

static void reply_getkeys(struct resp_writer *w, const struct bytes *argv,
                          uint32_t argc, bool with_flags)
{
    const struct cmd *c = inner_command(&argv, &argc);
    if (c == NULL || is_subcommand(c)) {
        resp_error(w, "ERR Invalid command specified");
        return;
    }
    if (c->first_key == 0) {
        resp_error(w, "ERR The command has no key arguments");
        return;
    }
    if (!cmd_arity_ok(c, argc)) {
        resp_error(w, "ERR Invalid number of arguments specified for command");
        return;
    }
    uint32_t first = (uint32_t)c->first_key;
    uint32_t step = (uint32_t)c->key_step;
    uint32_t last =
        c->last_key < 0 ? argc - (uint32_t)-c->last_key : (uint32_t)c->last_key;
    const char *flags = key_flags_of(c, argv, argc);
    ASSERT(step > 0 && first <= last && last < argc);
    resp_array(w, (last - first) / step + 1);
    for (uint32_t i = first; i <= last; i += step) {
        if (with_flags)
            resp_array(w, 2);
        resp_bulk(w, argv[i]);
        if (with_flags)
            write_words(w, flags, false);
    }
}

/* --- COMMAND ------------------------------------------------------------ */

static void reply_help(struct resp_writer *w)
{
    static const char *const lines[] = {
        "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "(no subcommand)",
        "    Describe all commands.",
        "COUNT",
        "    Count the commands.",
        "LIST [FILTERBY <MODULE name|ACLCAT category|PATTERN pattern>]",
        "    List the names of commands.",
        "INFO [<command-name> ...]",
        "    Describe the commands named, or all.",
        "DOCS [<command-name> ...]",
        "    Document the commands named, or all.",
        "GETKEYS <full-command>",
        "    Pick the keys out of a full command.",
        "GETKEYSANDFLAGS <full-command>",
        "    The same, with what is done to the keys.",
        "HELP",
        "    Print this help.",
    };
    resp_array(w, ARRAY_LEN(lines));
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        resp_status(w, lines[i]);
}

static const struct cmd *find_own(struct bytes word)
{
    const struct cmd *parent = cmd_lookup(BYTES_LIT("command"));
    ASSERT(parent != NULL);
    size_t skip = strlen(parent->name) + 1;
    for (size_t i = 0; i < ARRAY_LEN(subs); i++) {
        if (is_subcommand_of(&subs[i], parent) &&
            bytes_eq_nocase(word, bytes_str(subs[i].name + skip)))
            return &subs[i];
    }
    return NULL;
}

/* What INFO and DOCS say of one command takes long, a million times. */
#define NAMES_MAX 1024

static void run_own(struct resp_writer *w, const char *name,
                    const struct bytes *args, uint32_t count)
{
    bool names = strcmp(name, "info") == 0 || strcmp(name, "docs") == 0;
    if (names && count > NAMES_MAX)
        resp_errorf(w, "ERR too many commands: at most %d are taken",
                    NAMES_MAX);
    else if (strcmp(name, "count") == 0)
        resp_integer(w, (int64_t)public_count());
    else if (strcmp(name, "info") == 0)
        reply_info(w, args, count);
    else if (strcmp(name, "docs") == 0)
        reply_docs(w, args, count);
    else if (strcmp(name, "list") == 0)
        reply_list(w, args, count);
    else if (strcmp(name, "getkeys") == 0)
        reply_getkeys(w, args, count, false);
    else if (strcmp(name, "getkeysandflags") == 0)
        reply_getkeys(w, args, count, true);
    else
        reply_help(w);
}

void cmd_reply_command(struct resp_writer *w, const struct bytes *argv,
                       uint32_t argc)
{
    ASSERT(argc >= 1 && argv != NULL);
    if (argc == 1) {
        reply_info(w, NULL, 0);
        return;
    }
    const struct cmd *own = find_own(argv[1]);
    if (own == NULL) {
        resp_errorf(w, "ERR unknown subcommand '%.*s'. Try COMMAND HELP.",
                    (int)MIN(argv[1].len, 128),
                    argv[1].len > 0 ? (const char *)argv[1].data : "");
        return;
    }
    if (!cmd_arity_ok(own, argc)) {
        cmd_reply_arity(w, own);
        return;
    }
    run_own(w, strchr(own->name, '|') + 1, argv + 2, argc - 2);
}
