/* RocksDB's format of records: whole files, torn ones, damaged ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "contract/temp_dir.h"
#include "rocks/crc32c.h"
#include "rocks/record_file.h"

#include <stdio.h>
#include <string.h>

#define BLOCK  32768
#define HEADER 7
#define FULL   1
#define FIRST  2
#define MIDDLE 3
#define LAST   4

static struct temp_dir dir;
static char path[TEMP_PATH_SIZE];
static struct buf content; /* of the file */

static int setup(void **state)
{
    UNUSED(state);
    dir = temp_dir_new();
    temp_dir_file(&dir, "000001.log", path);
    content = BUF_INIT;
    return 0;
}

static int teardown(void **state)
{
    UNUSED(state);
    buf_release(&content);
    temp_dir_remove(&dir);
    return 0;
}

static void add(uint8_t type, size_t len)
{
    struct buf body = BUF_INIT;
    buf_u8(&body, type);
    if (type > LAST && type < 9)
        buf_u32(&body, 77); /* number of a reused file */
    for (size_t i = 0; i < len; i++)
        buf_u8(&body, (uint8_t)(i * 31 + 5));
    buf_u32(&content, crc32c_masked(buf_view(&body)));
    buf_u16(&content, (uint16_t)len);
    buf_bytes(&content, buf_view(&body));
    buf_release(&body);
}

