/*
 * Requests as a connection sees them. The input read in one piece and the
 * input read in pieces, from a buffer that moves, must give the same commands
 * and the same error; each command, written again as an array, the same
 * arguments; and memory follows what is there, not what is announced.
 *
 * input: limits(1) pieces(1) the connection's bytes.
 */
// link: resp
#include <stdlib.h>

#include "base/buf.h"
#include "fuzz/fuzz.h"
#include "resp/resp_reader.h"
#include "resp/resp_writer.h"

struct run {
    struct resp_limits limits;
    struct resp_reader reader;
    struct buf seen;   /* everything that came out */
    struct buf *again; /* the commands, written as arrays; or NULL */
    bool good;         /* no error */
    size_t left;       /* bytes that are no whole command */
};

static void check_memory(const struct resp_reader *r, size_t input)
{
    ASSERT(r->args_cap <= 8 + 2 * input);
    ASSERT(r->argv_cap <= 8 + 2 * input);
    ASSERT(r->inline_text == NULL || r->inline_text->cap <= 64 + 2 * input);
}

static void note_command(struct run *run)
{
    buf_char(&run->seen, '(');
    buf_u32(&run->seen, run->reader.argc);
    for (uint32_t i = 0; i < run->reader.argc; i++) {
        struct bytes arg = run->reader.argv[i];
        buf_u64(&run->seen, arg.len);
        buf_bytes(&run->seen, arg);
    }
}

/* The command as an array. */
static void write_again(const struct resp_reader *r, struct buf *out)
{
    struct resp_writer w = {.out = out, .protocol = 2};
    resp_array(&w, r->argc);
    for (uint32_t i = 0; i < r->argc; i++)
        resp_bulk(&w, r->argv[i]);
}

/* Reads what is in `input`; *pos moves past it. Returns false at an error,
 * otherwise *need is where the input must reach. */
static bool read_all(struct run *run, struct bytes input, size_t *pos,
                     size_t *need)
{
    for (;;) {
        struct bytes rest = bytes_from(input, *pos);
        size_t consumed = 0;
        const char *error = NULL;
        enum resp_result res = resp_read(&run->reader, rest, &run->limits,
                                         &consumed, need, &error);
        check_memory(&run->reader, input.len);
        switch (res) {
        case RESP_MORE:
            ASSERT(*need > rest.len && consumed == 0);
            *need += *pos;
            return true;
        case RESP_ERROR:
            buf_str(&run->seen, error);
            return false;
        case RESP_COMMAND:
            ASSERT(run->reader.argc > 0);
            note_command(run);
            if (run->again != NULL)
                write_again(&run->reader, run->again);
            break;
        case RESP_EMPTY:
            break;
        }
        ASSERT(consumed > 0 && consumed <= rest.len);
        *pos += consumed;
    }
}

static void run_whole(struct run *run, struct bytes input)
{
    size_t pos = 0;
    size_t need = 0;
    run->good = read_all(run, input, &pos, &need);
    run->left = input.len - pos;
}

/* In pieces, each time in a new block of exactly the right size: single bytes
 * of a short input, about eight pieces of a long one. */
static void run_pieces(struct run *run, struct bytes input, uint8_t pieces)
{
    size_t pos = 0;
    size_t need = 1;
    size_t step_max = 1 + input.len / 16 + pieces % 8;
    size_t step = 1 + pieces % step_max;
    bool waits = (pieces & 16) != 0; /* for what the reader needs */
    run->good = true;
    for (size_t len = 0; run->good && len < input.len;) {
        len = MIN(len + step, input.len);
        step = 1 + (step * 5 + pieces) % step_max;
        if (waits && len < need && len < input.len)
            continue;
        uint8_t *block = malloc(len);
        ASSERT(block != NULL);
        memcpy(block, input.data, len);
        run->good = read_all(run, bytes_of(block, len), &pos, &need);
        free(block);
    }
    run->left = input.len - pos;
}

static void run_init(struct run *run, uint8_t limits)
{
    *run = (struct run){.limits = {RESP_ARGC_MAX, RESP_BULK_MAX}};
    if (limits % 4 == 1)
        run->limits =
            (struct resp_limits){RESP_ARGC_MAX_UNAUTH, RESP_BULK_MAX_UNAUTH};
    if (limits % 4 == 2)
        run->limits.bulk_max = 100;
    resp_reader_init(&run->reader);
}

static void run_release(struct run *run)
{
    resp_reader_release(&run->reader);
    buf_release(&run->seen);
}

/* What was written again gives the same commands, and all of them. */
static void check_again(const struct run *whole, const struct buf *again)
{
    struct run second;
    run_init(&second, 0);
    run_whole(&second, buf_view(again));
    ASSERT(second.good && second.left == 0);
    ASSERT(second.seen.len <= whole->seen.len);
    ASSERT(second.seen.len == 0 ||
           memcmp(second.seen.data, whole->seen.data, second.seen.len) == 0);
    ASSERT(!whole->good || second.seen.len == whole->seen.len);
    run_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    struct bytes input = bytes_of(data + 2, size - 2);
    struct run whole;
    struct run pieces;
    struct buf again = BUF_INIT;
    run_init(&whole, data[0]);
    run_init(&pieces, data[0]);
    whole.again = &again;
    run_whole(&whole, input);
    run_pieces(&pieces, input, data[1]);
    ASSERT(whole.good == pieces.good);
    ASSERT(!whole.good || whole.left == pieces.left);
    ASSERT(bytes_eq(buf_view(&whole.seen), buf_view(&pieces.seen)));
    check_again(&whole, &again);
    run_release(&whole);
    run_release(&pieces);
    buf_release(&again);
    return 0;
}
