/*
 * The table of config.def as an array, and one reader and one writer per
 * kind of option. A reader checks everything before it touches the field.
 *
 * How it fails: ERR_INVALID with one line of reason, and the field has the
 * value that it had. A default that is refused is an assertion.
 */
#include "config/config_table.h"

#include "base/alloc.h"
#include "base/num.h"

#include <inttypes.h>

static const struct option options[] = {
#define FIELD(field) offsetof(struct config, field)
#define CONFIG_BOOL(name, field, def, use, doc)                                \
    {name, OPTION_BOOL, FIELD(field), def, 0, 1, use, "", doc},
#define CONFIG_NUMBER(name, field, def, min, max, use, doc)                    \
    {name, OPTION_NUMBER, FIELD(field), def, min, max, use, "", doc},
#define CONFIG_SIZE(name, field, def, min, max, use, doc)                      \
    {name, OPTION_SIZE, FIELD(field), def, min, max, use, "", doc},
#define CONFIG_TEXT(name, field, def, use, doc)                                \
    {name, OPTION_TEXT, FIELD(field), def, 0, 0, use, "", doc},
#define CONFIG_CHOICE(name, field, choices, def, use, doc)                     \
    {name, OPTION_CHOICE, FIELD(field), def, 0, 0, use, choices, doc},
#define CONFIG_LIST(name, field, def, use, doc)                                \
    {name, OPTION_LIST, FIELD(field), def, 0, 0, use, "", doc},
#define CONFIG_FIXED(name, field, value, use, doc)                             \
    {name, OPTION_FIXED, 0, value, 0, 0, use, "", doc},
#include "config/config.def"
#undef FIELD
};

const struct option *option_at(size_t n)
{
    return n < ARRAY_LEN(options) ? &options[n] : NULL;
}

const struct option *option_find(struct bytes name)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (bytes_eq_nocase(name, bytes_str(options[i].name)))
            return &options[i];
    }
    return NULL;
}

static void *field_of(struct config *c, const struct option *o)
{
    ASSERT(o->kind != OPTION_FIXED && o->kind != OPTION_LIST);
    ASSERT(o->offset < sizeof(*c));
    return (char *)c + o->offset;
}

static const void *field_in(const struct config *c, const struct option *o)
{
    ASSERT(o->kind != OPTION_FIXED && o->kind != OPTION_LIST);
    ASSERT(o->offset < sizeof(*c));
    return (const char *)c + o->offset;
}

static int set_bool(bool *field, struct bytes word, struct buf *reason)
{
    bool yes = bytes_eq_nocase(word, BYTES_LIT("yes"));
    if (!yes && !bytes_eq_nocase(word, BYTES_LIT("no"))) {
        buf_str(reason, "argument must be 'yes' or 'no'");
        return ERR_INVALID;
    }
    *field = yes;
    return 0;
}

static bool parse_octal(struct bytes word, uint64_t *out)
{
    if (word.len == 0 || word.len > 6)
        return false;
    uint64_t v = 0;
    for (size_t i = 0; i < word.len; i++) {
        if (word.data[i] < '0' || word.data[i] > '7')
            return false;
        v = v * 8 + (uint64_t)(word.data[i] - '0');
    }
    *out = v;
    return true;
}

static int set_number(uint32_t *field, const struct option *o,
                      struct bytes word, struct buf *reason)
{
    bool octal = (o->use & OCTAL) != 0;
    uint64_t v = 0;
    int64_t below = 0;
    if (octal ? !parse_octal(word, &v) : !num_parse_u64(word, &v)) {
        if (octal) {
            buf_str(reason, "argument couldn't be parsed as an octal number");
            return ERR_INVALID;
        }
        if (!num_parse_i64(word, &below)) {
            buf_str(reason, "argument couldn't be parsed into an integer");
            return ERR_INVALID;
        }
    }
    if (below < 0 || v < o->min || v > o->max) {
        buf_printf(reason,
                   octal ? "argument must be between %" PRIo64 " and %" PRIo64
                           " inclusive"
                         : "argument must be between %" PRIu64 " and %" PRIu64
                           " inclusive",
                   o->min, o->max);
        return ERR_INVALID;
    }
    ASSERT(v <= UINT32_MAX);
    *field = (uint32_t)v;
    return 0;
}

static int set_size(uint64_t *field, const struct option *o, struct bytes word,
                    struct buf *reason)
{
    uint64_t v = 0;
    if (!num_parse_size(word, &v)) {
        buf_str(reason, "argument must be a memory value");
        return ERR_INVALID;
    }
    if (v < o->min || v > o->max) {
        buf_printf(reason,
                   "argument must be between %" PRIu64 " and %" PRIu64
                   " inclusive",
                   o->min, o->max);
        return ERR_INVALID;
    }
    *field = v;
    return 0;
}

static int set_text(char **field, struct bytes word, struct buf *reason)
{
    char *text = config_text_of(word);
    if (text == NULL) {
        buf_str(reason, "argument must not contain a zero byte");
        return ERR_INVALID;
    }
    mem_free(*field);
    *field = text;
    return 0;
}

