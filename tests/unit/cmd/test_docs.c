/*
 * COMMAND DOCS: the arguments of every command, read back, are its syntax in
 * the table; and what is a number is told to be one.
 */
// link: store data resp table base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/cmd/cmd_fixture.h"

#include <stdio.h>
#include <stdlib.h>

/* The number behind the type of the next element, which must be `type`. */
static size_t number(const char **at, char type)
{
    char *end;
    assert_int_equal(**at, type);
    long n = strtol(*at + 1, &end, 10);
    assert_true(n >= 0);
    *at = end + 2;
    return (size_t)n;
}

static struct bytes text(const char **at)
{
    if (**at == '+') {
        struct bytes b = bytes_of(*at + 1, strcspn(*at + 1, "\r"));
        *at += 1 + b.len + 2;
        return b;
    }
    struct bytes b = {.len = number(at, '$')};
    b.data = (const uint8_t *)*at;
    *at += b.len + 2;
    return b;
}

/* One argument as it was told. */
struct argument {
    struct bytes name, type, token;
    bool optional, multiple;
    const char *inner; /* the array of a group; NULL: it is none */
};

static void skip_element(const char **at)
{
    if (**at == ':') {
        (void)number(at, ':');
    } else if (**at == '*') {
        for (size_t n = number(at, '*'); n > 0; n--)
            skip_element(at);
    } else {
        (void)text(at);
    }
}

static void read_flags(const char **at, struct argument *out)
{
    for (size_t n = number(at, '*'); n > 0; n--) {
        struct bytes flag = text(at);
        bool optional = bytes_eq(flag, BYTES_LIT("optional"));
        assert_true(optional || bytes_eq(flag, BYTES_LIT("multiple")));
        out->optional |= optional;
        out->multiple |= !optional;
    }
    assert_true(out->optional || out->multiple);
}

static struct argument read_argument(const char **at)
{
    struct argument a = {0};
    size_t n = number(at, '*');
    assert_int_equal(n % 2, 0);
    for (; n > 0; n -= 2) {
        struct bytes field = text(at);
        if (bytes_eq(field, BYTES_LIT("name"))) {
            a.name = text(at);
        } else if (bytes_eq(field, BYTES_LIT("type"))) {
            a.type = text(at);
        } else if (bytes_eq(field, BYTES_LIT("token"))) {
            a.token = text(at);
        } else if (bytes_eq(field, BYTES_LIT("flags"))) {
            read_flags(at, &a);
        } else if (bytes_eq(field, BYTES_LIT("arguments"))) {
            a.inner = *at;
            skip_element(at);
        } else {
            assert_true(bytes_eq(field, BYTES_LIT("key_spec_index")));
            assert_true(bytes_eq(a.type, BYTES_LIT("key")));
            assert_int_equal(number(at, ':'), 0);
        }
    }
    assert_true(a.name.len > 0 && a.type.len > 0);
    return a;
}

/* What each word stands for, if it is not a text. */
static const char *type_of_word(struct bytes word)
{
    static const char *const integers[] = {
        "seconds", "milliseconds", "increment", "decrement",  "offset",
        "start",   "end",          "protover",  "request-id", "index",
    };
    for (size_t i = 0; i < ARRAY_LEN(integers); i++)
        if (bytes_eq(word, bytes_str(integers[i])))
            return "integer";
    if (bytes_eq(word, BYTES_LIT("key")))
        return "key";
    if (bytes_eq(word, BYTES_LIT("unix-time-seconds")) ||
        bytes_eq(word, BYTES_LIT("unix-time-milliseconds")))
        return "unix-time";
    return "string";
}

static void write_array(const char **at, const char *between, struct buf *out);

/* Without what says that it is optional. */
static void write_body(const struct argument *a, struct buf *out)
{
    bool oneof = bytes_eq(a->type, BYTES_LIT("oneof"));
    if (a->inner != NULL) {
        const char *at = a->inner;
        assert_true(oneof || bytes_eq(a->type, BYTES_LIT("block")));
        assert_int_equal(a->token.len, 0);
        write_array(&at, oneof ? "|" : " ", out);
    } else if (bytes_eq(a->type, BYTES_LIT("pure-token"))) {
        assert_true(bytes_eq_nocase(a->name, a->token));
        buf_bytes(out, a->token);
    } else {
        if (!bytes_eq(a->type, bytes_str(type_of_word(a->name))))
            fail_msg("%.*s is no %.*s", (int)a->name.len,
                     (const char *)a->name.data, (int)a->type.len,
                     (const char *)a->type.data);
        buf_bytes(out, a->token);
        buf_str(out, a->token.len > 0 ? " " : "");
        buf_bytes(out, a->name);
    }
}

