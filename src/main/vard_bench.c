/*
 * vard-bench: puts load on vard, or on any server that speaks the Redis
 * protocol, and measures. Everything is in vard_bench_*.c.
 */
#include "main/vard_bench.h"

int main(int argc, char **argv)
{
    return bench_main(&bench_resp, argc, argv);
}
