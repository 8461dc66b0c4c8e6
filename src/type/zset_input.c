/*
 * How it works: everything is asked of the one or of the other.
 *
 * How it fails: see zset.c.
 */
#include "type/zset_input.h"

bool zset_input_open(struct zset_input *in, struct keyspace *ks, uint8_t db,
                     struct bytes key)
{
    *in = (struct zset_input){.set = NULL};
    if (zset_open(&in->zset, ks, db, key) != OBJECT_OTHER)
        return true;
    return object_open(ks, db, key, VALUE_SET, &in->set) != OBJECT_OTHER;
}

void zset_input_close(struct zset_input *in)
{
    if (in->set != NULL)
        object_close(in->set);
    else
        zset_close(&in->zset);
}

bool zset_input_score(struct zset_input *in, struct bytes member, double *score)
{
    struct bytes value;
    if (in->set == NULL)
        return zset_score(&in->zset, member, score);
    *score = 1;
    return packed_find(in->set, member, &value);
}

void zset_input_walk_init(struct zset_input_walk *w, struct zset_input *in)
{
    *w = (struct zset_input_walk){.in = in};
    if (in->set != NULL)
        packed_walk_init(&w->plain, in->set);
    else
        zset_walk_init(&w->scored, &in->zset);
}

void zset_input_walk_release(struct zset_input_walk *w)
{
    if (w->in->set != NULL)
        packed_walk_release(&w->plain);
    else
        zset_walk_release(&w->scored);
}

bool zset_input_walk_next(struct zset_input_walk *w, struct zset_entry *out)
{
    struct bytes value;
    if (w->in->set != NULL) {
        out->score = 1;
        return packed_walk_next(&w->plain, &out->member, &value);
    }
    if (w->begun)
        return zset_walk_next(&w->scored, out);
    w->begun = true;
    return zset_walk_to(&w->scored, 0, out);
}
