/*
 * The command line: first the file, then standard input, then the options in
 * their order, so that options override files wherever they are. The options of
 * Verdi's vard begin with one dash and may be mixed with the others.
 *
 * How it fails: ERR_INVALID with the message of the first refusal in `error`.
 * Options before it are set already, so the config can only be released.
 */
#include "base/alloc.h"
#include "config/config_parse.h"

#include <string.h>

struct args {
    struct parser parser;
    int argc;
    char *const *argv;
    int next;
};

static const struct original {
    const char *name;
    const char *option; /* the one that it stands for */
    const char *value;  /* given by it, NULL: the next argument */
} originals[] = {
    {"-me", "node-id", NULL},        {"-port", "port", NULL},
    {"-dbpath", "dir", NULL},        {"-node", "node", NULL},
    {"-debug", "loglevel", "debug"},
};

static const struct original *original_find(const char *arg)
{
    for (size_t i = 0; i < ARRAY_LEN(originals); i++) {
        if (strcmp(arg, originals[i].name) == 0)
            return &originals[i];
    }
    return NULL;
}

static bool begins_option(const char *arg)
{
    return strncmp(arg, "--", 2) == 0 || original_find(arg) != NULL;
}

/* "-" means standard input as the last argument, or in place of the file. */
static bool is_stdin(const struct args *a, int i)
{
    return strcmp(a->argv[i], "-") == 0 && (i == a->argc - 1 || i == 1);
}

/* The option with its values as typed, for messages. */
static struct place place_of(struct args *a, int from, int to)
{
    struct buf text = BUF_INIT;
    for (int i = from; i < to && i < a->argc; i++)
        buf_printf(&text, "%s%s", i > from ? " " : "", a->argv[i]);
    struct place at = {"command line", 0,
                       arena_copy(&a->parser.arena, buf_view(&text))};
    buf_release(&text);
    return at;
}

/* "--name value ...": up to the next option. */
static int apply_option(struct args *a)
{
    int from = a->next++;
    struct config_words words = {.count = 1};
    words.items[0] = bytes_str(a->argv[from] + 2);
    while (a->next < a->argc && !begins_option(a->argv[a->next]) &&
           !is_stdin(a, a->next)) {
        if (words.count == CONFIG_WORDS_MAX) {
            struct place at = place_of(a, from, a->next);
            return parser_refuse(&a->parser, &at, NULL, "too many words");
        }
        words.items[words.count++] = bytes_str(a->argv[a->next++]);
    }
    struct place at = place_of(a, from, a->next);
    return parser_apply(&a->parser, &at, &words);
}

/* "ID,HOST:PORT" */
static bool split_node(struct bytes arg, struct config_words *words)
{
    const uint8_t *comma = arg.len > 0 ? memchr(arg.data, ',', arg.len) : NULL;
    if (comma == NULL)
        return false;
    size_t len = (size_t)(comma - arg.data);
    words->items[1] = bytes_of(arg.data, len);
    words->items[2] = bytes_from(arg, len + 1);
    words->count = 3;
    return true;
}

static int apply_original(struct args *a, const struct original *original)
{
    int from = a->next++;
    struct config_words words = {.count = 2};
    words.items[0] = bytes_str(original->option);
    if (original->value != NULL) {
        words.items[1] = bytes_str(original->value);
    } else if (a->next == a->argc) {
        struct place at = place_of(a, from, a->next);
        return parser_refuse(&a->parser, &at, NULL, "a value is missing");
    } else {
        words.items[1] = bytes_str(a->argv[a->next++]);
    }
    struct place at = place_of(a, from, a->next);
    if (strcmp(original->name, "-node") == 0 &&
        !split_node(words.items[1], &words))
        return parser_refuse(&a->parser, &at, NULL,
                             "write -node ID,HOST:PORT, as in "
                             "-node 1,127.0.0.1:9001");
    return parser_apply(&a->parser, &at, &words);
}

/* An argument that does not begin an option. */
static int refuse_argument(struct args *a)
{
    const char *arg = a->argv[a->next];
    struct place at = place_of(a, a->next, a->next + 1);
    struct buf reason = BUF_INIT;
    while (*arg == '-')
        arg++;
    const struct option *o = option_find(bytes_str(arg));
    if (o == NULL)
        o = option_nearest(bytes_str(arg));
    buf_str(&reason, "not expected here; options are written --option value");
    if (o != NULL)
        buf_printf(&reason, "; did you mean '--%s'?", o->name);
    buf_str(&reason, " (vard --help lists all options)");
    buf_char(&reason, '\0');
    int err = parser_refuse(&a->parser, &at, o, (const char *)reason.data);
    buf_release(&reason);
    return err;
}

