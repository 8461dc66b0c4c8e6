/*
 * CONFIG GET and SET, and the help text. SET applies the pairs one after the
 * other and keeps the old values as text: if one is refused, or the options do
 * not fit together any more, the old values are set again in the same way.
 *
 * How it fails: SET returns ERR_INVALID with Redis's message in `error`, and
 * every option has its old value. GET and the help text cannot fail; an old
 * value that is refused is an assertion.
 */
#include "base/glob.h"
#include "config/config_table.h"

#include <inttypes.h>

#define PAIRS_MAX 64

static bool matches(const struct option *o, const struct bytes *patterns,
                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (glob_match(patterns[i], bytes_str(o->name), true))
            return true;
    }
    return false;
}

/* The value as clients may see it. */
static void format_shown(const struct config *c, const struct option *o,
                         struct buf *out)
{
    option_format(c, o, out);
    bool hidden = (o->use & SECRET) != 0 && (o->use & SHOWN) == 0;
    if (hidden && out->len > 0) {
        buf_reset(out);
        buf_str(out, "********");
    }
}

size_t config_get(
    const struct config *c, const struct bytes *patterns, size_t pattern_count,
    void (*each)(void *ctx, struct bytes name, struct bytes value), void *ctx)
{
    ASSERT(c != NULL);
    ASSERT(patterns != NULL || pattern_count == 0);
    size_t count = 0;
    struct buf value = BUF_INIT;
    const struct option *o;
    for (size_t i = 0; (o = option_at(i)) != NULL; i++) {
        if (!matches(o, patterns, pattern_count))
            continue;
        count++;
        if (each == NULL)
            continue;
        buf_reset(&value);
        format_shown(c, o, &value);
        each(ctx, bytes_str(o->name), buf_view(&value));
    }
    buf_release(&value);
    return count;
}

struct change {
    const struct option *option;
    struct buf before; /* the old value as text */
};

static int refuse(struct buf *error, const struct option *o, const char *reason)
{
    buf_printf(error,
               "CONFIG SET failed (possibly related to argument '%s') - %s",
               o->name, reason);
    return ERR_INVALID;
}

/* Finds the options of all pairs before any of them is touched. */
static int find_options(const struct bytes *args, size_t pairs,
                        struct change *changes, struct buf *error)
{
    for (size_t i = 0; i < pairs; i++) {
        const struct option *o = option_find(args[2 * i]);
        changes[i] = (struct change){o, BUF_INIT};
        if (o == NULL) {
            int len = (int)MIN(args[2 * i].len, (size_t)128);
            buf_printf(error,
                       "Unknown option or number of arguments for CONFIG SET "
                       "- '%.*s'",
                       len, len > 0 ? (const char *)args[2 * i].data : "");
            return ERR_INVALID;
        }
        if ((o->use & LIVE) == 0)
            return refuse(error, o, "can't set immutable config");
        for (size_t j = 0; j < i; j++) {
            if (changes[j].option == o)
                return refuse(error, o, "duplicate parameter");
        }
    }
    return 0;
}

static int set_one(struct config *c, const struct option *o, struct bytes value,
                   struct buf *reason)
{
    struct config_words words = {.count = 1};
    words.items[0] = value;
    return option_set(c, o, &words, reason);
}

static void put_back(struct config *c, const struct change *changes,
                     size_t count)
{
    struct buf reason = BUF_INIT;
    for (size_t i = count; i > 0; i--) {
        const struct change *change = &changes[i - 1];
        int err =
            set_one(c, change->option, buf_view(&change->before), &reason);
        ASSERT(err == 0); /* it was in force a moment ago */
    }
    buf_release(&reason);
}

static int apply(struct config *c, const struct bytes *args, size_t pairs,
                 struct change *changes, struct buf *error)
{
    struct buf reason = BUF_INIT;
    int err = 0;
    size_t i = 0;
    for (; i < pairs && err == 0; i++) {
        option_format(c, changes[i].option, &changes[i].before);
        err = set_one(c, changes[i].option, args[2 * i + 1], &reason);
    }
    if (err == 0)
        err = config_check(c, &reason);
    if (err != 0) {
        ASSERT(i > 0);
        put_back(c, changes, i);
        buf_char(&reason, '\0');
        refuse(error, changes[i - 1].option, (const char *)reason.data);
    }
    buf_release(&reason);
    return err;
}

int config_set(struct config *c, const struct bytes *args, size_t arg_count,
               struct buf *error)
{
    ASSERT(c != NULL && error != NULL);
    ASSERT(args != NULL || arg_count == 0);
    size_t pairs = arg_count / 2;
    if (arg_count < 2 || arg_count % 2 != 0 || pairs > PAIRS_MAX) {
        buf_str(error, arg_count < 2 ? "wrong number of arguments for "
                                       "'config|set' command"
                                     : "syntax error");
        return ERR_INVALID;
    }
    struct change changes[PAIRS_MAX] = {{NULL, BUF_INIT}};
    int err = find_options(args, pairs, changes, error);
    if (err == 0)
        err = apply(c, args, pairs, changes, error);
    for (size_t i = 0; i < pairs; i++)
        buf_release(&changes[i].before);
    return err;
}

static void help_option(const struct option *o, struct buf *out)
{
    buf_printf(out, "  --%-27s %s", o->name, o->doc);
    if (o->kind == OPTION_CHOICE)
        buf_printf(out, " (%s)", o->choices);
    if (o->def[0] != '\0')
        buf_printf(out, " [%s]", o->def);
    buf_char(out, '\n');
}

void config_help(struct buf *out)
{
    ASSERT(out != NULL);
    buf_str(out,
            "vard " VARD_VERSION
            ": a strongly consistent key-value store that speaks the Redis "
            "protocol\n\n"
            "usage: vard [FILE] [--option value ...] [-]\n"
            "       vard -me ID -port PORT -dbpath DIR "
            "-node ID,HOST:PORT ... [-debug]\n"
            "       vard --version | --help\n\n"
            "FILE has one option per line; - reads more options from standard "
            "input;\noptions on the command line override both.\n\n"
            "Options [default]:\n");
    const struct option *o;
    for (size_t i = 0; (o = option_at(i)) != NULL; i++)
        help_option(o, out);
}
