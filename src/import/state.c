/*
 * How it works: one line of text, which replaces the one before.
 *
 * How it fails: with an error of the file; a line that is another is
 * ERR_CORRUPT.
 */
#include "import/state.h"

#include "os/file.h"

#include <inttypes.h>
#include <stdio.h>

#define SIZE_MAX_BYTES 4096
#define FORM                                                                   \
    "vard-import 1 run %" PRIx64 " source %" PRIx64 " done %" PRIu64           \
    " loaded %" PRIu64 " expired %" PRIu64 " refused %" PRIu64 " end\n"
#define FORM_READ                                                              \
    "vard-import 1 run %" SCNx64 " source %" SCNx64 " done %" SCNu64           \
    " loaded %" SCNu64 " expired %" SCNu64 " refused %" SCNu64 " en%c"

int import_state_read(const char *path, struct import_state *s)
{
    struct buf text = BUF_INIT;
    char last = '\0';
    int err = file_read(path, SIZE_MAX_BYTES, &text);
    if (err != 0)
        return err;
    buf_char(&text, '\0');
    int got = sscanf((const char *)text.data, FORM_READ, &s->run, &s->identity,
                     &s->done, &s->loaded, &s->expired, &s->refused, &last);
    buf_release(&text);
    return got == 7 && last == 'd' ? 0 : ERR_CORRUPT;
}

int import_state_write(const char *path, const struct import_state *s)
{
    struct buf text = BUF_INIT;
    buf_printf(&text, FORM, s->run, s->identity, s->done, s->loaded, s->expired,
               s->refused);
    int err = file_replace(path, buf_view(&text));
    buf_release(&text);
    return err;
}
