/* CONFIG GET and SET; vard.conf says what the table says. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "config/config_table.h"
#include "fixture.h"

#include <stdio.h>

struct seen {
    struct buf text; /* "name=value\n" ... */
};

static void collect(void *ctx, struct bytes name, struct bytes value)
{
    struct seen *s = ctx;
    buf_bytes(&s->text, name);
    buf_char(&s->text, '=');
    buf_bytes(&s->text, value);
    buf_char(&s->text, '\n');
}

static void assert_get(const struct config *c, const char *pattern,
                       const char *expected)
{
    struct seen s = {BUF_INIT};
    struct bytes p = bytes_str(pattern);
    config_get(c, &p, 1, collect, &s);
    buf_char(&s.text, '\0');
    assert_string_equal((char *)s.text.data, expected);
    buf_release(&s.text);
}

static int set(struct config *c, struct buf *error, size_t count,
               const char *const *args)
{
    struct bytes views[8];
    assert_true(count <= ARRAY_LEN(views));
    for (size_t i = 0; i < count; i++)
        views[i] = bytes_str(args[i]);
    buf_reset(error);
    int rc = config_set(c, views, count, error);
    buf_char(error, '\0');
    return rc;
}

#define SET(c, e, ...)                                                         \
    set(c, e, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),          \
        (const char *[]){__VA_ARGS__})

static void get(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    fixture_file(&f, "main.conf",
                 "requirepass pw\npeer-secret hush\nunixsocketperm 770\n"
                 "node 1 a:1 a:2\nnode 2 b:1 Priority 0\n");
    assert_int_equal(fixture_load(&f, "main.conf", NULL), CONFIG_RUN);
    const struct config *c = &f.config;
    assert_get(c, "port", "port=6379\n");
    assert_get(c, "PORT", "port=6379\n");
    assert_get(c, "nothing", "");
    struct config plain;
    config_init(&plain);
    assert_get(&plain, "*secret", "peer-secret=\n");
    assert_get(&plain, "requirepass", "requirepass=\n");
    config_release(&plain);
    assert_get(c, "bind", "bind=127.0.0.1 -::1\n");
    assert_get(c, "maxmemory*",
               "maxmemory-clients=2147483648\n"
               "maxmemory=0\nmaxmemory-policy=noeviction\n");
    assert_get(c, "append*", "appendonly=yes\nappendfsync=always\n");
    assert_get(c, "save", "save=\n");
    assert_get(c, "unixsocketperm", "unixsocketperm=770\n");
    assert_get(c, "proto-max-bulk-len", "proto-max-bulk-len=67108864\n");
    assert_get(c, "client-query-buffer-limit",
               "client-query-buffer-limit=134217728\n");
    assert_get(c, "enable-debug-command", "enable-debug-command=no\n");
    assert_get(c, "loglevel", "loglevel=notice\n");
    assert_get(c, "daemonize", "daemonize=no\n");
    assert_get(c, "requirepass", "requirepass=pw\n");
    assert_get(c, "peer-secret", "peer-secret=********\n");
    assert_get(c, "node", "node=1 a:1 a:2, 2 b:1 priority 0\n");
    assert_get(c, "client-output-buffer-limit",
               "client-output-buffer-limit=normal 1073741824 268435456 60 "
               "slave 268435456 67108864 60 pubsub 33554432 8388608 60\n");

    /* Several patterns name an option once. */
    const struct bytes patterns[] = {BYTES_LIT("port"), BYTES_LIT("p?rt"),
                                     BYTES_LIT("hz")};
    assert_int_equal(config_get(c, patterns, 3, NULL, NULL), 2);
    size_t all = config_get(c, &BYTES_LIT("*"), 1, NULL, NULL);
    assert_null(option_at(all));
    assert_non_null(option_at(all - 1));
    fixture_release(&f);
}

