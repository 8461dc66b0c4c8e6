/*
 * getrandom blocks until the kernel's generator is seeded, and may return fewer
 * bytes than asked for; both cases are handled here.
 *
 * How it fails: any other failure of getrandom is an assertion, because without
 * its bytes no seed and no challenge is safe.
 */
#include "os/entropy.h"

#include <errno.h>
#include <sys/random.h>

void entropy_fill(void *data, size_t len)
{
    ASSERT(data != NULL || len == 0);
    uint8_t *p = data;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        ASSERT(n > 0);
        ASSERT((size_t)n <= len);
        p += n;
        len -= (size_t)n;
    }
}

uint64_t entropy_u64(void)
{
    uint64_t v;
    entropy_fill(&v, sizeof(v));
    return v;
}
