/*
 * Digits are added up below zero, where the range of int64_t is larger, so that
 * its smallest value needs no special case. Text that is not a number in
 * exactly this form is refused; nothing else can fail.
 */
#include "base/num.h"

#include <string.h>

/*@ assigns \nothing;
  @ ensures \result <==> digit(c); */
static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

bool num_parse_u64(struct bytes text, uint64_t *out)
{
    ASSERT(out != NULL);
    if (text.len == 0 || (text.len > 1 && text.data[0] == '0'))
        return false;
    uint64_t v = 0;
    /*@ loop invariant 0 <= i <= text.len;
      @ loop invariant digits(text.data, i);
      @ loop invariant v == decimal(text.data, i);
      @ loop assigns i, v;
      @ loop variant text.len - i; */
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i]) || __builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, (uint64_t)(text.data[i] - '0'), &v)) {
            /*@ assert digit(text.data[i]) ==>
              @        decimal(text.data, i + 1) > UINT64_MAX; */
            return false;
        }
    }
    *out = v;
    return true;
}

bool num_parse_i64(struct bytes text, int64_t *out)
{
    ASSERT(out != NULL);
    bool negative = text.len > 0 && text.data[0] == '-';
    uint64_t v = 0;
    if (!num_parse_u64(negative ? bytes_from(text, 1) : text, &v))
        return false;
    if (negative) {
        if (v == 0 || v > (uint64_t)INT64_MAX + 1)
            return false;
        *out = -(int64_t)(v - 1) - 1;
    } else {
        if (v > (uint64_t)INT64_MAX)
            return false;
        *out = (int64_t)v;
    }
    return true;
}

size_t num_format_i64(int64_t v, char out[NUM_TEXT_MAX])
{
    ASSERT(out != NULL);
    char digits[NUM_TEXT_MAX];
    size_t n = 0;
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do {
        digits[n++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (v < 0)
        digits[n++] = '-';
    ASSERT(n < NUM_TEXT_MAX);

    for (size_t i = 0; i < n; i++)
        out[i] = digits[n - 1 - i];
    out[n] = '\0';
    return n;
}

/* The factor of a unit; 0 if the unit is unknown. */
static uint64_t unit_of(struct bytes unit)
{
    static const struct {
        const char *name;
        uint64_t value;
    } units[] = {
        {"", 1},
        {"b", 1},
        {"k", 1000},
        {"kb", UINT64_C(1) << 10},
        {"m", 1000 * 1000},
        {"mb", UINT64_C(1) << 20},
        {"g", 1000 * 1000 * 1000},
        {"gb", UINT64_C(1) << 30},
    };
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (bytes_eq_nocase(unit, bytes_str(units[i].name)))
            return units[i].value;
    }
    return 0;
}

bool num_parse_size(struct bytes text, uint64_t *out)
{
    ASSERT(out != NULL);
    size_t digits = 0;
    while (digits < text.len && is_digit(text.data[digits]))
        digits++;
    uint64_t v = 0;
    uint64_t unit = unit_of(bytes_from(text, digits));
    if (unit == 0 || !num_parse_u64(bytes_of(text.data, digits), &v))
        return false;
    return !__builtin_mul_overflow(v, unit, out);
}
