/*
 * How it works: items of a set, a sorted set or a hash have no order, so their
 * hashes are added; those of other values are chained.
 *
 * How it fails: with the error of rdb_payload_read().
 */
#include "import/digest.h"

#include "base/hash.h"
#include "rdb/rdb_payload.h"

#define STRING_MAX (512 * 1024 * 1024)

struct sum {
    uint64_t value;
    uint64_t names; /* of the group, the consumer that is told about */
};

static uint64_t add_number(uint64_t hash, uint64_t n)
{
    return hash64_seed(bytes_of(&n, sizeof(n)), hash);
}

static uint64_t hash_item(const struct rdb_item *i)
{
    double score = i->score == 0 ? 0 : i->score; /* -0 is 0 */
    uint64_t hash = hash64_seed(i->name, (uint64_t)i->what + 1);
    hash = add_number(hash64_seed(i->value, hash), i->deliveries);
    hash = hash64_seed(bytes_of(&score, sizeof(score)), hash);
    hash = add_number(add_number(hash, i->id.ms), i->id.seq);
    hash = add_number(add_number(hash, i->deleted.ms), i->deleted.seq);
    for (uint32_t n = 0; n < i->count; n++)
        hash = hash64_seed(i->fields[n], hash);
    return add_number(hash, i->added);
}

static int add_item(void *arg, const struct rdb_item *i)
{
    struct sum *s = arg;
    uint64_t hash = hash_item(i);
    switch (i->what) {
    case RDB_MEMBER:
    case RDB_SCORED:
    case RDB_FIELD:
        s->value += hash;
        break;
    case RDB_GROUP:
    case RDB_CONSUMER:
        s->names = add_number(i->what == RDB_GROUP ? 0 : s->names, hash);
        s->value += s->names;
        break;
    case RDB_PENDING:
        s->value += add_number(s->names, hash);
        break;
    default:
        s->value = add_number(s->value, hash);
        break;
    }
    return 0;
}

int import_digest(struct bytes payload, uint64_t *digest)
{
    struct sum s = {0};
    if (payload.len <= 10)
        return ERR_CORRUPT;
    int err = rdb_payload_read(payload, STRING_MAX, add_item, &s);
    *digest = add_number(s.value, rdb_kind(payload.data[0]));
    return err;
}
