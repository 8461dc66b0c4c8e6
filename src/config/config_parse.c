/*
 * Files: one option per line, as in Redis. A line that is refused ends the
 * start, with a message that says where the line is and what to do; passwords
 * in it are left out, since messages end up in logs and bug reports.
 *
 * How it fails: ERR_INVALID with that message in `error`, also for a file that
 * cannot be read and for files that include each other too deeply. Lines before
 * it are applied already, so the config can only be released.
 */
#include "config/config_parse.h"

#include "base/alloc.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define DEPTH_MAX    16
#define LINE_SHOWN   200
#define REASON_SHOWN 2000

/* Appends text without control characters, and cut at len_max. */
static void append_shown(struct buf *out, struct bytes text, size_t len_max)
{
    for (size_t i = 0; i < text.len && i < len_max; i++) {
        uint8_t c = text.data[i];
        if (c < 0x20 || c == 0x7f)
            buf_printf(out, "\\x%02x", c);
        else
            buf_char(out, (char)c);
    }
    if (text.len > len_max)
        buf_str(out, "...");
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct bytes trim(struct bytes b)
{
    while (b.len > 0 && is_blank(b.data[0]))
        b = bytes_from(b, 1);
    while (b.len > 0 && is_blank(b.data[b.len - 1]))
        b.len--;
    return b;
}

static struct bytes first_word(struct bytes line)
{
    size_t n = 0;
    while (n < line.len && !is_blank(line.data[n]))
        n++;
    return bytes_of(line.data, n);
}

/* The option that a line names, or may be meant to name. */
static const struct option *option_meant(struct bytes line)
{
    struct bytes name = first_word(line);
    while (name.len > 0 && name.data[0] == '-')
        name = bytes_from(name, 1);
    const struct option *o = option_find(name);
    return o != NULL ? o : option_nearest(name);
}

int parser_refuse(struct parser *p, const struct place *at,
                  const struct option *o, const char *reason)
{
    ASSERT(p != NULL && at != NULL);
    struct buf *e = p->error;
    buf_str(e, "vard: ");
    append_shown(e, bytes_str(at->name), LINE_SHOWN);
    if (at->line > 0)
        buf_printf(e, ", line %zu", at->line);
    buf_str(e, "\n>>> ");
    const struct option *meant = o != NULL ? o : option_meant(at->text);
    if (meant != NULL && (meant->use & SECRET) != 0) {
        append_shown(e, first_word(at->text), LINE_SHOWN);
        buf_str(e, " ...");
    } else {
        append_shown(e, at->text, LINE_SHOWN);
    }
    buf_char(e, '\n');
    append_shown(e, bytes_str(reason), REASON_SHOWN);
    buf_char(e, '\n');
    return ERR_INVALID;
}

static int refuse_unknown(struct parser *p, const struct place *at,
                          struct bytes name)
{
    struct buf reason = BUF_INIT;
    const struct option *o = option_nearest(name);
    buf_str(&reason, "unknown option '");
    append_shown(&reason, name, LINE_SHOWN);
    buf_str(&reason, "'");
    if (o != NULL)
        buf_printf(&reason, "; did you mean '%s'?", o->name);
    buf_str(&reason, " (vard --help lists all options)");
    buf_char(&reason, '\0');
    int err = parser_refuse(p, at, o, (const char *)reason.data);
    buf_release(&reason);
    return err;
}

static int refuse_value(struct parser *p, const struct place *at,
                        const struct option *o, struct buf *reason)
{
    /* The reason of an option with one value says it all. */
    if (o->kind != OPTION_FIXED)
        buf_printf(reason, "; %s: %s", o->name, o->doc);
    if (o->kind != OPTION_FIXED && o->def[0] != '\0')
        buf_printf(reason, " (default %s)", o->def);
    buf_char(reason, '\0');
    return parser_refuse(p, at, o, (const char *)reason->data);
}

static void add_notice(struct config *c, const struct buf *text)
{
    size_t size = (c->notice_count + 1) * sizeof(c->notices[0]);
    c->notices = mem_realloc(c->notices, size);
    c->notices[c->notice_count++] = config_text_of(buf_view(text));
}

/* Options that are accepted, but have no effect here, say so in the log. */
static void notice_option(struct config *c, const struct option *o)
{
    struct buf text = BUF_INIT;
    if (o->kind == OPTION_FIXED)
        buf_printf(&text, "option %s %s: the only value in vard, because %s",
                   o->name, o->def[0] != '\0' ? o->def : "\"\"", o->doc);
    else if (o == option_find(BYTES_LIT("supervised")) &&
             c->supervised == CONFIG_SUPERVISED_UPSTART)
        buf_str(&text, "option supervised upstart means no");
    if (text.len > 0)
        add_notice(c, &text);
    buf_release(&text);
}

static int include(struct parser *p, const struct place *at,
                   const struct config_words *words)
{
    if (words->count != 2)
        return parser_refuse(p, at, NULL, "include needs one file name");
    char *path = config_text_of(words->items[1]);
    int err = ERR_INVALID;
    if (path == NULL || path[0] == '\0')
        err = parser_refuse(p, at, NULL, "this is not a file name");
    else if (p->depth >= DEPTH_MAX)
        err = parser_refuse(p, at, NULL,
                            "too many includes within each other (does a file "
                            "include itself?)");
    else
        err = parser_file(p, path, at);
    mem_free(path);
    return err;
}

static bool has_comment(const struct config_words *values)
{
    for (size_t i = 0; i < values->count; i++) {
        if (values->items[i].len > 0 && values->items[i].data[0] == '#')
            return true;
    }
    return false;
}

int parser_apply(struct parser *p, const struct place *at,
                 const struct config_words *words)
{
    ASSERT(words->count > 0 && words->count <= CONFIG_WORDS_MAX);
    if (bytes_eq_nocase(words->items[0], BYTES_LIT("include")))
        return include(p, at, words);
    const struct option *o = option_find(words->items[0]);
    if (o == NULL)
        return refuse_unknown(p, at, words->items[0]);
    if (p->in_args && !p->nodes_in_args &&
        bytes_eq(bytes_str(o->name), BYTES_LIT("node"))) {
        config_clear_nodes(p->config);
        p->nodes_in_args = true;
    }
    struct config_words values = {.count = words->count - 1};
    for (size_t i = 0; i < values.count; i++)
        values.items[i] = words->items[i + 1];
    struct buf reason = BUF_INIT;
    int err = option_set(p->config, o, &values, &reason);
    if (err != 0 && has_comment(&values))
        buf_str(&reason, " (a comment needs a line of its own)");
    if (err != 0)
        err = refuse_value(p, at, o, &reason);
    else
        notice_option(p->config, o);
    buf_release(&reason);
    return err;
}

static int parse_line(struct parser *p, const struct place *at)
{
    if (at->text.len == 0 || at->text.data[0] == '#')
        return 0;
    struct config_words words;
    switch (config_split(at->text, &p->arena, &words)) {
    case 0:
        break;
    case ERR_TOO_BIG:
        return parser_refuse(p, at, NULL, "too many words in this line");
    default:
        return parser_refuse(p, at, NULL,
                             "unbalanced quotes: close them, and put a blank "
                             "after them");
    }
    return parser_apply(p, at, &words);
}

static int parse_text(struct parser *p, const char *name, struct bytes text)
{
    int err = 0;
    if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        text = bytes_from(text, 3); /* a byte order mark */
    for (size_t line = 1; err == 0 && text.len > 0; line++) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.data);
        struct place at = {name, line, trim(bytes_of(text.data, len))};
        err = parse_line(p, &at);
        text = bytes_from(text, MIN(len + 1, text.len));
    }
    return err;
}

int parser_file(struct parser *p, const char *path, const struct place *from)
{
    ASSERT(p->source != NULL && p->source->read != NULL);
    ASSERT(path[0] != '\0');
    struct buf text = BUF_INIT;
    errno = 0;
    int err = p->source->read(p->source->ctx, path, &text);
    if (err != 0) {
        const char *why =
            err == ERR_IO && errno != 0 ? strerror(errno) : error_text(err);
        struct buf reason = BUF_INIT;
        buf_printf(&reason, "cannot read '%s': %s", path, why);
        buf_char(&reason, '\0');
        err = parser_refuse(p, from, NULL, (const char *)reason.data);
        buf_release(&reason);
    } else {
        bool in_args = p->in_args;
        p->in_args = false;
        p->depth++;
        const char *name =
            bytes_eq(bytes_str(path), BYTES_LIT("-")) ? "standard input" : path;
        err = parse_text(p, name, buf_view(&text));
        p->depth--;
        p->in_args = in_args;
    }
    buf_release(&text);
    return err;
}