/* The n-th of "a|b|c"; an empty view after the last. */
static struct bytes choice_at(const char *choices, int n)
{
    const char *p = choices;
    for (; n > 0; n--) {
        p = strchr(p, '|');
        if (p == NULL)
            return BYTES_NONE;
        p++;
    }
    const char *end = strchr(p, '|');
    return bytes_of(p, end == NULL ? strlen(p) : (size_t)(end - p));
}

static int set_choice(int *field, const struct option *o, struct bytes word,
                      struct buf *reason)
{
    struct bytes choice;
    for (int n = 0; (choice = choice_at(o->choices, n)).len > 0; n++) {
        if (bytes_eq_nocase(word, choice)) {
            *field = n;
            return 0;
        }
    }
    buf_str(reason, "argument(s) must be one of the following: ");
    for (int n = 0; (choice = choice_at(o->choices, n)).len > 0; n++) {
        buf_str(reason, n > 0 ? ", " : "");
        buf_bytes(reason, choice);
    }
    return ERR_INVALID;
}

static int refuse_fixed(const struct option *o, struct buf *reason)
{
    buf_printf(reason, "only %s%s%s is possible: %s", o->def[0] ? "" : "\"",
               o->def, o->def[0] ? "" : "\"", o->doc);
    return ERR_INVALID;
}

static int set_fixed(const struct option *o, struct bytes word,
                     struct buf *reason)
{
    return bytes_eq_nocase(word, bytes_str(o->def)) ? 0
                                                    : refuse_fixed(o, reason);
}

int option_set(struct config *c, const struct option *o,
               const struct config_words *words, struct buf *reason)
{
    ASSERT(c != NULL && o != NULL);
    ASSERT(words->count <= CONFIG_WORDS_MAX);
    if (o->kind == OPTION_LIST)
        return option_list_set(c, o, words, reason);
    if (words->count != 1 && o->kind == OPTION_FIXED)
        return refuse_fixed(o, reason);
    if (words->count != 1) {
        buf_str(reason, "wrong number of arguments");
        return ERR_INVALID;
    }
    struct bytes word = words->items[0];
    switch (o->kind) {
    case OPTION_BOOL:
        return set_bool(field_of(c, o), word, reason);
    case OPTION_NUMBER:
        return set_number(field_of(c, o), o, word, reason);
    case OPTION_SIZE:
        return set_size(field_of(c, o), o, word, reason);
    case OPTION_TEXT:
        return set_text(field_of(c, o), word, reason);
    case OPTION_CHOICE:
        return set_choice(field_of(c, o), o, word, reason);
    case OPTION_FIXED:
    case OPTION_LIST:
        break;
    }
    return set_fixed(o, word, reason);
}

void option_format(const struct config *c, const struct option *o,
                   struct buf *out)
{
    ASSERT(c != NULL && o != NULL);
    ASSERT(out != NULL);
    switch (o->kind) {
    case OPTION_BOOL:
        buf_str(out, *(const bool *)field_in(c, o) ? "yes" : "no");
        break;
    case OPTION_NUMBER:
        buf_printf(out, (o->use & OCTAL) != 0 ? "%" PRIo32 : "%" PRIu32,
                   *(const uint32_t *)field_in(c, o));
        break;
    case OPTION_SIZE:
        buf_printf(out, "%" PRIu64, *(const uint64_t *)field_in(c, o));
        break;
    case OPTION_TEXT:
        buf_str(out, *(char *const *)field_in(c, o));
        break;
    case OPTION_CHOICE:
        buf_bytes(out, choice_at(o->choices, *(const int *)field_in(c, o)));
        break;
    case OPTION_LIST:
        option_list_format(c, o, out);
        break;
    case OPTION_FIXED:
        buf_str(out, o->def);
        break;
    }
}

void config_init(struct config *c)
{
    ASSERT(c != NULL);
    *c = (struct config){.file = mem_strdup("")};
    struct buf reason = BUF_INIT;
    struct arena arena = ARENA_INIT;
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        const struct option *o = &options[i];
        struct config_words words = {.count = 1};
        words.items[0] = bytes_str(o->def);
        int err = 0;
        if (o->kind == OPTION_LIST)
            err = config_split(words.items[0], &arena, &words);
        ASSERT(err == 0);
        if (words.count > 0)
            err = option_set(c, o, &words, &reason);
        ASSERT(err == 0); /* a default is a valid value */
    }
    arena_release(&arena);
    buf_release(&reason);
}

void config_release(struct config *c)
{
    ASSERT(c != NULL);
    config_clear_bind(c);
    config_clear_nodes(c);
#define CONFIG_TEXT(name, field, def, use, doc) mem_free(c->field);
#include "config/config.def"
    for (size_t i = 0; i < c->notice_count; i++)
        mem_free(c->notices[i]);
    mem_free(c->notices);
    mem_free(c->file);
    *c = (struct config){.file = NULL};
}
