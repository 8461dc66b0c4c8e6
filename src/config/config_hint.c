/*
 * What the writer of an unknown option may have meant: the name with the least
 * edit distance (insert, delete, replace, swap neighbours), if this distance is
 * small compared with the name.
 *
 * Nothing here fails: if no name is near enough, or the word is too long to
 * be one, there is no hint (NULL).
 */
#include "config/config_table.h"

#define NAME_MAX_LEN 40

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static size_t min3(size_t a, size_t b, size_t c)
{
    return MIN(MIN(a, b), c);
}

/* Wagner and Fischer's table, of which the last three rows are needed. */
static size_t distance(struct bytes a, struct bytes b)
{
    ASSERT(a.len <= NAME_MAX_LEN && b.len <= NAME_MAX_LEN);
    size_t rows[3][NAME_MAX_LEN + 1];
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            uint8_t x = lower(a.data[i - 1]);
            uint8_t y = lower(b.data[j - 1]);
            row[j] =
                min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b.data[j - 2]) &&
                lower(a.data[i - 2]) == y)
                row[j] = MIN(row[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

/* Whether one begins with the other: "maxclient", "log-size-maximum". */
static bool is_prefix(struct bytes a, struct bytes b)
{
    size_t n = MIN(a.len, b.len);
    return n >= 4 && bytes_eq_nocase(bytes_of(a.data, n), bytes_of(b.data, n));
}

const struct option *option_nearest(struct bytes name)
{
    if (name.len > NAME_MAX_LEN)
        return NULL;
    const struct option *best = NULL;
    size_t best_distance = MAX(name.len / 3, (size_t)2) + 1;
    const struct option *o;
    for (size_t i = 0; (o = option_at(i)) != NULL; i++) {
        struct bytes other = bytes_str(o->name);
        /* Each additional or missing byte is an edit. */
        if (MAX(name.len, other.len) - MIN(name.len, other.len) >=
            best_distance)
            continue;
        size_t d = distance(name, other);
        /* Short words are always similar: "abc" is not "dir". */
        if (d < best_distance && d < other.len && d < name.len) {
            best = o;
            best_distance = d;
        }
    }
    for (size_t i = 0; best == NULL && (o = option_at(i)) != NULL; i++) {
        if (is_prefix(name, bytes_str(o->name)))
            best = o;
    }
    return best;
}
