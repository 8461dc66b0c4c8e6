/*
 * vard-bench: puts load on vard, or on any server that speaks the Redis
 * protocol, and measures. The rest of the room does it: see bench.h.
 */
#include "bench/bench.h"

int main(int argc, char **argv)
{
    return bench_main(&bench_resp, argc, argv);
}
