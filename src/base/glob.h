/*
 * Redis's patterns: * ? [a-z] [^a] and backslash. Iterative, with one position
 * to go back to: never more than pattern length times text length steps
 * (CVE-2022-36021 and CVE-2024-31228 were exponential or recursive).
 */
#ifndef BASE_GLOB_H
#define BASE_GLOB_H

#include "base/base.h"
#include "base/bytes.h"

MUST_USE bool glob_match(struct bytes pattern, struct bytes text, bool nocase);

#endif
