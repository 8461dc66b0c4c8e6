/*
 * Lines of words: inline commands, and lines of configuration files, which
 * are split by other code in the same way (words stand between blanks, quotes
 * as in Redis). Both must agree; and the words, quoted again, must come back.
 */
// link: resp config
#include "base/arena.h"
#include "base/buf.h"
#include "config/config_words.h"
#include "fuzz/fuzz.h"
#include "resp/resp_reader.h"

static enum resp_result read_line(struct resp_reader *r, struct buf *line)
{
    struct resp_limits limits = {RESP_ARGC_MAX, RESP_BULK_MAX};
    size_t consumed = 0;
    size_t need = 0;
    const char *error = NULL;
    buf_str(line, "\r\n");
    enum resp_result res =
        resp_read(r, buf_view(line), &limits, &consumed, &need, &error);
    ASSERT(res != RESP_MORE);
    ASSERT(res == RESP_ERROR || consumed == line->len);
    return res;
}

static void quote(struct buf *line, struct bytes word)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    buf_char(line, '"');
    for (size_t i = 0; i < word.len; i++) {
        uint8_t c = word.data[i];
        uint8_t low = c & 15;
        if (c > ' ' && c < 0x7f && c != '"' && c != '\\') {
            buf_u8(line, c);
            continue;
        }
        buf_str(line, "\\x");
        buf_char(line, digits[c >> 4]);
        buf_char(line, digits[low + (low > 9 && i % 2 == 1 ? 6 : 0)]);
    }
    buf_char(line, '"');
}

/* The words come back whatever is in them. */
static void check_quoted(const struct resp_reader *r)
{
    struct resp_reader again;
    struct buf line = BUF_INIT;
    for (uint32_t i = 0; i < r->argc; i++) {
        if (i > 0)
            buf_char(&line, ' ');
        quote(&line, r->argv[i]);
    }
    resp_reader_init(&again);
    enum resp_result res = read_line(&again, &line);
    ASSERT(line.len > RESP_INLINE_MAX || res == RESP_COMMAND);
    if (res == RESP_COMMAND) {
        ASSERT(again.argc == r->argc);
        for (uint32_t i = 0; i < r->argc; i++)
            ASSERT(bytes_eq(again.argv[i], r->argv[i]));
    }
    resp_reader_release(&again);
    buf_release(&line);
}

/* Configuration files know two more blanks within a word. */
static bool is_comparable(struct bytes line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.data[i] == '\v' || line.data[i] == '\f')
            return false;
    return true;
}

static void check_config(struct bytes line, enum resp_result res,
                         const struct resp_reader *r)
{
    struct arena arena = ARENA_INIT;
    struct config_words words = {.count = 0};
    int rc = config_split(line, &arena, &words);
    ASSERT(words.count <= CONFIG_WORDS_MAX);
    if (is_comparable(line) && rc != ERR_TOO_BIG) {
        ASSERT((rc == 0) == (res != RESP_ERROR));
        ASSERT(rc != 0 || words.count == r->argc);
        for (size_t i = 0; rc == 0 && i < words.count; i++)
            ASSERT(bytes_eq(words.items[i], r->argv[i]));
    }
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || data[0] == '*' || memchr(data, '\n', size) != NULL)
        return 0;
    if (data[size - 1] == '\r' || size > RESP_INLINE_MAX / 8)
        return 0;
    struct resp_reader r;
    struct buf line = BUF_INIT;
    buf_append(&line, data, size);
    resp_reader_init(&r);
    enum resp_result res = read_line(&r, &line);
    if (res == RESP_COMMAND)
        check_quoted(&r);
    check_config(bytes_of(data, size), res, &r);
    resp_reader_release(&r);
    buf_release(&line);
    return 0;
}
