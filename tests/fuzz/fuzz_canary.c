/*
 * A planted fault: four bytes in the right order write past an array. If this
 * target ends well, the fuzzing or the sanitizers are blind.
 */
// link: base
#include "fuzz/fuzz.h"

static const char secret[] = "vard";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    volatile uint8_t seen[sizeof(secret) - 1] = {0};
    size_t i = 0;
    while (i < size && i < sizeof(secret) - 1 && data[i] == (uint8_t)secret[i])
        i++;
    seen[i] = 1; /* one too far when all of it matches */
    return 0;
}
