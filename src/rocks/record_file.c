/*
 * One pass, block by block. What is no damage, because a crash leaves it: a
 * record that the file's end cuts off, and zeroes from some place to the end.
 * What is damage, but may have been left by a power cut, is marked: a sector
 * of zeroes with something after it.
 *
 * How it fails: ERR_CORRUPT with the first damaged place; ERR_IO if the file
 * cannot be read.
 */
#include "rocks/record_file.h"

#include "base/alloc.h"
#include "base/reader.h"
#include "os/file.h"
#include "rocks/crc32c.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_SIZE      32768
#define HEADER_SIZE     7
#define CHECKED_FROM    6 /* the checksum covers type and payload */
#define REUSED_NUMBER   4 /* bytes of file number in reused types */
#define TYPE_LAST_KNOWN 9
#define SECTOR_SIZE     512

enum piece { PIECE_NONE, PIECE_FULL, PIECE_FIRST, PIECE_MIDDLE, PIECE_LAST };

struct walk {
    struct record_damage *out;
    bool inside; /* a first piece was seen, its last not yet */
    bool zeroes; /* from zeroes_at on; only more of them may follow */
    uint64_t zeroes_at;
    bool unwritten; /* the zeroes fill a sector, from zeroes_at on */
};

static int damage(struct walk *w, uint64_t offset, const char *cause)
{
    ASSERT(cause != NULL);
    *w->out = (struct record_damage){
        .offset = offset, .cause = cause, .unwritten = w->unwritten};
    return ERR_CORRUPT;
}

static bool is_zero(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++) {
        if (b.data[i] != 0)
            return false;
    }
    return b.len > 0;
}

/* Is one of the sectors that `part` lies in, which begins at `at` in the
 * file, zeroes? What is before `part` was written earlier. `last`: the file
 * ends with it, perhaps within a sector. */
static bool has_unwritten(struct bytes part, uint64_t at, bool last)
{
    while (part.len > 0) {
        size_t in_sector = SECTOR_SIZE - (size_t)(at % SECTOR_SIZE);
        size_t len = MIN(in_sector, part.len);
        if ((len == in_sector || last) && is_zero(bytes_of(part.data, len)))
            return true;
        part = bytes_from(part, len);
        at += len;
    }
    return false;
}

static int check_zeroes(struct walk *w, struct bytes rest)
{
    ASSERT(w->zeroes);
    if (rest.len == 0 || is_zero(rest))
        return 0;
    return damage(w, w->zeroes_at, "there are zeroes where records should be");
}

/* Pieces must come in their order. */
static int check_piece(struct walk *w, uint8_t type, uint64_t offset)
{
    if (type > TYPE_LAST_KNOWN || type == PIECE_NONE)
        return damage(w, offset, "a record is of no known type");
    if (type == TYPE_LAST_KNOWN)
        return 0; /* a mark about compression; vard's files have none */
    enum piece piece = (enum piece)(type > 4 ? type - 4 : type);
    bool goes_on = piece == PIECE_MIDDLE || piece == PIECE_LAST;
    if (goes_on != w->inside)
        return damage(w, offset,
                      goes_on ? "the beginning of a record is missing"
                              : "the end of the record before is missing");
    w->inside = piece == PIECE_FIRST || piece == PIECE_MIDDLE;
    return 0;
}

/* The record at the beginning of `rest`. Returns its size; 0: the file's end
 * cuts it off; or an error. `last`: the file ends with this block. */
static int check_record(struct walk *w, struct bytes rest, uint64_t offset,
                        bool last)
{
    ASSERT(rest.len >= HEADER_SIZE);
    struct reader r = reader_of(rest);
    uint32_t crc = reader_u32(&r);
    size_t len = reader_u16(&r);
    uint8_t type = reader_u8(&r);
    bool reused = type > PIECE_LAST && type < TYPE_LAST_KNOWN;
    size_t size = HEADER_SIZE + len + (reused ? REUSED_NUMBER : 0);
    if (size > rest.len)
        return last ? 0 : damage(w, offset, "the length of a record is wrong");
    struct bytes checked =
        bytes_of(rest.data + CHECKED_FROM, size - CHECKED_FROM);
    if (crc32c_masked(checked) != crc) {
        size_t in_sector = SECTOR_SIZE - (offset + size) % SECTOR_SIZE;
        size_t touched = MIN(size + in_sector, rest.len);
        w->unwritten = has_unwritten(bytes_of(rest.data, touched), offset,
                                     last && touched == rest.len);
        return damage(w, offset, "the checksum of a record is wrong");
    }
    int err = check_piece(w, type, offset);
    return err != 0 ? err : (int)size;
}

static bool is_zero_header(struct bytes rest)
{
    ASSERT(rest.len >= HEADER_SIZE);
    return rest.data[4] == 0 && rest.data[5] == 0 && rest.data[6] == 0;
}

static int check_block(struct walk *w, struct bytes block, uint64_t at)
{
    ASSERT(block.len <= BLOCK_SIZE);
    ASSERT(at % BLOCK_SIZE == 0);
    struct bytes rest = block;
    while (!w->zeroes && rest.len >= HEADER_SIZE) {
        uint64_t offset = at + (block.len - rest.len);
        if (is_zero_header(rest)) {
            w->zeroes = true;
            w->zeroes_at = offset;
            w->unwritten = has_unwritten(rest, offset, false);
            break;
        }
        int size = check_record(w, rest, offset, block.len < BLOCK_SIZE);
        if (size <= 0)
            return size;
        rest = bytes_from(rest, (size_t)size);
    }
    return w->zeroes ? check_zeroes(w, rest) : 0;
}

static int check_file(struct walk *w, int fd, uint8_t *block)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return ERR_IO;
    ASSERT(st.st_size >= 0);
    int err = 0;
    for (int64_t at = 0; err == 0 && at < st.st_size; at += BLOCK_SIZE) {
        size_t len = (size_t)MIN(st.st_size - at, (int64_t)BLOCK_SIZE);
        if (file_pread(fd, block, len, at) != 0)
            return ERR_IO;
        err = check_block(w, bytes_of(block, len), (uint64_t)at);
    }
    return err;
}

int record_file_check(const char *path, struct record_damage *out)
{
    ASSERT(path != NULL && path[0] != 0);
    ASSERT(out != NULL);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    struct walk w = {.out = out};
    uint8_t *block = mem_alloc(BLOCK_SIZE);
    int err = check_file(&w, fd, block);
    mem_free(block);
    close(fd);
    return err;
}
