/*
 * A config that is loaded from texts in memory: "main.conf" and others by
 * name, "-" for standard input; "closed.conf" may not be read.
 */
#ifndef TESTS_CONFIG_FIXTURE_H
#define TESTS_CONFIG_FIXTURE_H

#include "base/buf.h"
#include "config/config.h"

#include <errno.h>
#include <string.h>

struct text_file {
    const char *path;
    const char *text;
};

struct fixture {
    struct config config;
    struct buf error;
    struct text_file files[8];
    size_t file_count;
};

static inline int fixture_read(void *ctx, const char *path, struct buf *out)
{
    struct fixture *f = ctx;
    if (strcmp(path, "closed.conf") == 0) {
        errno = EACCES;
        return ERR_IO;
    }
    for (size_t i = 0; i < f->file_count; i++) {
        if (strcmp(f->files[i].path, path) == 0) {
            buf_str(out, f->files[i].text);
            return 0;
        }
    }
    return ERR_NOT_FOUND;
}

static inline void fixture_init(struct fixture *f)
{
    *f = (struct fixture){.error = BUF_INIT};
    config_init(&f->config);
}

static inline void fixture_file(struct fixture *f, const char *path,
                                const char *text)
{
    assert_true(f->file_count < ARRAY_LEN(f->files));
    f->files[f->file_count++] = (struct text_file){path, text};
}

static inline void fixture_release(struct fixture *f)
{
    config_release(&f->config);
    buf_release(&f->error);
}

/* Loads with these arguments, the last one NULL; the result of config_load. */
static inline int fixture_load(struct fixture *f, ...)
{
    char *argv[32] = {(char *)(uintptr_t) "vard"};
    int argc = 1;
    va_list args;
    va_start(args, f);
    char *arg;
    while ((arg = va_arg(args, char *)) != NULL) {
        assert_true(argc < 31);
        argv[argc++] = arg;
    }
    va_end(args);
    const struct config_source source = {fixture_read, f};
    int rc = config_load(&f->config, argc, argv, &source, &f->error);
    buf_char(&f->error, '\0');
    f->error.len--;
    return rc;
}

static inline const char *fixture_error(struct fixture *f)
{
    return f->error.len > 0 ? (const char *)f->error.data : "";
}

#endif