static void write_argument(const struct argument *a, struct buf *out)
{
    bool group = a->optional || a->inner != NULL;
    /* A single word has its dots with it. */
    bool within = a->multiple && a->inner == NULL && a->token.len == 0;
    if (group)
        buf_char(out, a->optional ? '[' : '(');
    write_body(a, out);
    buf_str(out, within ? "..." : "");
    if (group)
        buf_char(out, a->optional ? ']' : ')');
    buf_str(out, a->multiple && !within ? "..." : "");
}

static void write_array(const char **at, const char *between, struct buf *out)
{
    size_t n = number(at, '*');
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        struct argument a = read_argument(at);
        buf_str(out, i > 0 ? between : "");
        write_argument(&a, out);
    }
}

static void check(struct fixture *f, const struct cmd *c)
{
    char line[128];
    struct buf syntax = BUF_INIT;
    snprintf(line, sizeof(line), "COMMAND DOCS %s", c->name);
    const char *at = fixture_run(f, line);
    assert_int_equal(number(&at, '*'), 2);
    assert_true(bytes_eq(text(&at), bytes_str(c->name)));
    bool told = false;
    for (size_t n = number(&at, '*'); n > 0; n -= 2) {
        struct bytes field = text(&at);
        if (bytes_eq(field, BYTES_LIT("arguments"))) {
            write_array(&at, " ", &syntax);
            told = true;
        } else {
            skip_element(&at);
        }
    }
    assert_int_equal(*at, '\0');
    assert_true(told == (c->syntax != NULL));
    buf_char(&syntax, '\0');
    if (told)
        assert_string_equal((const char *)syntax.data, c->syntax);
    buf_release(&syntax);
}

static void arguments_are_the_syntax(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    for (int id = 0; id < CMD_ID_COUNT; id++) {
        const struct cmd *c = cmd_by_id(id);
        if ((c->flags & CMD_INTERNAL) == 0)
            check(&f, c);
    }
    fixture_release(&f);
}

/* Without names: each command that clients may use, once. */
static void all_commands_are_told(void **state)
{
    struct fixture f;
    size_t count = 0;
    UNUSED(state);
    fixture_init(&f);
    for (size_t i = 0; i < cmd_count(); i++)
        count += (cmd_at(i)->flags & CMD_INTERNAL) == 0;
    const char *at = fixture_run(&f, "COMMAND DOCS");
    assert_int_equal(number(&at, '*'), 2 * count);
    for (size_t i = 0; i < cmd_count(); i++) {
        if (cmd_at(i)->flags & CMD_INTERNAL)
            continue;
        struct bytes name = text(&at);
        if (!bytes_eq(name, bytes_str(cmd_at(i)->name)))
            fail_msg("%.*s is told, not %s", (int)name.len,
                     (const char *)name.data, cmd_at(i)->name);
        skip_element(&at);
    }
    assert_int_equal(*at, '\0');
    fixture_release(&f);
}

/* Of a container: its subcommands, each once; nobody else has any. */
static void check_subcommands(struct fixture *f, const struct cmd *c)
{
    size_t subs = 0, told = 0;
    int next = 0;
    char request[64];
    for (int id = 0; id < CMD_ID_COUNT; id++)
        subs += cmd_by_id(id)->container == c->id;
    snprintf(request, sizeof(request), "COMMAND DOCS %s", c->name);
    const char *at = fixture_run(f, request);
    assert_int_equal(number(&at, '*'), 2);
    (void)text(&at);
    for (size_t n = number(&at, '*') / 2; n > 0; n--) {
        if (!bytes_eq(text(&at), BYTES_LIT("subcommands"))) {
            skip_element(&at);
            continue;
        }
        for (told = number(&at, '*') / 2; next < CMD_ID_COUNT; next++) {
            const struct cmd *sub = cmd_by_id(next);
            if (sub->container != c->id)
                continue;
            assert_true(bytes_eq(text(&at), bytes_str(sub->name)));
            skip_element(&at);
        }
    }
    assert_int_equal(*at, '\0');
    assert_int_equal(told, subs);
}

static void subcommands_are_told(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    for (size_t i = 0; i < cmd_count(); i++) {
        if ((cmd_at(i)->flags & CMD_INTERNAL) == 0)
            check_subcommands(&f, cmd_at(i));
    }
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_the_syntax),
        cmocka_unit_test(all_commands_are_told),
        cmocka_unit_test(subcommands_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
