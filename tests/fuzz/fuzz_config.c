/*
 * Configuration: a file, command-line words, and CONFIG SET.
 *
 * What is refused says why, in a few printable lines without the passwords
 * of the options concerned. What is accepted can be written down, option by
 * option, and a file of that is accepted and means the same. CONFIG SET
 * changes all or nothing, and what it accepted is what CONFIG GET shows.
 *
 * input: the file up to a byte 0, which may be none, then command-line words,
 * each ended by 0; behind a word "@set" they are the arguments of CONFIG SET.
 */
// link: config
#include "base/alloc.h"
#include "config/config.h"
#include "config/config_table.h"
#include "fuzz/fuzz.h"

#define ARGS_MAX 24

struct input {
    struct bytes file;
    char *argv[ARGS_MAX + 3];
    int argc;
    struct bytes set[ARGS_MAX];
    size_t set_count;
};

static char *copy_word(struct bytes b)
{
    char *s = mem_alloc(b.len + 1);
    if (b.len > 0)
        memcpy(s, b.data, b.len);
    s[b.len] = '\0';
    return s;
}

static struct bytes next_word(struct bytes *rest)
{
    const uint8_t *end =
        rest->len > 0 ? memchr(rest->data, 0, rest->len) : NULL;
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);
    struct bytes word = bytes_of(rest->data, len);
    *rest = bytes_from(*rest, MIN(len + 1, rest->len));
    return word;
}

static void input_split(struct input *in, struct bytes b)
{
    bool set = false;
    *in = (struct input){.argc = 0};
    in->argv[in->argc++] = copy_word(BYTES_LIT("vard"));
    in->file = next_word(&b);
    if (in->file.len > 0)
        in->argv[in->argc++] = copy_word(BYTES_LIT("file"));
    while (b.len > 0) {
        struct bytes word = next_word(&b);
        if (bytes_eq(word, BYTES_LIT("@set")))
            set = true;
        else if (set && in->set_count < ARGS_MAX)
            in->set[in->set_count++] = word;
        else if (!set && in->argc < ARGS_MAX)
            in->argv[in->argc++] = copy_word(word);
    }
}

static void input_release(struct input *in)
{
    for (int i = 0; i < in->argc; i++)
        mem_free(in->argv[i]);
}

/* The only file there is; includes of others fail. */
static int read_file(void *ctx, const char *path, struct buf *out)
{
    struct bytes *file = ctx;
    if (strcmp(path, "file") != 0 && strcmp(path, "-") != 0)
        return ERR_NOT_FOUND;
    buf_bytes(out, *file);
    return 0;
}

/* Printable, apart from line feeds, and not endless. */
static void check_text(const struct buf *text)
{
    ASSERT(text->len > 0 && text->len < 16 * 1024);
    for (size_t i = 0; i < text->len; i++)
        ASSERT(text->data[i] == '\n' ||
               (text->data[i] >= ' ' && text->data[i] != 0x7f));
}

/* Every option with its value, in the form of CONFIG GET, secrets too. */
static void dump(const struct config *c, struct buf *out)
{
    const struct option *o;
    for (size_t i = 0; (o = option_at(i)) != NULL; i++) {
        buf_printf(out, "%s=", o->name);
        option_format(c, o, out);
        buf_char(out, '\n');
    }
}

static void quote(struct buf *out, struct bytes text)
{
    buf_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c >= ' ' && c != '"' && c != '\\')
            buf_u8(out, c);
        else
            buf_printf(out, "\\x%02x", c);
    }
    buf_char(out, '"');
}

static void write_nodes(const struct config *c, struct buf *out)
{
    for (size_t i = 0; i < c->node_count; i++) {
        const struct config_node *n = &c->nodes[i];
        buf_printf(out, "node %u %s %s\n", n->id, n->peer_address,
                   n->client_address == NULL ? "" : n->client_address);
    }
}

static void write_bind(const struct config *c, struct buf *out)
{
    buf_str(out, "bind");
    for (size_t i = 0; i < c->bind_count; i++) {
        buf_char(out, ' ');
        quote(out, bytes_str(c->bind[i]));
    }
    buf_char(out, '\n');
}

/* A file that says all that `c` is. */
static void write_file(const struct config *c, struct buf *out)
{
    const struct option *o;
    struct buf value = BUF_INIT;
    for (size_t i = 0; (o = option_at(i)) != NULL; i++) {
        if (strcmp(o->name, "node") == 0) {
            write_nodes(c, out);
            continue;
        }
        if (strcmp(o->name, "bind") == 0) {
            write_bind(c, out);
            continue;
        }
        buf_reset(&value);
        option_format(c, o, &value);
        buf_printf(out, "%s ", o->name);
        quote(out, buf_view(&value));
        buf_char(out, '\n');
    }
    buf_release(&value);
}

static void check_round_trip(const struct config *c)
{
    struct buf text = BUF_INIT;
    struct buf before = BUF_INIT;
    struct buf after = BUF_INIT;
    struct buf error = BUF_INIT;
    struct config again;
    char *argv[] = {(char *)"vard", (char *)"file", NULL};
    write_file(c, &text);
    struct bytes file = buf_view(&text);
    struct config_source source = {read_file, &file};
    config_init(&again);
    int rc = config_load(&again, 2, argv, &source, &error);
    ASSERT(rc == CONFIG_RUN);
    dump(c, &before);
    dump(&again, &after);
    ASSERT(bytes_eq(buf_view(&before), buf_view(&after)));
    config_release(&again);
    buf_release(&text);
    buf_release(&before);
    buf_release(&after);
    buf_release(&error);
}

/* What clients see: the peers' secret is not for them. */
static void check_shown(void *ctx, struct bytes name, struct bytes value)
{
    size_t *count = ctx;
    (*count)++;
    if (bytes_eq(name, BYTES_LIT("peer-secret")))
        ASSERT(value.len == 0 || bytes_eq(value, BYTES_LIT("********")));
}

/* What the process list shows afterwards. */
static void check_hidden(const struct input *in)
{
    config_hide_secrets(in->argc, in->argv);
    for (int i = 2; i < in->argc; i++)
        if (strcmp(in->argv[i - 1], "--requirepass") == 0 &&
            in->argv[i][0] != '-')
            ASSERT(strspn(in->argv[i], "*") == strlen(in->argv[i]));
}

static void check_set(struct config *c, const struct input *in)
{
    struct buf before = BUF_INIT;
    struct buf after = BUF_INIT;
    struct buf error = BUF_INIT;
    dump(c, &before);
    int rc = config_set(c, in->set, in->set_count, &error);
    dump(c, &after);
    if (rc != 0) {
        ASSERT(rc == ERR_INVALID && error.len > 0);
        ASSERT(bytes_eq(buf_view(&before), buf_view(&after)));
    } else {
        ASSERT(error.len == 0 && in->set_count % 2 == 0);
        check_round_trip(c);
    }
    buf_release(&before);
    buf_release(&after);
    buf_release(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in;
    struct config c;
    struct buf error = BUF_INIT;
    input_split(&in, bytes_of(data, size));
    struct config_source source = {read_file, &in.file};
    config_init(&c);
    int rc = config_load(&c, in.argc, in.argv, &source, &error);
    if (rc < 0)
        check_text(&error);
    if (rc == CONFIG_RUN) {
        check_round_trip(&c);
        size_t shown = 0;
        size_t count =
            config_get(&c, in.set, in.set_count, check_shown, &shown);
        ASSERT(shown == count);
        check_set(&c, &in);
    }
    check_hidden(&in);
    config_release(&c);
    buf_release(&error);
    input_release(&in);
    return 0;
}
