/*
 * How the allocator (jemalloc) is set up; it reads this variable when the
 * program starts, and MALLOC_CONF in the environment overrides it.
 *
 * Values of many megabytes pass through a dozen large blocks each. By default
 * jemalloc gives blocks above 8 MiB back at once, and faulting them in again
 * 4 KiB at a time costs more than copying: keep them for a while, and let
 * the kernel use huge pages.
 */
extern const char *malloc_conf;
const char *malloc_conf = "oversize_threshold:0,thp:always";