static void set_pairs(void **state)
{
    UNUSED(state);
    struct config c;
    struct buf e = BUF_INIT;
    config_init(&c);
    assert_int_equal(
        SET(&c, &e, "timeout", "7", "LOGLEVEL", "debug", "requirepass", "new"),
        0);
    assert_int_equal(c.timeout_s, 7);
    assert_int_equal(c.loglevel, 0);
    assert_string_equal(c.requirepass, "new");
    assert_int_equal(SET(&c, &e, "client-output-buffer-limit", "normal 0 0 0"),
                     0);
    assert_int_equal(c.client_output_buffer_limit[0].hard_bytes, 0);
    assert_int_equal(c.client_output_buffer_limit[2].soft_seconds, 60);
    assert_int_equal(
        SET(&c, &e, "client-output-buffer-limit", "normal 1 2 2147483647"), 0);
    assert_int_equal(c.client_output_buffer_limit[0].soft_seconds, INT32_MAX);
    assert_int_equal(SET(&c, &e, "appendonly", "yes", "save", ""), 0);
    assert_int_equal(SET(&c, &e, "requirepass", ""), 0);
    assert_string_equal(c.requirepass, "");
    config_release(&c);
    buf_release(&e);
}

#define FAILED(name)                                                           \
    "CONFIG SET failed (possibly related to argument '" name "') - "

/* As much of a name is quoted as one may have, and more pairs than there are
 * options are not looked at. */
static void set_has_bounds(void **state)
{
    struct config c;
    struct buf e = BUF_INIT;
    struct bytes pairs[130];
    char name[140];
    UNUSED(state);
    config_init(&c);
    for (size_t len = 127; len <= 129; len++) {
        char expected[300];
        memset(name, 'n', len);
        name[len] = '\0';
        assert_int_equal(SET(&c, &e, name, "1"), ERR_INVALID);
        snprintf(expected, sizeof(expected),
                 "Unknown option or number of arguments for CONFIG SET - "
                 "'%.128s'",
                 name);
        assert_string_equal((char *)e.data, expected);
    }
    assert_int_equal(SET(&c, &e, "", "1"), ERR_INVALID);
    assert_string_equal((char *)e.data, "Unknown option or number of arguments "
                                        "for CONFIG SET - ''");
    for (size_t i = 0; i < 130; i++)
        pairs[i] = bytes_str(i % 2 == 0 ? "hz" : "5");
    buf_reset(&e);
    assert_int_equal(config_set(&c, pairs, 128, &e), ERR_INVALID);
    assert_memory_equal(e.data, FAILED("hz") "duplicate parameter", e.len);
    buf_reset(&e);
    assert_int_equal(config_set(&c, pairs, 130, &e), ERR_INVALID);
    assert_memory_equal(e.data, "syntax error", e.len);
    config_release(&c);
    buf_release(&e);
}

/* What is refused has the value that it had, whatever kind it is of. */
static void refused_values_change_nothing(void **state)
{
    static const char *const rows[][3] = {
        {"protected-mode", "no", "maybe"},
        {"protected-mode", "yes", "nope"},
        {"hz", "77", "x"},
        {"hz", "77", "501"},
        {"hz", "77", "-1"},
        {"log-size-max", "5gb", "5xb"},
        {"log-size-max", "5gb", "1"},
        {"loglevel", "debug", "loud"},
        {"requirepass", "pw", NULL},
        {"client-output-buffer-limit", "normal 1 2 3", "normal 4 5 x"},
        {"client-output-buffer-limit", "normal 1 2 3", "odd 4 5 6"},
        {"client-output-buffer-limit", "normal 1 2 3", "normal 4 5 6 slave 1"},
        {"client-output-buffer-limit", "normal 1 2 3",
         "normal 4 5 6 slave 1 2 x"},
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct bytes args[2] = {bytes_str(rows[i][0]),
                                      rows[i][2] != NULL ? bytes_str(rows[i][2])
                                                         : BYTES_LIT("a\0b")};
        const struct option *o = option_find(args[0]);
        struct config c;
        struct buf e = BUF_INIT, before = BUF_INIT, after = BUF_INIT;
        config_init(&c);
        assert_int_equal(SET(&c, &e, rows[i][0], rows[i][1]), 0);
        option_format(&c, o, &before);
        assert_int_equal(config_set(&c, args, 2, &e), ERR_INVALID);
        option_format(&c, o, &after);
        assert_true(bytes_eq(buf_view(&before), buf_view(&after)));
        /* Nor did its reader touch it before it was put back. */
        struct config_words words = {.count = 1};
        words.items[0] = args[1];
        buf_reset(&after);
        assert_int_equal(option_set(&c, o, &words, &e), ERR_INVALID);
        option_format(&c, o, &after);
        assert_true(bytes_eq(buf_view(&before), buf_view(&after)));
        config_release(&c);
        buf_release(&e);
        buf_release(&before);
        buf_release(&after);
    }
}

