/*
 * vard-bench: puts load on vard, or on any server that speaks the Redis
 * protocol, and measures. The rest of the room does it: see bench.h.
 *
 * How it fails: see run.c and options.c. The exit status is 1 if anything went
 * wrong or was answered with an error, and 2 for a wrong command line.
 */
#include "bench/bench.h"

int main(int argc, char **argv)
{
    return bench_main(&bench_resp, argc, argv);
}
