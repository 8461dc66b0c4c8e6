/*
 * The part of base/bytes.h that is not inline. Only ASCII letters have a case,
 * whatever the locale. Nothing here can fail.
 */
#include "base/bytes.h"

/*@ assigns \nothing;
  @ ensures \result == fold(c); */
static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

bool bytes_eq_nocase(struct bytes a, struct bytes b)
{
    if (a.len != b.len)
        return false;
    /*@ loop invariant 0 <= i <= a.len;
      @ loop invariant \forall integer k;
      @     0 <= k < i ==> fold(a.data[k]) == fold(b.data[k]);
      @ loop assigns i;
      @ loop variant a.len - i; */
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    }
    return true;
}