static void set_refused(void **state)
{
    UNUSED(state);
    struct config c;
    struct buf e = BUF_INIT;
    config_init(&c);
    assert_int_equal(SET(&c, &e, "timeout", "7", "hz", "x"), ERR_INVALID);
    assert_string_equal(
        (char *)e.data,
        FAILED("hz") "argument couldn't be parsed into an integer");
    assert_int_equal(c.timeout_s, 0);

    assert_int_equal(SET(&c, &e, "nope", "1"), ERR_INVALID);
    assert_string_equal((char *)e.data,
                        "Unknown option or number of arguments for CONFIG SET "
                        "- 'nope'");
    assert_int_equal(SET(&c, &e, "hz", "7", "nosuch", "1"), ERR_INVALID);
    assert_string_equal((char *)e.data,
                        "Unknown option or number of arguments for CONFIG SET "
                        "- 'nosuch'");
    assert_int_equal(SET(&c, &e, "timeout", "7", "port", "1"), ERR_INVALID);
    assert_string_equal((char *)e.data,
                        FAILED("port") "can't set immutable config");
    assert_int_equal(c.timeout_s, 0);
    assert_int_equal(SET(&c, &e, "hz", "7", "HZ", "8"), ERR_INVALID);
    assert_string_equal((char *)e.data, FAILED("hz") "duplicate parameter");
    assert_int_equal(SET(&c, &e, "hz", "7", "timeout", "7", "hz", "8"),
                     ERR_INVALID);
    assert_string_equal((char *)e.data, FAILED("hz") "duplicate parameter");
    assert_int_equal(c.timeout_s, 0);
    assert_int_equal(SET(&c, &e, "appendonly", "no"), ERR_INVALID);
    assert_int_equal(SET(&c, &e, "hz"), ERR_INVALID);
    assert_string_equal((char *)e.data,
                        "wrong number of arguments for 'config|set' command");
    assert_int_equal(SET(&c, &e, "hz", "5", "timeout"), ERR_INVALID);
    assert_string_equal((char *)e.data, "syntax error");
    assert_int_equal(config_set(&c, NULL, 0, &e), ERR_INVALID);
    config_release(&c);
    buf_release(&e);
}

/* Each value is good alone; together they are not. All are put back. */
static void set_checks_the_whole(void **state)
{
    UNUSED(state);
    struct config c;
    struct buf e = BUF_INIT;
    config_init(&c);
    assert_int_equal(SET(&c, &e, "requirepass", "pw"), 0);
    uint64_t before = c.log_size_bytes;
    assert_int_equal(SET(&c, &e, "requirepass", "other", "log-size", "8gb",
                         "client-output-buffer-limit", "normal 0 0 0"),
                     ERR_INVALID);
    assert_non_null(strstr((char *)e.data, "must not be above log-size-max"));
    assert_true(c.log_size_bytes == before);
    assert_string_equal(c.requirepass, "pw");
    assert_int_equal(c.client_output_buffer_limit[0].soft_seconds, 60);
    assert_int_equal(SET(&c, &e, "log-size", "8gb", "log-size-max", "9gb"), 0);
    config_release(&c);
    buf_release(&e);
}

/* A size has 64 bits when it is set, kept and shown. */
static void sizes_are_long(void **state)
{
    static const char *const sizes[] = {
        "4294967295", "4294967296", "4294967297", "8589934592", "12884901889"};
    UNUSED(state);
    struct config c;
    struct buf e = BUF_INIT;
    struct buf shown = BUF_INIT;
    config_init(&c);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        assert_int_equal(SET(&c, &e, "log-size-max", sizes[i]), 0);
        buf_reset(&shown);
        option_format(&c, option_find(BYTES_LIT("log-size-max")), &shown);
        buf_char(&shown, '\0');
        assert_string_equal((char *)shown.data, sizes[i]);
    }
    config_release(&c);
    buf_release(&shown);
    buf_release(&e);
}

