/*
 * How it works: the table has, for each beginning of the one string and each of
 * the other, how long their longest common subsequence is. The parts are found
 * by a walk from the ends of both to where the numbers come from. Of several
 * ways that are equally long it goes that of Redis: back in b first.
 *
 * How it fails: it does not.
 */
#include "type/lcs.h"

#include "base/alloc.h"

static uint32_t *row_of(const struct lcs *l, size_t i)
{
    return l->table + i * (l->b.len + 1);
}

static void fill(struct lcs *l)
{
    memset(l->table, 0, (l->b.len + 1) * sizeof(uint32_t));
    for (size_t i = 1; i <= l->a.len; i++) {
        const uint32_t *above = row_of(l, i - 1);
        uint32_t *row = row_of(l, i);
        uint8_t byte = l->a.data[i - 1];
        row[0] = 0;
        for (size_t j = 1; j <= l->b.len; j++) {
            if (byte == l->b.data[j - 1])
                row[j] = above[j - 1] + 1;
            else
                row[j] = MAX(above[j], row[j - 1]);
        }
    }
}

void lcs_init(struct lcs *l, struct bytes a, struct bytes b)
{
    *l = (struct lcs){.a = a, .b = b};
    l->table = mem_alloc((size_t)lcs_memory(a.len, b.len));
    fill(l);
    l->length = row_of(l, a.len)[b.len];
    ASSERT(l->length <= MIN(a.len, b.len));
    lcs_rewind(l);
}

void lcs_release(struct lcs *l)
{
    mem_free(l->table);
    l->table = NULL;
}

void lcs_rewind(struct lcs *l)
{
    ASSERT(l->table != NULL);
    l->a_at = (uint32_t)l->a.len;
    l->b_at = (uint32_t)l->b.len;
}

static bool same(const struct lcs *l)
{
    return l->a.data[l->a_at - 1] == l->b.data[l->b_at - 1];
}

bool lcs_next(struct lcs *l, struct lcs_match *out)
{
    while (l->a_at > 0 && l->b_at > 0 && !same(l)) {
        const uint32_t *row = row_of(l, l->a_at);
        if (row_of(l, l->a_at - 1)[l->b_at] > row[l->b_at - 1])
            l->a_at--;
        else
            l->b_at--;
    }
    if (l->a_at == 0 || l->b_at == 0)
        return false;
    out->a_end = l->a_at - 1;
    out->b_end = l->b_at - 1;
    while (l->a_at > 0 && l->b_at > 0 && same(l)) {
        l->a_at--;
        l->b_at--;
    }
    out->a_start = l->a_at;
    out->b_start = l->b_at;
    ASSERT(out->a_start <= out->a_end);
    return true;
}
