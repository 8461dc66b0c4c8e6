/*
 * Numbers and patterns of the base, against simple rewritings of what they
 * promise: decimal numbers by the C library, sizes by their unit, patterns by
 * a table of all prefixes.
 *
 * input: kind(1), then a number, or a pattern and a text.
 */
// link: base
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/glob.h"
#include "base/num.h"
#include "fuzz/fuzz.h"

#define NUMBER_MAX 40

static bool only_digits(const char *s)
{
    size_t n = strspn(s, "0123456789");
    return n > 0 && s[n] == '\0' && (n == 1 || s[0] != '0');
}

/* Digits, no leading zeros, no "-0", in range. */
static bool simple_i64(const char *s, int64_t *out)
{
    errno = 0;
    *out = strtoll(s, NULL, 10);
    bool negative = s[0] == '-';
    return only_digits(s + (negative ? 1 : 0)) && errno == 0 &&
           !(negative && *out == 0);
}

static bool simple_u64(const char *s, uint64_t *out)
{
    errno = 0;
    *out = strtoull(s, NULL, 10);
    return only_digits(s) && errno == 0;
}

static void check_number(struct bytes text)
{
    char s[NUMBER_MAX + 1];
    char back[NUM_TEXT_MAX];
    int64_t i = 0;
    int64_t want_i = 0;
    uint64_t u = 0;
    uint64_t want_u = 0;
    if (text.len > NUMBER_MAX || memchr(text.data, 0, text.len) != NULL)
        return;
    memcpy(s, text.data, text.len);
    s[text.len] = '\0';
    bool good = num_parse_i64(text, &i);
    ASSERT(good == simple_i64(s, &want_i) && (!good || i == want_i));
    if (good) {
        ASSERT(num_format_i64(i, back) == text.len);
        ASSERT(strcmp(back, s) == 0);
    }
    good = num_parse_u64(text, &u);
    ASSERT(good == simple_u64(s, &want_u) && (!good || u == want_u));
    if (num_parse_size(text, &u)) {
        size_t digits = strspn(s, "0123456789");
        ASSERT(digits > 0 && text.len - digits <= 2);
        s[digits] = '\0';
        ASSERT(simple_u64(s, &want_u) && u >= want_u);
        ASSERT(want_u == 0 || u % want_u == 0);
    }
}

static void check_format(int64_t v)
{
    char text[NUM_TEXT_MAX];
    char want[NUM_TEXT_MAX + 8];
    size_t len = num_format_i64(v, text);
    int64_t back = 0;
    snprintf(want, sizeof(want), "%" PRId64, v);
    ASSERT(strcmp(text, want) == 0 && len == strlen(want));
    ASSERT(num_parse_i64(bytes_of(text, len), &back) && back == v);
}

static bool same(uint8_t a, uint8_t b, bool nocase)
{
    struct bytes x = bytes_of(&a, 1);
    struct bytes y = bytes_of(&b, 1);
    return nocase ? bytes_eq_nocase(x, y) : a == b;
}

/* The element at pattern[*p] takes c; moves *p behind it. No brackets. */
static bool takes(struct bytes pattern, size_t *p, uint8_t c, bool nocase)
{
    uint8_t e = pattern.data[*p];
    if (e == '\\' && *p + 1 < pattern.len)
        e = pattern.data[++*p];
    else if (e == '?')
        e = c;
    ++*p;
    return same(e, c, nocase);
}

/* reach[t]: the pattern so far takes the first t bytes of the text. */
static bool simple_glob(struct bytes pattern, struct bytes text, bool nocase)
{
    bool *reach = mem_zalloc(text.len + 1);
    reach[0] = true;
    for (size_t p = 0; p < pattern.len;) {
        size_t next = p;
        if (pattern.data[p] == '*') {
            next = p + 1;
            for (size_t t = 1; t <= text.len; t++)
                reach[t] = reach[t] || reach[t - 1];
        } else {
            (void)takes(pattern, &next, 0, nocase);
            for (size_t t = text.len; t > 0; t--) {
                size_t at = p;
                reach[t] = reach[t - 1] &&
                           takes(pattern, &at, text.data[t - 1], nocase);
            }
            reach[0] = false;
        }
        p = next;
    }
    bool match = reach[text.len];
    mem_free(reach);
    return match;
}

static void check_glob(struct fuzz *f, bool nocase)
{
    struct bytes pattern = fuzz_text(f);
    struct bytes text = f->rest;
    bool match = glob_match(pattern, text, nocase);
    if (pattern.len == 0 || memchr(pattern.data, '[', pattern.len) == NULL)
        ASSERT(match == simple_glob(pattern, text, nocase));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = fuzz_of(data, size);
    switch (fuzz_below(&f, 4)) {
    case 0:
        check_format((int64_t)fuzz_number(&f));
        break;
    case 1:
        check_number(f.rest);
        break;
    case 2:
        check_glob(&f, false);
        break;
    default:
        check_glob(&f, true);
        break;
    }
    return 0;
}