/* Every option that can be set live takes back what CONFIG GET shows. */
static void values_round_trip(void **state)
{
    UNUSED(state);
    struct config c;
    struct buf e = BUF_INIT;
    struct buf value = BUF_INIT;
    const struct option *o;
    config_init(&c);
    for (size_t i = 0; (o = option_at(i)) != NULL; i++) {
        buf_reset(&value);
        option_format(&c, o, &value);
        struct bytes args[2] = {bytes_str(o->name), buf_view(&value)};
        buf_reset(&e);
        int rc = config_set(&c, args, 2, &e);
        assert_int_equal(rc, (o->use & LIVE) != 0 ? 0 : ERR_INVALID);
        assert_true(strlen(o->doc) > 5);
        assert_ptr_equal(option_find(bytes_str(o->name)), o);
    }
    config_release(&c);
    buf_release(&e);
    buf_release(&value);
}

/* All of it: what it is called, what it means, what may be said, and what it
 * is without being said. */
static void help_has_every_option(void **state)
{
    struct buf help = BUF_INIT;
    UNUSED(state);
    config_help(&help);
    buf_char(&help, '\0');
    const char *at = strstr((const char *)help.data, "Options [default]:\n");
    assert_non_null(at);
    at = strchr(at, '\n') + 1;
    const struct option *o;
    for (size_t i = 0; (o = option_at(i)) != NULL; i++) {
        struct buf line = BUF_INIT;
        buf_printf(&line, "--%s ", o->name);
        while (*at == ' ')
            at++;
        if (strncmp(at, (const char *)line.data, line.len) != 0)
            fail_msg("%s is not at %.40s", o->name, at);
        at += line.len;
        while (*at == ' ')
            at++;
        buf_reset(&line);
        buf_str(&line, o->doc);
        if (o->kind == OPTION_CHOICE)
            buf_printf(&line, " (%s)", o->choices);
        if (o->def[0] != '\0')
            buf_printf(&line, " [%s]", o->def);
        buf_char(&line, '\n');
        if (strncmp(at, (const char *)line.data, line.len) != 0)
            fail_msg("%s: %.60s", o->name, at);
        at += line.len;
        buf_release(&line);
    }
    assert_string_equal(at, "");
    assert_non_null(strstr((const char *)help.data, "(debug|verbose|notice|"));
    buf_release(&help);
}

/* A file at the top of the project. */
static void read_project_file(const char *name, struct buf *out)
{
    struct buf path = BUF_INIT;
    buf_str(&path, PROJECT_FOLDER);
    buf_str(&path, name);
    buf_char(&path, '\0');
    FILE *file = fopen((const char *)path.data, "r");
    assert_non_null(file);
    size_t n;
    do {
        n = fread(buf_reserve(out, 4096), 1, 4096, file);
        out->len += n;
    } while (n > 0);
    fclose(file);
    buf_char(out, '\0');
    buf_release(&path);
}

/* The line of vard.conf that has the option, where it begins in `text`. */
static const char *find_line(const char *text, const struct option *o)
{
    char line[200];
    /* An example instead of the default, which is no node at all. */
    if (strcmp(o->name, "node") == 0)
        snprintf(line, sizeof(line), "\n# node 1 ");
    else if (o->def[0] != '\0')
        snprintf(line, sizeof(line), "\n%s %s\n", o->name, o->def);
    else
        snprintf(line, sizeof(line), "%s \"\"\n", o->name);
    const char *found = strstr(text, line);
    if (found == NULL)
        fail_msg("vard.conf lacks: %s", line);
    return found;
}

/* Every option is there with its default, and marked LIVE if it is. */
static void vard_conf_has_every_option(void **state)
{
    UNUSED(state);
    struct buf text = BUF_INIT;
    buf_char(&text, '\n');
    read_project_file("vard.conf", &text);
    const char *start = (const char *)text.data;
    const struct option *o;
    for (size_t i = 0; (o = option_at(i)) != NULL; i++) {
        const char *line = find_line(start, o);
        const char *end = line;
        while (line > start && strncmp(line, "\n\n", 2) != 0)
            line--;
        bool marked = memmem(line, (size_t)(end - line), "LIVE", 4) != NULL;
        bool live = (o->use & LIVE) != 0 && o->kind != OPTION_FIXED;
        if (marked != live)
            fail_msg("vard.conf: %s is%s LIVE", o->name, live ? "" : " not");
    }
    buf_release(&text);
}

