/*
 * What a failed assertion does, and the texts of the errors. A failed assertion
 * writes its place to standard error and aborts: the crash report of
 * os/signal.h adds the stack, and a restart recovers from the log.
 */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

void assert_failed(const char *expr, const char *file, int line,
                   const char *func)
{
    fprintf(stderr, "assertion failed: %s (%s:%d, %s)\n", expr, file, line,
            func);
    fflush(stderr);
    abort();
}

const char *error_text(int err)
{
    if (err == 0)
        return "ok";
    switch (err) {
#define X(name, value, text)                                                   \
    case value:                                                                \
        return text;
        ERROR_TABLE(X)
#undef X
    default:
        return "unknown error";
    }
}
