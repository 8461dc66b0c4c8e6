/*
 * Walks pattern and text side by side. At a star it remembers both positions;
 * at a mismatch it goes back to the last star, lets it match one more byte, and
 * continues. Only the last star matters: whatever more an earlier one could
 * match, the last one can match as well. Every pattern is valid (as in Redis,
 * an open bracket ends at the end of the pattern, and a last backslash is a
 * backslash), so there is no failure.
 */
#include "base/glob.h"

/*@ assigns \nothing; */
static uint8_t fold(uint8_t c, bool nocase)
{
    return nocase && c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/*@ assigns \nothing;
  @ ensures \result <==> a <= c <= b || b <= c <= a; */
static bool in_range(uint8_t a, uint8_t b, uint8_t c)
{
    return a <= b ? c >= a && c <= b : c >= b && c <= a;
}

/* The class whose '[' is at *pos; moves *pos past it. */
/*@ requires readable(pattern) && \valid(pos) && *pos < pattern.len;
  @ requires pattern.data[*pos] == '[' && pattern.len < SIZE_MAX;
  @ assigns *pos;
  @ ensures \old(*pos) < *pos <= pattern.len; */
static bool class_match(struct bytes pattern, size_t *pos, uint8_t c,
                        bool nocase)
{
    size_t i = *pos + 1;
    const uint8_t *p = pattern.data;
    ASSERT(p[*pos] == '[');
    bool negated = i < pattern.len && p[i] == '^';
    if (negated)
        i++;
    bool found = false;
    c = fold(c, nocase);
    /*@ loop invariant *pos < i <= pattern.len;
      @ loop assigns i, found;
      @ loop variant pattern.len - i; */
    while (i < pattern.len && p[i] != ']') {
        if (p[i] == '\\' && i + 1 < pattern.len) {
            found |= fold(p[i + 1], nocase) == c;
            i += 2;
        } else if (i + 2 < pattern.len && p[i + 1] == '-') {
            found |= in_range(fold(p[i], nocase), fold(p[i + 2], nocase), c);
            i += 3;
        } else {
            found |= fold(p[i], nocase) == c;
            i++;
        }
    }
    *pos = MIN(i + 1, pattern.len);
    return found != negated;
}

/* One element of the pattern, not a star, against one byte. */
/*@ requires readable(pattern) && \valid(pos) && *pos < pattern.len;
  @ requires pattern.len < SIZE_MAX;
  @ assigns *pos;
  @ ensures \old(*pos) < *pos <= pattern.len; */
static bool element_match(struct bytes pattern, size_t *pos, uint8_t c,
                          bool nocase)
{
    ASSERT(*pos < pattern.len);
    uint8_t p = pattern.data[*pos];
    if (p == '[')
        return class_match(pattern, pos, c, nocase);
    if (p == '\\' && *pos + 1 < pattern.len)
        p = pattern.data[++*pos];
    else if (p == '?')
        p = c;
    ++*pos;
    return fold(p, nocase) == fold(c, nocase);
}

bool glob_match(struct bytes pattern, struct bytes text, bool nocase)
{
    ASSERT(pattern.data != NULL || pattern.len == 0);
    ASSERT(text.data != NULL || text.len == 0);
    size_t p = 0;
    size_t t = 0;
    bool starred = false;
    size_t star_p = 0; /* after the last star */
    size_t star_t = 0; /* the end of what it has matched */
    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            starred = true;
            star_p = ++p;
            star_t = t;
            if (p == pattern.len)
                return true;
        } else if (p < pattern.len &&
                   element_match(pattern, &p, text.data[t], nocase)) {
            t++;
        } else if (starred) {
            p = star_p;
            t = ++star_t;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '*')
        p++;
    return p == pattern.len;
}
