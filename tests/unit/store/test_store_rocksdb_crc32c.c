// link: store store_rocksdb
/* RocksDB's checksum: the library's calls reach ours, and would have got the
 * same from its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/crc32c.h"
#include "store/store_rocksdb.h"
#include "store/store_rocksdb_crc32c.h"

#include <dlfcn.h>
#include <string.h>

#define SIZE 300

typedef uint32_t crc_fn(uint32_t crc, const char *data, size_t size);

static void same_as_ours(crc_fn *fn)
{
    char data[SIZE];
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (char)(i * 37 + i / 11);
    for (size_t len = 0; len <= SIZE; len++) {
        uint32_t expected = crc32c_extend(7, bytes_of(data, len));
        assert_int_equal(fn(7, data, len), expected);
        assert_int_equal(store_rocksdb_crc32c(7, data, len), expected);
    }
}

static void test_library_calls_it(void **state)
{
    UNUSED(state);
#ifdef __x86_64__
    /* What the dynamic linker gives to whoever asks for RocksDB's. */
    void *found = dlsym(RTLD_DEFAULT, "_ZN7rocksdb6crc32c6ExtendEjPKcm");
    void *libs = dlsym(RTLD_NEXT, "_ZN7rocksdb6crc32c6ExtendEjPKcm");
    crc_fn *ours = store_rocksdb_crc32c;
    crc_fn *theirs;
    assert_non_null(store_rocksdb_open); /* the library is there */
    assert_memory_equal(&found, &ours, sizeof(found));
    assert_non_null(libs);
    assert_ptr_not_equal(libs, found);
    memcpy(&theirs, &libs, sizeof(theirs));
    same_as_ours(theirs);
#else
    same_as_ours(store_rocksdb_crc32c);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_library_calls_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
