// link: rocks -Wl,--wrap=crc32c_extend
/* RocksDB's checksum: the library's calls reach ours, and would have got the
 * same from its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rocks/crc32c.h"
#include "rocks/rocks.h"
#include "rocks/rocks_crc32c.h"

#include "contract/temp_dir.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>

#define SIZE 300

/* The linker sends ours here first. */
static atomic_uint calls;
uint32_t __real_crc32c_extend(uint32_t crc, struct bytes data);
uint32_t __wrap_crc32c_extend(uint32_t crc, struct bytes data);

uint32_t __wrap_crc32c_extend(uint32_t crc, struct bytes data)
{
    atomic_fetch_add(&calls, 1);
    return __real_crc32c_extend(crc, data);
}

typedef uint32_t crc_fn(uint32_t crc, const char *data, size_t size);

static void same_as_ours(crc_fn *fn)
{
    char data[SIZE];
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (char)(i * 37 + i / 11);
    for (size_t len = 0; len <= SIZE; len++) {
        uint32_t expected = crc32c_extend(7, bytes_of(data, len));
        assert_int_equal(fn(7, data, len), expected);
        assert_int_equal(rocks_crc32c(7, data, len), expected);
    }
}

static void test_same(void **state)
{
    UNUSED(state);
#ifdef __x86_64__
    void *libs = dlsym(RTLD_NEXT, "_ZN7rocksdb6crc32c6ExtendEjPKcm");
    crc_fn *theirs;
    assert_non_null(rocks_open); /* the library is there */
    assert_non_null(libs);
    memcpy(&theirs, &libs, sizeof(theirs));
    assert_ptr_not_equal(theirs, rocks_crc32c);
    same_as_ours(theirs);
#else
    same_as_ours(rocks_crc32c);
#endif
}

/* Each record of the write-ahead log has a checksum. */
static void test_library_calls_it(void **state)
{
    UNUSED(state);
#ifdef __x86_64__
    struct temp_dir dir = temp_dir_new();
    char path[256];
    struct store *s = NULL;
    struct buf error = BUF_INIT;
    struct store_batch b = STORE_BATCH_INIT;
    struct rocks_options o = {.state_memory_bytes = 1 << 20,
                              .log_memory_bytes = 1 << 20,
                              .block_cache_bytes = 1 << 20,
                              .create = true};
    temp_dir_file(&dir, "db", path);
    assert_int_equal(rocks_open(&s, path, &o, &error), 0);
    for (int i = 0; i < 10; i++) {
        unsigned before = atomic_load(&calls);
        store_batch_reset(&b);
        store_batch_put(&b, STORE_LOG, BYTES_LIT("key"), BYTES_LIT("value"));
        assert_int_equal(store_write(s, &b, STORE_LOGGED), 0);
        assert_int_equal(store_sync(s), 0);
        assert_true(atomic_load(&calls) > before);
    }
    store_batch_release(&b);
    store_close(s);
    buf_release(&error);
    temp_dir_remove(&dir);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_library_calls_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
