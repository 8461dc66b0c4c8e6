/*
 * Configurations, and what asks for a life and answers. What is accepted
 * encodes to the same bytes, and a configuration makes members that the core
 * takes.
 *
 * input: kind(1) the record.
 */
// link: codec raft
#include "codec/admit.h"
#include "codec/configuration.h"
#include "fuzz/fuzz.h"

static bool decode_configuration(struct bytes b, struct buf *again)
{
    struct configuration c;
    struct raft_members members;

    if (configuration_decode(b, &c) != 0)
        return false;
    configuration_encode(&c, again);
    ASSERT(again->len <= CONFIGURATION_SIZE_MAX);
    configuration_members(&c, &members);
    ASSERT(raft_members_valid(&members));
    return true;
}

static bool decode_admit(struct bytes b, struct buf *again)
{
    struct admit a;

    if (admit_decode(b, &a) != 0)
        return false;
    admit_encode(&a, again);
    return true;
}

static bool decode_grant(struct bytes b, struct buf *again)
{
    struct grant g;

    if (grant_decode(b, &g) != 0)
        return false;
    grant_encode(&g, again);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = fuzz_of(data, size);
    uint32_t kind = fuzz_below(&f, 3);
    struct buf again = BUF_INIT;
    bool good = kind == 0   ? decode_configuration(f.rest, &again)
                : kind == 1 ? decode_admit(f.rest, &again)
                            : decode_grant(f.rest, &again);

    ASSERT(!good || bytes_eq(buf_view(&again), f.rest));
    buf_release(&again);
    return 0;
}
