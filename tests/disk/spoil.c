/*
 * disk_spoil DB KEY: in a database that nobody has open, puts a row that no
 * node writes into the place of a key of database 0 that was never flushed. Its
 * checksums are right: what shows the damage is what the row says.
 */
#include "base/buf.h"
#include "data/key.h"
#include "rocks/rocks.h"

#include <stdio.h>

static int spoil(struct store *s, const char *key)
{
    struct store_batch b = STORE_BATCH_INIT;
    struct buf row = BUF_INIT;
    key_encode(&row, 0, 0, bytes_str(key));
    store_batch_put(&b, STORE_STATE, buf_view(&row), BYTES_LIT("spoiled"));
    int err = store_write(s, &b, STORE_UNLOGGED);
    if (err == 0)
        err = store_flush(s, STORE_STATE, true);
    store_batch_release(&b);
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
    if (argc != 3)
        return 2;
    int err = rocks_open(&s, argv[1], &options, &error);
    if (err == 0) {
        err = spoil(s, argv[2]);
        store_close(s);
    }
    if (err != 0)
        fprintf(stderr, "disk_spoil: %s %.*s\n", error_text(err),
                (int)error.len, error.len == 0 ? "" : (char *)error.data);
    buf_release(&error);
    return err != 0;
}
