/*
 * COMMAND DOCS: summary, version, group, complexity, arguments.
 *
 * The arguments are made from the `syntax` column of the table. An item is a
 * word ("key"), a token ("GET"), a token with its word ("EX seconds"), or a
 * group in brackets: alternatives if it has a bar, else the items together.
 * Groups nest no deeper than the table is written, so recursion is bounded.
 *
 * How it fails: it does not; test_info walks the documentation of every row.
 */
#include "cmd/cmd_docs.h"

#include <string.h>

enum item_kind { ITEM_WORD, ITEM_TOKEN, ITEM_ONEOF, ITEM_BLOCK };

struct item {
    enum item_kind kind;
    bool optional;
    bool multiple;
    struct bytes token;
    struct bytes name;  /* of ITEM_WORD */
    struct bytes inner; /* of a group */
};

static bool is_upper(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

/* The length up to the first of the stop bytes, or all of it. */
static size_t span(struct bytes b, const char *stops)
{
    size_t n = 0;
    while (n < b.len && strchr(stops, b.data[n]) == NULL)
        n++;
    ASSERT(n <= b.len);
    return n;
}

static bool take_dots(struct bytes *rest)
{
    bool dots = rest->len >= 3 && memcmp(rest->data, "...", 3) == 0;
    if (dots)
        *rest = bytes_from(*rest, 3);
    return dots;
}

/* The size of the group that begins at b, with its brackets. */
static size_t group_size(struct bytes b)
{
    size_t depth = 0;
    for (size_t i = 0; i < b.len; i++) {
        if (b.data[i] == '[' || b.data[i] == '(')
            depth++;
        else if (b.data[i] == ']' || b.data[i] == ')')
            depth--;
        if (depth == 0)
            return i + 1;
    }
    ASSERT(depth == 0); /* or the brackets of the table do not match */
    return b.len;
}

static bool has_bar(struct bytes inner)
{
    size_t depth = 0;
    for (size_t i = 0; i < inner.len; i++) {
        uint8_t c = inner.data[i];
        if (c == '[' || c == '(')
            depth++;
        else if (c == ']' || c == ')')
            depth--;
        else if (c == '|' && depth == 0)
            return true;
    }
    ASSERT(depth == 0);
    return false;
}

static void word_item(struct bytes *rest, struct item *out)
{
    size_t n = span(*rest, " |.");
    struct bytes word = bytes_of(rest->data, n);
    ASSERT(n > 0);
    *rest = bytes_from(*rest, n);
    *out = (struct item){.kind = ITEM_WORD, .name = word};
    if (is_upper(word.data[0])) {
        out->kind = ITEM_TOKEN;
        out->token = word;
        bool valued = rest->len > 1 && rest->data[0] == ' ' &&
                      rest->data[1] >= 'a' && rest->data[1] <= 'z';
        if (valued) {
            *rest = bytes_from(*rest, 1);
            n = span(*rest, " |.");
            ASSERT(n > 0);
            out->kind = ITEM_WORD;
            out->name = bytes_of(rest->data, n);
            *rest = bytes_from(*rest, n);
        }
    }
    out->multiple = take_dots(rest);
}

static bool next_item(struct bytes *rest, struct item *out);

static void group_item(struct bytes *rest, struct item *out)
{
    size_t size = group_size(*rest);
    bool optional = rest->data[0] == '[';
    struct bytes inner = bytes_of(rest->data + 1, size - 2);
    struct bytes left = inner;
    struct item second;
    ASSERT(size > 2);
    *rest = bytes_from(*rest, size);
    bool multiple = take_dots(rest);
    bool any = next_item(&left, out);
    ASSERT(any);
    if (has_bar(inner))
        *out = (struct item){.kind = ITEM_ONEOF, .inner = inner};
    else if (next_item(&left, &second))
        *out = (struct item){.kind = ITEM_BLOCK, .inner = inner};
    out->optional = out->optional || optional;
    out->multiple = out->multiple || multiple;
}

/* Reads one item off the front; false at the end. */
static bool next_item(struct bytes *rest, struct item *out)
{
    while (rest->len > 0 && (rest->data[0] == ' ' || rest->data[0] == '|'))
        *rest = bytes_from(*rest, 1);
    if (rest->len == 0)
        return false;
    ASSERT(strchr("])", rest->data[0]) == NULL);
    if (rest->data[0] == '[' || rest->data[0] == '(')
        group_item(rest, out);
    else
        word_item(rest, out);
    return true;
}

static const char *type_of(const struct item *it)
{
    static const char *const integers[] = {
        "seconds", "milliseconds", "increment", "decrement", "offset",
        "start",   "end",          "index",     "protover",  "request-id",
    };
    ASSERT(it->kind == ITEM_TOKEN || it->token.len == 0 || it->name.len > 0);
    if (it->kind == ITEM_TOKEN)
        return "pure-token";
    if (it->kind == ITEM_ONEOF)
        return "oneof";
    if (it->kind == ITEM_BLOCK)
        return "block";
    if (bytes_eq(it->name, BYTES_LIT("key")))
        return "key";
    if (it->name.len > 9 && memcmp(it->name.data, "unix-time", 9) == 0)
        return "unix-time";
    for (size_t i = 0; i < ARRAY_LEN(integers); i++) {
        if (bytes_eq(it->name, bytes_str(integers[i])))
            return "integer";
    }
    return "string";
}

static void write_name(struct resp_writer *w, const struct item *it)
{
    char lower[32];
    resp_bulk_str(w, "name");
    if (it->kind == ITEM_ONEOF) {
        resp_bulk_str(w, "option");
    } else if (it->kind == ITEM_BLOCK) {
        resp_bulk_str(w, "group");
    } else {
        ASSERT(it->name.len <= sizeof(lower));
        for (size_t i = 0; i < it->name.len; i++) {
            uint8_t c = it->name.data[i];
            lower[i] = (char)(is_upper(c) ? c + ('a' - 'A') : c);
        }
        resp_bulk(w, bytes_of(lower, it->name.len));
    }
}

static void write_flags(struct resp_writer *w, const struct item *it)
{
    resp_bulk_str(w, "flags");
    ASSERT(it->optional || it->multiple);
    resp_set(w, (size_t)it->optional + it->multiple);
    if (it->optional)
        resp_status(w, "optional");
    if (it->multiple)
        resp_status(w, "multiple");
}

static void write_items(struct resp_writer *w, struct bytes syntax);

static void write_item(struct resp_writer *w, const struct item *it)
{
    const char *type = type_of(it);
    bool key = strcmp(type, "key") == 0;
    bool flags = it->optional || it->multiple;
    bool group = it->kind == ITEM_ONEOF || it->kind == ITEM_BLOCK;
    ASSERT(group == (it->inner.len > 0));
    resp_map(w, 2 + (size_t)key + (it->token.len > 0) + flags + group);
    write_name(w, it);
    resp_bulk_str(w, "type");
    resp_bulk_str(w, type);
    if (key) {
        resp_bulk_str(w, "key_spec_index");
        resp_integer(w, 0);
    }
    if (it->token.len > 0) {
        resp_bulk_str(w, "token");
        resp_bulk(w, it->token);
    }
    if (flags)
        write_flags(w, it);
    if (group) {
        resp_bulk_str(w, "arguments");
        write_items(w, it->inner);
    }
}

static void write_items(struct resp_writer *w, struct bytes syntax)
{
    struct item it;
    size_t count = 0;
    struct bytes rest = syntax;
    while (next_item(&rest, &it))
        count++;
    resp_array(w, count);
    rest = syntax;
    for (; next_item(&rest, &it); count--)
        write_item(w, &it);
    ASSERT(count == 0);
}

static void write_pair(struct resp_writer *w, const char *name,
                       const char *text)
{
    ASSERT(text[0] != '\0');
    resp_bulk_str(w, name);
    resp_bulk_str(w, text);
}

static void docs_one(struct resp_writer *w, const struct cmd *c, bool subs)
{
    bool arguments = c->syntax != NULL;
    ASSERT(!arguments || c->syntax[0] != '\0');
    resp_bulk_str(w, c->name);
    resp_map(w, 4 + (size_t)arguments + subs);
    write_pair(w, "summary", c->summary);
    write_pair(w, "since", c->since);
    write_pair(w, "group", c->family);
    write_pair(w, "complexity", c->complexity);
    if (arguments) {
        resp_bulk_str(w, "arguments");
        write_items(w, bytes_str(c->syntax));
    }
}

/* A row of this container, at this level. */
static bool is_of(const struct cmd *c, const struct cmd *container,
                  uint16_t level)
{
    ASSERT(level >= LEVEL_MIN);
    return c->container == container->id && cmd_level(c) <= level;
}

void docs_write(struct resp_writer *w, const struct cmd *c, uint16_t level)
{
    size_t subs = 0;
    for (int id = CMD_ID_COMMANDS; id < CMD_ID_COUNT; id++)
        subs += is_of(cmd_by_id(id), c, level);
    ASSERT((subs > 0) == ((c->flags & CMD_CONTAINER) != 0));
    docs_one(w, c, subs > 0);
    if (subs == 0)
        return;
    resp_bulk_str(w, "subcommands");
    resp_map(w, subs);
    for (int id = CMD_ID_COMMANDS; id < CMD_ID_COUNT; id++) {
        if (is_of(cmd_by_id(id), c, level))
            docs_one(w, cmd_by_id(id), false);
    }
}
