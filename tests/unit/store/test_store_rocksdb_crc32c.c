// link: store store_rocksdb
/* RocksDB's checksum: the same as ever, and the library's calls reach it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/crc32c.h"
#include "store/store_rocksdb.h"
#include "store/store_rocksdb_crc32c.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <string.h>

#define SIZE 300

typedef uint32_t crc_fn(uint32_t crc, const char *data, size_t size);

/* Every length, alignment and split, against the one that is known to be
 * right. */
static void same_as_plain(crc_fn *fn)
{
    struct crc32c c;
    uint8_t data[SIZE];
    crc32c_init(&c);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)(i * 37 + i / 11);
    for (size_t begin = 0; begin < 16; begin++) {
        for (size_t len = 0; len <= SIZE - begin; len++) {
            const char *text = (const char *)data + begin;
            uint32_t expected = crc32c_of(&c, bytes_of(data + begin, len));
            assert_int_equal(fn(0, text, len), expected);
            size_t part = len / 3;
            uint32_t first = fn(0, text, part);
            assert_int_equal(fn(first, text + part, len - part), expected);
        }
    }
}

static void test_values(void **state)
{
    UNUSED(state);
    same_as_plain(store_rocksdb_crc32c);
    same_as_plain(store_rocksdb_crc32c_plain);
}

#ifdef __x86_64__
/* What the dynamic linker gives to whoever asks for RocksDB's function. */
static void test_library_calls_it(void **state)
{
    UNUSED(state);
    assert_non_null(store_rocksdb_open); /* the library is there */
    void *found = dlsym(RTLD_DEFAULT, "_ZN7rocksdb6crc32c6ExtendEjPKcm");
    void *libs = dlsym(RTLD_NEXT, "_ZN7rocksdb6crc32c6ExtendEjPKcm");
    crc_fn *ours = store_rocksdb_crc32c;
    assert_memory_equal(&found, &ours, sizeof(found));
    /* The one that it replaces gives the same. */
    assert_non_null(libs);
    assert_ptr_not_equal(libs, found);
    crc_fn *theirs;
    memcpy(&theirs, &libs, sizeof(theirs));
    same_as_plain(theirs);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
#ifdef __x86_64__
        cmocka_unit_test(test_library_calls_it),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
