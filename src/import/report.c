/*
 * How it works: lines on standard error.
 *
 * How it fails: what cannot be written is not.
 */
#include "import/import.h"

#include <inttypes.h>
#include <stdio.h>

#define NAME_MAX_SHOWN 64

void import_complain(const char *about, const struct buf *why)
{
    fprintf(stderr, "vard-import: %s: %.*s\n", about, (int)why->len,
            why->len > 0 ? (const char *)why->data : "");
}

void import_report(const struct rdb_key *key, const char *why)
{
    fputs("vard-import: key '", stderr);
    for (size_t i = 0; i < MIN(key->name.len, (size_t)NAME_MAX_SHOWN); i++) {
        uint8_t c = key->name.data[i];
        if (c >= ' ' && c < 0x7f && c != '\'' && c != '\\')
            fputc(c, stderr);
        else
            fprintf(stderr, "\\x%02x", c);
    }
    fprintf(stderr, "%s' of database %" PRIu32 ": %s\n",
            key->name.len > NAME_MAX_SHOWN ? "..." : "", key->db, why);
}
