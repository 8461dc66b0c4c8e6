/*
 * disk_spoil DB KEY: in a database that nobody has open, puts a row that no
 * node writes into the place of a key of database 0 that was never flushed. Its
 * checksums are right: what shows the damage is what the row says.
 *
 * disk_spoil DB KEY wrong: the same, but the row is one that a node could have
 * written: the key's, with another last byte. Nothing shows it but that others
 * have something else.
 */
#include "base/buf.h"
#include "data/key.h"
#include "rocks/rocks.h"

#include <stdio.h>
#include <string.h>

static int put(struct store *s, struct bytes key, struct bytes row)
{
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_put(&b, STORE_STATE, key, row);
    int err = store_write(s, &b, STORE_UNLOGGED);
    if (err == 0)
        err = store_flush(s, STORE_STATE, true);
    store_batch_release(&b);
    return err;
}

static int spoil(struct store *s, const char *name, bool wrong)
{
    struct buf key = BUF_INIT;
    struct buf row = BUF_INIT;
    int err = 0;
    key_encode(&key, 0, 0, bytes_str(name));
    if (wrong)
        err = store_get(s, STORE_STATE, buf_view(&key), &row);
    else
        buf_str(&row, "spoiled");
    if (err == 0 && wrong)
        row.data[row.len - 1] ^= 1;
    if (err == 0)
        err = put(s, buf_view(&key), buf_view(&row));
    buf_release(&key);
    buf_release(&row);
    return err;
}

int main(int argc, char **argv)
{
    struct rocks_options options = {.state_memory_bytes = 1 << 20,
                                    .log_memory_bytes = 1 << 20,
                                    .block_cache_bytes = 1 << 20};
    struct buf error = BUF_INIT;
    struct store *s = NULL;
    bool wrong = argc == 4 && strcmp(argv[3], "wrong") == 0;
    if (argc != 3 && !wrong)
        return 2;
    int err = rocks_open(&s, argv[1], &options, &error);
    if (err == 0) {
        err = spoil(s, argv[2], wrong);
        store_close(s);
    }
    if (err != 0)
        fprintf(stderr, "disk_spoil: %s %.*s\n", error_text(err),
                (int)error.len, error.len == 0 ? "" : (char *)error.data);
    buf_release(&error);
    return err != 0;
}