/* Checks the first `len` bytes as a file. */
static int check(size_t len, struct record_damage *d)
{
    *d = (struct record_damage){.offset = UINT64_MAX};
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(content.data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    int rc = record_file_check(path, d);
    assert_true((rc == ERR_CORRUPT) == (d->cause != NULL));
    return rc;
}

static void expect_whole(void)
{
    struct record_damage d;
    assert_int_equal(check(content.len, &d), 0);
}

static void expect_damage(uint64_t offset, const char *words)
{
    struct record_damage d;
    assert_int_equal(check(content.len, &d), ERR_CORRUPT);
    assert_int_equal(d.offset, offset);
    assert_non_null(strstr(d.cause, words));
}

static void test_whole(void **state)
{
    UNUSED(state);
    buf_reserve(&content, 1);
    expect_whole(); /* empty */
    add(FULL, 100);
    expect_whole();
    add(FULL, 0);
    add(5, 40); /* a full one in a reused file */
    add(FIRST, BLOCK - content.len - HEADER);
    assert_int_equal(content.len, BLOCK);
    expect_whole();
    add(MIDDLE, BLOCK - HEADER);
    add(LAST, 10);
    expect_whole();
    add(FULL, 3 * BLOCK - content.len - HEADER - 6); /* 6 bytes padding */
    buf_append(&content, "\0\0\0\0\0\0", 6);
    assert_int_equal(content.len, 3 * BLOCK);
    add(FULL, 1);
    expect_whole();
}

/* Wherever a power cut ends the file, it is not damaged. */
static void test_torn(void **state)
{
    UNUSED(state);
    struct record_damage d;
    add(FULL, 50);
    add(FULL, BLOCK - content.len - HEADER - 100);
    add(FIRST, BLOCK - content.len - HEADER);
    add(LAST, 80);
    add(FULL, 20);
    for (size_t len = BLOCK - 200; len <= content.len; len++)
        assert_int_equal(check(len, &d), 0);
    for (size_t len = 0; len < 200; len++)
        assert_int_equal(check(len, &d), 0);
}

/* Every flipped bit before the last record is found, in its record. (A wrong
 * length may look like a torn end.) */
static void test_flipped_bits(void **state)
{
    UNUSED(state);
    struct record_damage d;
    add(FULL, 30);
    add(FULL, 20);
    add(FULL, 10);
    size_t begin[] = {0, 37, 64};
    for (size_t at = 0; at < 64; at++) {
        size_t record = at < begin[1] ? 0 : 1;
        bool length = at - begin[record] == 4 || at - begin[record] == 5;
        for (int bit = 0; bit < 8; bit++) {
            content.data[at] ^= (uint8_t)(1 << bit);
            int rc = check(content.len, &d);
            assert_true(rc == ERR_CORRUPT || (length && rc == 0));
            if (rc == ERR_CORRUPT)
                assert_int_equal(d.offset, begin[record]);
            content.data[at] ^= (uint8_t)(1 << bit);
        }
    }
    expect_whole();
}

static void test_damage_in_second_block(void **state)
{
    UNUSED(state);
    add(FIRST, BLOCK - HEADER);
    add(LAST, 100);
    size_t third = content.len;
    add(FULL, 5000);
    add(FULL, 5000);
    content.data[third + 3000] ^= 0x10;
    expect_damage(third, "checksum");
}

static void test_length_beyond_block(void **state)
{
    UNUSED(state);
    add(FULL, 100);
    size_t second = content.len;
    add(FULL, BLOCK - content.len - HEADER);
    add(FULL, 10);
    content.data[second + 5] ^= 0x80;
    expect_damage(second, "length");
}

static void test_pieces_out_of_order(void **state)
{
    UNUSED(state);
    add(FULL, 10);
    add(LAST, 10);
    expect_damage(17, "beginning of a record is missing");
    buf_reset(&content);
    add(FIRST, 10);
    add(FULL, 10);
    expect_damage(17, "end of the record before");
    buf_reset(&content);
    add(MIDDLE, 10);
    expect_damage(0, "beginning");
    buf_reset(&content);
    add(FULL, 10);
    add(12, 10);
    expect_damage(17, "no known type");
}

static void test_zeroes(void **state)
{
    UNUSED(state);
    add(FULL, 10);
    for (int i = 0; i < 2 * BLOCK; i++)
        buf_u8(&content, 0);
    expect_whole(); /* space reserved, never written */
    content.data[content.len - 1] = 1;
    expect_damage(17, "zeroes");
    content.data[content.len - 1] = 0;
    content.data[40] = 1;
    expect_damage(17, "zeroes");
}

/* A sector of zeroes with something behind it may be a power cut's work; what
 * was before the sector in the same record is there. A flipped bit is not. */
static void test_unwritten(void **state)
{
    UNUSED(state);
    struct record_damage d;
    add(FULL, 600);
    size_t begin = content.len;
    add(FULL, 2000);
    add(FULL, 100);
    struct buf whole = BUF_INIT;
    buf_bytes(&whole, buf_view(&content));
    for (size_t sector = 1024; sector <= 2048; sector += 512) {
        memset(content.data + sector, 0, 512);
        assert_int_equal(check(content.len, &d), ERR_CORRUPT);
        assert_int_equal(d.offset, begin);
        assert_true(d.unwritten);
        memset(content.data + sector, 0, 511); /* not to the sector's end */
        content.data[sector + 511] = 1;
        assert_int_equal(check(content.len, &d), ERR_CORRUPT);
        assert_false(d.unwritten);
        memcpy(content.data, whole.data, whole.len);
    }
    /* The rest of a sector whose beginning was written before. */
    memset(content.data + begin, 0, 1024 - begin);
    assert_int_equal(check(content.len, &d), ERR_CORRUPT);
    assert_true(d.unwritten);
    memcpy(content.data, whole.data, whole.len);
    content.data[begin + 900] ^= 4;
    assert_int_equal(check(content.len, &d), ERR_CORRUPT);
    assert_false(d.unwritten);
    buf_release(&whole);
}

static void test_unreadable(void **state)
{
    UNUSED(state);
    struct record_damage d;
    char nothing[TEMP_PATH_SIZE];
    temp_dir_file(&dir, "nothing", nothing);
    assert_int_equal(record_file_check(nothing, &d), ERR_IO);
    assert_int_equal(record_file_check(dir.path, &d), ERR_IO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_whole),
        TEST(test_torn),
        TEST(test_flipped_bits),
        TEST(test_damage_in_second_block),
        TEST(test_length_beyond_block),
        TEST(test_pieces_out_of_order),
        TEST(test_zeroes),
        TEST(test_unwritten),
        TEST(test_unreadable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
