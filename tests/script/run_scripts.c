/*
 * run_scripts [--rewrite] FILE...: runs interaction scripts.
 *
 * A line "> command" is run; the lines after it, up to an empty line, a comment
 * (#) or the next command, are what it must print. Differences are shown; with
 * --rewrite the file gets the real output, to be read with a critical eye. A
 * violation of an invariant fails even then.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "script.h"

struct run {
    const char *path;
    struct buf text;   /* the file */
    struct buf actual; /* the file with the real output */
    struct script script;
    uint32_t line;
    uint32_t differences;
};

static int read_file(const char *path, struct buf *b)
{
    FILE *f = fopen(path, "r");
    size_t n;

    if (f == NULL) {
        return ERR_IO;
    }
    do {
        n = fread(buf_reserve(b, 4096), 1, 4096, f);
        b->len += n;
    } while (n > 0);
    bool failed = ferror(f) != 0;
    fclose(f);
    return failed ? ERR_IO : 0;
}

static int write_file(const char *path, const struct buf *b)
{
    FILE *f = fopen(path, "w");

    if (f == NULL) {
        return ERR_IO;
    }
    size_t n = fwrite(b->data, 1, b->len, f);
    return fclose(f) != 0 || n != b->len ? ERR_IO : 0;
}

/* The next line, with its end; false at the end of the text. */
static bool next_line(const struct run *run, size_t *at, struct bytes *line)
{
    if (*at >= run->text.len) {
        return false;
    }
    const uint8_t *from = run->text.data + *at;
    const uint8_t *end = memchr(from, '\n', run->text.len - *at);
    size_t len = end != NULL ? (size_t)(end - from) + 1 : run->text.len - *at;
    *line = bytes_of(from, len);
    *at += len;
    return true;
}

static bool is_output(struct bytes line)
{
    return line.len > 0 && line.data[0] != '>' && line.data[0] != '#' &&
           line.data[0] != '\n';
}

static void print_lines(char mark, const struct buf *b)
{
    bool begins = true;

    for (size_t i = 0; i < b->len; i++) {
        if (begins) {
            printf("#   %c ", mark);
        }
        putchar(b->data[i]);
        begins = b->data[i] == '\n';
    }
}

static void run_command(struct run *run, struct bytes line, size_t *at)
{
    struct buf expected = BUF_INIT;
    struct script *s = &run->script;
    char text[512];
    uint32_t number = run->line;

    for (size_t next = *at; next_line(run, &next, &line) && is_output(line);) {
        buf_bytes(&expected, line);
        *at = next;
        run->line++;
    }
    size_t len = run->actual.len;
    size_t from = len;
    while (from > 0 && run->actual.data[from - 1] != '>') {
        from--;
    }
    snprintf(text, sizeof(text), "%.*s", (int)(len - from - 1),
             (const char *)run->actual.data + from);
    script_command(s, text);
    buf_append(&run->actual, s->out.data, s->out.len);
    if (s->out.len != expected.len ||
        (expected.len > 0 &&
         memcmp(s->out.data, expected.data, expected.len) != 0)) {
        run->differences++;
        printf("# %s:%u: >%s\n", run->path, number, text);
        print_lines('-', &expected);
        print_lines('+', &s->out);
    }
    buf_release(&expected);
}

/* True if the script printed what it should and broke nothing. */
static bool run_file(const char *path, bool rewrite)
{
    struct run run;
    struct bytes line;
    size_t at = 0;

    memset(&run, 0, sizeof(run));
    run.path = path;
    int result = read_file(path, &run.text);
    while (result == 0 && next_line(&run, &at, &line)) {
        run.line++;
        buf_bytes(&run.actual, line);
        if (line.data[0] == '>') {
            run_command(&run, line, &at);
        }
    }
    if (result == 0 && rewrite && run.differences > 0) {
        result = write_file(path, &run.actual);
        run.differences = 0;
    }
    if (result < 0) {
        printf("# %s: %s\n", path, strerror(errno));
    }
    bool ok = result == 0 && run.differences == 0 && !run.script.broken &&
              run.script.c != NULL;
    script_release(&run.script);
    buf_release(&run.text);
    buf_release(&run.actual);
    return ok;
}

int main(int argc, char **argv)
{
    bool rewrite = argc > 1 && strcmp(argv[1], "--rewrite") == 0;
    int first = rewrite ? 2 : 1;
    int failed = 0;

    printf("1..%d\n", argc - first);
    for (int i = first; i < argc; i++) {
        bool ok = run_file(argv[i], rewrite);
        const char *name = strrchr(argv[i], '/');
        printf("%sok %d - %s\n", ok ? "" : "not ", i - first + 1,
               name != NULL ? name + 1 : argv[i]);
        failed += !ok;
    }
    return failed == 0 && argc > first ? 0 : 1;
}