/* Each row of the table, in its order, and nothing after the last. */
static void each_option_is_there(void **state)
{
    static const char *const names[] = {
#define CONFIG_BOOL(name, ...)   name,
#define CONFIG_NUMBER(name, ...) name,
#define CONFIG_SIZE(name, ...)   name,
#define CONFIG_TEXT(name, ...)   name,
#define CONFIG_CHOICE(name, ...) name,
#define CONFIG_LIST(name, ...)   name,
#define CONFIG_FIXED(name, ...)  name,
#include "config/config.def"
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_non_null(option_at(i));
        assert_string_equal(option_at(i)->name, names[i]);
        assert_ptr_equal(option_find(bytes_str(names[i])), option_at(i));
    }
    assert_null(option_at(ARRAY_LEN(names)));
    struct config c;
    config_init(&c);
    assert_int_equal(config_get(&c, &BYTES_LIT("*"), 1, NULL, NULL),
                     ARRAY_LEN(names));
    config_release(&c);
}

/* The field of an option is its name, followed by the unit. */
static void fields_carry_their_unit(void **state)
{
    UNUSED(state);
    static const struct {
        const char *name;
        const char *field;
        const char *doc; /* NULL: a size */
    } rows[] = {
#define CONFIG_NUMBER(name, field, def, min, max, use, doc) {name, #field, doc},
#define CONFIG_SIZE(name, field, def, min, max, use, doc)   {name, #field, NULL},
#include "config/config.def"
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *doc = rows[i].doc;
        const char *unit = "";
        char field[64];
        if (doc == NULL)
            unit = "_bytes";
        else if (strncmp(doc, "ms ", 3) == 0)
            unit = "_ms";
        else if (strncmp(doc, "seconds ", 8) == 0)
            unit = "_s";
        snprintf(field, sizeof(field), "%s%s", rows[i].name, unit);
        for (char *c = field; *c != '\0'; c++)
            *c = *c == '-' ? '_' : *c;
        assert_string_equal(rows[i].field, field);
    }
}

static void project_files_load(void **state)
{
    UNUSED(state);
    const char *names[] = {"vard.conf", "conf/node1.conf", "conf/node2.conf",
                           "conf/node3.conf"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct buf text = BUF_INIT;
        struct fixture f;
        read_project_file(names[i], &text);
        fixture_init(&f);
        fixture_file(&f, "main.conf", (const char *)text.data);
        if (fixture_load(&f, "main.conf", NULL) != CONFIG_RUN)
            fail_msg("%s: %s", names[i], fixture_error(&f));
        assert_int_equal(f.config.node_count, i == 0 ? 0 : 3);
        assert_int_equal(f.config.port, i == 0 ? 6379 : 6378 + i);
        if (i > 0)
            assert_int_equal(config_self(&f.config)->id, i);
        fixture_release(&f);
        buf_release(&text);
    }
}

/* What README.md shows under "Configuration" may be copied as it stands. */
static void readme_example_loads(void **state)
{
    UNUSED(state);
    struct buf text = BUF_INIT;
    struct fixture f;
    read_project_file("README.md", &text);
    char *example = strstr((char *)text.data, "\n    # The id of this node");
    assert_non_null(example);
    char *end = strstr(example, "\n\n");
    assert_non_null(end);
    *end = '\0';
    fixture_init(&f);
    fixture_file(&f, "main.conf", example);
    if (fixture_load(&f, "main.conf", NULL) != CONFIG_RUN)
        fail_msg("README.md: %s", fixture_error(&f));
    assert_int_equal(f.config.node_count, 3);
    assert_int_equal(config_self(&f.config)->id, 1);
    assert_string_equal(f.config.bind[0], "10.0.0.1");
    assert_true(f.config.peer_secret[0] != '\0');
    assert_true(f.config.requirepass[0] != '\0');
    fixture_release(&f);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get),
        cmocka_unit_test(set_pairs),
        cmocka_unit_test(set_has_bounds),
        cmocka_unit_test(refused_values_change_nothing),
        cmocka_unit_test(set_refused),
        cmocka_unit_test(set_checks_the_whole),
        cmocka_unit_test(sizes_are_long),
        cmocka_unit_test(values_round_trip),
        cmocka_unit_test(help_has_every_option),
        cmocka_unit_test(vard_conf_has_every_option),
        cmocka_unit_test(each_option_is_there),
        cmocka_unit_test(fields_carry_their_unit),
        cmocka_unit_test(project_files_load),
        cmocka_unit_test(readme_example_loads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