static int apply_options(struct args *a)
{
    int err = 0;
    a->parser.in_args = true;
    while (err == 0 && a->next < a->argc) {
        const struct original *original = original_find(a->argv[a->next]);
        if (original != NULL)
            err = apply_original(a, original);
        else if (strncmp(a->argv[a->next], "--", 2) == 0)
            err = apply_option(a);
        else if (is_stdin(a, a->next))
            a->next++;
        else
            err = refuse_argument(a);
        arena_reset(&a->parser.arena);
    }
    return err;
}

void config_hide_secrets(int argc, char *const *argv)
{
    bool secret = false;
    for (int i = 1; i < argc; i++) {
        if (begins_option(argv[i])) {
            bool own = strncmp(argv[i], "--", 2) == 0;
            const struct option *o =
                own ? option_find(bytes_str(argv[i] + 2)) : NULL;
            secret = o != NULL && (o->use & SECRET) != 0;
        } else if (secret) {
            memset(argv[i], '*', strlen(argv[i]));
        }
    }
}

/* Without a file and with the options of Verdi's vard, vard is as open as that
 * one: it listens on all addresses and asks for no password. */
static void open_as_original(struct config *c)
{
    struct config_words words = {.count = 2};
    words.items[0] = BYTES_LIT("*");
    words.items[1] = BYTES_LIT("-::*");
    struct buf reason = BUF_INIT;
    int err = option_set(c, option_find(BYTES_LIT("bind")), &words, &reason);
    ASSERT(err == 0);
    ASSERT(c->bind_count == 2);
    buf_release(&reason);
    c->protected_mode = false;
}

static int read_files(struct args *a)
{
    struct config *c = a->parser.config;
    int err = 0;
    if (a->argc > 1 && a->argv[1][0] != '-') {
        const struct place at = {"command line", 0, bytes_str(a->argv[1])};
        if (a->argv[1][0] == '\0')
            return parser_refuse(&a->parser, &at, NULL,
                                 "the name of the file is empty");
        mem_free(c->file);
        c->file = mem_strdup(a->argv[1]);
        err = parser_file(&a->parser, a->argv[1], &at);
        a->next++;
    }
    bool original = false;
    for (int i = a->next; i < a->argc; i++)
        original |= original_find(a->argv[i]) != NULL;
    if (original && c->file[0] == '\0')
        open_as_original(c);
    c->original_options = original;
    bool more = false;
    for (int i = 1; i < a->argc; i++)
        more |= is_stdin(a, i);
    if (err == 0 && more) {
        const struct place at = {"command line", 0, BYTES_LIT("-")};
        err = parser_file(&a->parser, "-", &at);
    }
    return err;
}

static bool only_loopback(const struct config *c)
{
    static const char *const loopback[] = {"127.", "::1", "localhost"};
    for (size_t i = 0; i < c->bind_count; i++) {
        const char *host = c->bind[i] + (c->bind[i][0] == '-');
        bool found = strncmp(host, loopback[0], 4) == 0 ||
                     strcmp(host, loopback[1]) == 0 ||
                     strcmp(host, loopback[2]) == 0;
        if (!found)
            return false;
    }
    return true;
}

/* --version and --help have priority over everything else, anywhere. */
static enum config_action action_of(int argc, char *const *argv)
{
    for (int i = 1; i < argc; i++) {
        bool first = i == 1;
        if (strcmp(argv[i], "--version") == 0 ||
            (first && strcmp(argv[i], "-v") == 0))
            return CONFIG_SHOW_VERSION;
        if (strcmp(argv[i], "--help") == 0 ||
            (first && strcmp(argv[i], "-h") == 0))
            return CONFIG_SHOW_HELP;
    }
    return CONFIG_RUN;
}

int config_load(struct config *c, int argc, char *const *argv,
                const struct config_source *source, struct buf *error)
{
    ASSERT(c != NULL && source != NULL && error != NULL);
    ASSERT(argv != NULL && argc >= 0);
    enum config_action action = action_of(argc, argv);
    if (action != CONFIG_RUN)
        return (int)action;
    struct args a = {.argc = argc, .argv = argv, .next = 1};
    a.parser = (struct parser){.config = c, .source = source, .error = error};
    a.parser.arena = ARENA_INIT;

    int err = read_files(&a);
    if (err == 0)
        err = apply_options(&a);
    arena_release(&a.parser.arena);
    if (err == 0) {
        struct buf reason = BUF_INIT;
        err = config_check(c, &reason);
        if (err != 0) {
            buf_printf(error, "vard: %s%sthe options do not fit together\n",
                       c->file, c->file[0] != '\0' ? ": " : "");
            buf_bytes(error, buf_view(&reason));
            buf_char(error, '\n');
        }
        buf_release(&reason);
    }
    c->warn_no_password = c->requirepass[0] == '\0' && !c->protected_mode &&
                          c->port != 0 && !only_loopback(c);
    return err == 0 ? CONFIG_RUN : err;
}
