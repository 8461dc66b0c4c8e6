/*
 * How it works: DBSIZE of each database, which is current whichever node is
 * asked; what INFO says may be old.
 *
 * How it fails: with the last reason of the pipe.
 */
#include "import/pipe.h"
#include "import/run.h"

#define DATABASES 16

static int answered(void *arg, const struct pipe_request *r,
                    const struct answer *a, struct buf *why)
{
    uint64_t *keys = arg;
    UNUSED(r);
    if (a->kind != ANSWER_NUMBER) {
        buf_reset(why);
        buf_bytes(why, buf_view(&a->text));
        return ERR_PROTOCOL;
    }
    *keys += (uint64_t)a->number;
    return 0;
}

int import_count(const struct import_options *o, uint64_t *keys,
                 struct buf *why)
{
    struct cluster cluster = o->cluster;
    struct pipe p;
    int err = 0;
    *keys = 0;
    pipe_init(&p, &cluster, answered, keys);
    for (uint32_t db = 0; err == 0 && db < DATABASES; db++) {
        struct pipe_request *r = NULL;
        err = pipe_next(&p, &r, why);
        if (err != 0)
            break;
        r->db = db;
        pipe_add(r, BYTES_LIT("DBSIZE"));
        err = pipe_send(&p, why);
    }
    if (err == 0)
        err = pipe_finish(&p, why);
    pipe_release(&p);
    return err;
}
