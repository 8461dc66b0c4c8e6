/*
 * The table: rows.def turned into an array by id, and so in order of names. A
 * lookup brings the name to lower case once and is a binary search; the table
 * is constant and needs no set-up.
 *
 * How it fails: it does not; what is not in the table is not found.
 */
#include "table/table.h"

#define NAME_LEN_MAX 32

/* What the flags say of the categories. */
#define IMPLIED(flags)                                                         \
    ((((flags)&CMD_WRITE) != 0 ? CAT_WRITE : 0) |                              \
     (((flags)&CMD_READ) != 0 ? CAT_READ : 0) |                                \
     (((flags)&CMD_ADMIN) != 0 ? CAT_ADMIN | CAT_DANGEROUS : 0) |              \
     (((flags)&CMD_BLOCKS) != 0 ? CAT_BLOCKING : 0) |                          \
     (((flags)&CMD_FAST) != 0 ? CAT_FAST : CAT_SLOW))

static const struct cmd table[CMD_ID_COUNT] = {
#define ANY(cid, ccontainer, cname, carity, cflags, ccategories, ...)          \
    [cid] = {.id = cid,                                                        \
             .container = ccontainer,                                          \
             .name = cname,                                                    \
             .arity = carity,                                                  \
             .flags = cflags,                                                  \
             .categories = (ccategories) | IMPLIED(cflags),                    \
             .family = FAMILY,                                                 \
             __VA_ARGS__},
#define ROW(id, ...) ANY(CMD_ID_##id, CMD_ID_NONE, __VA_ARGS__)
#define SUB(container, id, ...)                                                \
    ANY(CMD_ID_##container##_##id, CMD_ID_##container, __VA_ARGS__)
#include "table/rows.def"
#undef SUB
#undef ROW
#undef ANY
};

static const uint16_t written[] = {
#define ROW(id, ...)            CMD_ID_##id,
#define SUB(container, id, ...) CMD_ID_##container##_##id,
#include "table/rows.def"
#undef SUB
#undef ROW
};
_Static_assert(ARRAY_LEN(written) == CMD_ID_COUNT, "each id has one row");

const struct cmd *cmd_by_id(enum cmd_id id)
{
    ASSERT(id >= 0 && id < CMD_ID_COUNT);
    return &table[id];
}

const struct cmd *cmd_at(size_t i)
{
    ASSERT(i < CMD_ID_COMMANDS);
    return &table[i];
}

size_t cmd_count(void)
{
    return CMD_ID_COMMANDS;
}

const struct cmd *cmd_as_written(size_t i)
{
    ASSERT(i < ARRAY_LEN(written));
    return &table[written[i]];
}

/* --- lookup ------------------------------------------------------------- */

struct lower_name {
    size_t len;
    char text[NAME_LEN_MAX + 1];
};

/* Appends text in lower case; false if no name is like that. */
static bool lower_add(struct lower_name *n, struct bytes text)
{
    if (text.len == 0 || text.len > NAME_LEN_MAX - n->len)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '\0')
            return false;
        n->text[n->len++] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    n->text[n->len] = '\0';
    ASSERT(n->len <= NAME_LEN_MAX);
    return true;
}

/* Among the rows low..high-1, which are in order of names. */
static const struct cmd *search(const char *name, size_t low, size_t high)
{
    ASSERT(low <= high && high <= CMD_ID_COUNT);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, table[middle].name);
        if (order == 0)
            return &table[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct cmd *cmd_lookup(struct bytes name)
{
    struct lower_name n = {.len = 0};
    if (!lower_add(&n, name))
        return NULL;
    const struct cmd *c = search(n.text, 0, CMD_ID_COMMANDS);
    ASSERT(c == NULL || &table[c->id] == c);
    return c;
}

const struct cmd *cmd_lookup_sub(const struct cmd *container, struct bytes name)
{
    struct lower_name n = {.len = 0};
    ASSERT((container->flags & CMD_CONTAINER) != 0);
    if (!lower_add(&n, bytes_str(container->name)) ||
        !lower_add(&n, BYTES_LIT("|")) || !lower_add(&n, name))
        return NULL;
    const struct cmd *c = search(n.text, CMD_ID_COMMANDS, CMD_ID_COUNT);
    ASSERT(c == NULL || c->container == container->id);
    return c;
}

const struct cmd *cmd_lookup_any(struct bytes name)
{
    struct lower_name n = {.len = 0};
    if (!lower_add(&n, name))
        return NULL;
    const struct cmd *c = search(n.text, 0, CMD_ID_COMMANDS);
    if (c == NULL)
        c = search(n.text, CMD_ID_COMMANDS, CMD_ID_COUNT);
    ASSERT(c == NULL || table[c->id].name == c->name);
    return c;
}

static const struct cmd *at_level(const struct cmd *c, uint16_t level)
{
    ASSERT(level >= LEVEL_MIN);
    return c != NULL && cmd_level(c) <= level ? c : NULL;
}

const struct cmd *cmd_lookup_at(struct bytes name, uint16_t level)
{
    return at_level(cmd_lookup(name), level);
}

const struct cmd *cmd_lookup_again(const struct cmd *last, struct bytes name,
                                   uint16_t level)
{
    if (last != NULL && bytes_eq_nocase(name, bytes_str(last->name)) &&
        last->container == CMD_ID_NONE)
        return at_level(last, level);
    return cmd_lookup_at(name, level);
}

const struct cmd *cmd_lookup_sub_at(const struct cmd *container,
                                    struct bytes name, uint16_t level)
{
    return at_level(cmd_lookup_sub(container, name), level);
}

const struct cmd *cmd_lookup_any_at(struct bytes name, uint16_t level)
{
    return at_level(cmd_lookup_any(name), level);
}

bool cmd_arity_ok(const struct cmd *c, uint32_t argc)
{
    ASSERT(c->arity != 0 && argc >= 1);
    if (c->arity > 0)
        return argc == (uint32_t)c->arity;
    return argc >= (uint32_t)-c->arity;
}

/* --- categories --------------------------------------------------------- */

static const char *const categories[CAT_BITS] = {
#define CATEGORY(id, name) [CAT_BIT_##id] = name,
#include "table/categories.def"
#undef CATEGORY
};
_Static_assert(CAT_BITS <= 31, "categories are the bits of an enum");

const char *cmd_category_name(enum cmd_category_bit bit)
{
    ASSERT(bit < CAT_BITS);
    return categories[bit];
}

uint32_t cmd_category_find(struct bytes name)
{
    for (uint32_t bit = 0; bit < CAT_BITS; bit++) {
        ASSERT(categories[bit] != NULL);
        if (bytes_eq_nocase(name, bytes_str(categories[bit])))
            return UINT32_C(1) << bit;
    }
    return 0;
}
