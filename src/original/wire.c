/*
 * How it works: one pass over the text, no copies: what is parsed borrows.
 * Numbers are read as Verdi's vard reads them.
 *
 * How it fails: what does not belong to the protocol is an error, whatever it
 * is; there are no error replies in it.
 */
#include "original/wire.h"

#include "base/num.h"
#include "base/reader.h"

#include <inttypes.h>
#include <string.h>

int64_t original_frame(struct bytes input, uint64_t max, struct bytes *text,
                       size_t *need)
{
    *need = 4;
    if (input.len < 4)
        return 0;
    uint32_t len = load_u32le(input.data);
    if (len > max)
        return ERR_TOO_BIG;
    *need = 4 + (size_t)len;
    if (input.len < *need)
        return 0;
    *text = bytes_of(input.data + 4, len);
    ASSERT(*need <= input.len);
    return (int64_t)*need;
}

int original_parse_id(struct bytes text, char id[ORIGINAL_ID_LEN + 1])
{
    if (text.len != ORIGINAL_ID_LEN)
        return ERR_PROTOCOL;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t ch = text.data[i];
        if (!(ch >= '0' && ch <= '9') && !(ch >= 'a' && ch <= 'f'))
            return ERR_PROTOCOL;
    }
    memcpy(id, text.data, ORIGINAL_ID_LEN);
    id[ORIGINAL_ID_LEN] = '\0';
    ASSERT(strlen(id) == ORIGINAL_ID_LEN);
    return 0;
}

/* --- requests ----------------------------------------------------------- */

static bool is_word_char(uint8_t ch)
{
    return ch == '/' || (ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') ||
           (ch >= 'a' && ch <= 'z');
}

/* [/A-Za-z0-9]+ or a lone "-". */
static bool is_word(struct bytes text)
{
    if (bytes_eq(text, BYTES_LIT("-")))
        return true;
    for (size_t i = 0; i < text.len; i++)
        if (!is_word_char(text.data[i]))
            return false;
    return text.len > 0;
}

static bool is_space(uint8_t ch)
{
    return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

/* The next word; the text begins after it then. */
static struct bytes next_word(struct bytes *text)
{
    size_t begin = 0;
    while (begin < text->len && is_space(text->data[begin]))
        begin++;
    size_t end = begin;
    while (end < text->len && !is_space(text->data[end]))
        end++;
    ASSERT(begin <= end && end <= text->len);
    struct bytes word = bytes_of(text->data + begin, end - begin);
    *text = bytes_from(*text, end);
    return word;
}

/* Digits, leading zeros allowed, as Verdi's vard reads them. */
static bool parse_number(struct bytes text, uint64_t *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(text.data[i] - '0'), &v))
            return false;
    }
    *out = v;
    return text.len > 0;
}

struct operation {
    struct bytes name;
    const char *command;
    uint32_t args; /* taken of key, arg, arg */
};

static const struct operation operations[] = {
    {BYTES_LIT("GET"), "vard.get", 1}, {BYTES_LIT("PUT"), "vard.put", 2},
    {BYTES_LIT("DEL"), "vard.del", 1}, {BYTES_LIT("CAS"), "vard.cas", 3},
    {BYTES_LIT("CAD"), "vard.cad", 2},
};

int original_parse(struct bytes text, struct original_request *out)
{
    struct bytes words[5];
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        words[i] = next_word(&text);
    if (next_word(&text).len > 0 || !parse_number(words[0], &out->id))
        return ERR_PROTOCOL;
    for (size_t i = 2; i < ARRAY_LEN(words); i++)
        if (!is_word(words[i]))
            return ERR_PROTOCOL;
    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        const struct operation *op = &operations[i];
        if (!bytes_eq(words[1], op->name))
            continue;
        out->command = op->command;
        out->argc = 1 + op->args;
        out->argv[0] = bytes_str(op->command);
        ASSERT(out->argc <= ARRAY_LEN(out->argv));
        for (uint32_t j = 0; j < op->args; j++)
            out->argv[1 + j] = words[2 + j];
        return 0;
    }
    return ERR_PROTOCOL;
}

/* --- replies ------------------------------------------------------------ */

/* A line up to CR LF, after its first byte, which must be `type`. */
static bool take_number(struct bytes *in, uint8_t type, int64_t *out)
{
    size_t end = 1;
    if (in->len < 4 || in->data[0] != type)
        return false;
    while (end < in->len && in->data[end] != '\r')
        end++;
    if (in->len - end < 2 ||
        !num_parse_i64(bytes_of(in->data + 1, end - 1), out))
        return false;
    ASSERT(end + 2 <= in->len);
    *in = bytes_from(*in, end + 2);
    return true;
}

/* A bulk string of RESP2; a null becomes "-". */
static bool take_bulk(struct bytes *in, struct bytes *out)
{
    int64_t len;
    if (!take_number(in, '$', &len))
        return false;
    if (len < 0) {
        *out = BYTES_LIT("-");
        return true;
    }
    if (in->len < 2 || (uint64_t)len > in->len - 2)
        return false;
    *out = bytes_of(in->data, (size_t)len);
    *in = bytes_from(*in, (size_t)len + 2);
    return true;
}

int original_format(uint64_t id, struct bytes reply, struct buf *out)
{
    struct bytes parts[3];
    int64_t count;
    if (!take_number(&reply, '*', &count) || count != 3)
        return ERR_INVALID;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (!take_bulk(&reply, &parts[i]) || !is_word(parts[i]))
            return ERR_INVALID;
    size_t begin = out->len;
    buf_u32(out, 0);
    buf_printf(out, "Response %" PRIu64, id);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        buf_char(out, ' ');
        buf_bytes(out, parts[i]);
    }
    ASSERT(out->len > begin + 4);
    store_u32le(out->data + begin, (uint32_t)(out->len - begin - 4));
    return 0;
}
