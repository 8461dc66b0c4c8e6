/*
 * How it works: SCAN gives some names, and for all of them DUMP and PTTL are
 * asked at once. A name may come twice; a key that is gone meanwhile is left
 * out. Nothing is written to the server.
 *
 * How it fails: an error of the server, or of the connection to it, ends the
 * source: what has been loaded is right, and a new run begins at its start.
 */
#include "import/source.h"

#include "base/alloc.h"
#include "base/reader.h"
#include "os/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DATABASES 16
#define COUNT     "100"
#define BATCH     16 /* names whose values are asked for at once */

struct scan {
    struct source *source;
    struct link *link;
    int64_t timeout_ms;
    bool has[DATABASES]; /* keys, as it said at first */
    uint32_t db;
    bool begun; /* in this database */
    char cursor[32];
    struct buf names; /* of the last SCAN: length(8) and bytes each */
    size_t asked;     /* so much of them: requests are under way for it */
    size_t told;
    struct answer payload;
};

static int refuse(struct buf *why, struct bytes text)
{
    buf_reset(why);
    buf_bytes(why, text);
    return ERR_PROTOCOL;
}

static int ask(struct scan *s, const struct link_request *r, struct answer *out,
               struct buf *why)
{
    int err = link_ask(s->link, r, s->timeout_ms, out, why);
    if (err == 0 && out->kind == ANSWER_ERROR)
        err = refuse(why, buf_view(&out->text));
    return err;
}

static int ask_words(struct scan *s, const char *word, const char *argument,
                     struct answer *out, struct buf *why)
{
    const char *argv[] = {word, argument};
    const struct link_request r = {.argv = argv,
                                   .argc = argument != NULL ? 2 : 1};
    return ask(s, &r, out, why);
}

/* --- names -------------------------------------------------------------- */

/* The name at *at of those that SCAN gave. */
static bool name_at(const struct scan *s, size_t *at, struct bytes *name)
{
    if (*at >= s->names.len)
        return false;
    size_t len = (size_t)load_u64le(s->names.data + *at);
    *name = bytes_of(s->names.data + *at + 8, len);
    *at += 8 + len;
    return true;
}

static int scan_on(struct scan *s, struct buf *why)
{
    const char *argv[] = {"SCAN", s->begun ? s->cursor : "0", "COUNT", COUNT};
    const struct link_request r = {.argv = argv, .argc = 4};
    struct answer a = {.parts = &s->names};
    struct bytes cursor;
    size_t at = 0;
    buf_reset(&s->names);
    int err = ask(s, &r, &a, why);
    buf_release(&a.text);
    if (err != 0)
        return err;
    if (!name_at(s, &at, &cursor) || cursor.len >= sizeof(s->cursor))
        return refuse(why, BYTES_LIT("SCAN gives no cursor"));
    memcpy(s->cursor, cursor.data, cursor.len);
    s->cursor[cursor.len] = '\0';
    s->begun = true;
    s->asked = at;
    s->told = at;
    return 0;
}

static int next_database(struct scan *s, struct buf *why)
{
    char number[12];
    struct answer a = {0};
    while (s->db < DATABASES && !s->has[s->db])
        s->db++;
    if (s->db == DATABASES)
        return 0;
    snprintf(number, sizeof(number), "%" PRIu32, s->db);
    int err = ask_words(s, "SELECT", number, &a, why);
    buf_release(&a.text);
    s->begun = false;
    return err != 0 ? err : scan_on(s, why);
}

/* --- values ------------------------------------------------------------- */

static int send_one(struct scan *s, struct bytes name, struct buf *why)
{
    const char *argv[] = {"PTTL", (const char *)name.data};
    const size_t lengths[] = {4, name.len};
    const struct link_request ttl = {
        .argv = argv, .lengths = lengths, .argc = 2};
    int err = link_send(s->link, &ttl, why);
    argv[0] = "DUMP";
    return err != 0 ? err : link_send(s->link, &ttl, why);
}

static int send_batch(struct scan *s, struct buf *why)
{
    struct bytes name;
    int err = 0;
    for (int i = 0; err == 0 && i < BATCH && name_at(s, &s->asked, &name); i++)
        err = send_one(s, name, why);
    return err;
}

/* The answers for the next name. */
static int take_one(struct scan *s, struct rdb_key *key, struct buf *why)
{
    struct answer ttl = {0};
    int err = link_receive(s->link, s->timeout_ms, &ttl, why);
    if (err == 0)
        err = link_receive(s->link, s->timeout_ms, &s->payload, why);
    if (err == 0 && ttl.kind == ANSWER_ERROR)
        err = refuse(why, buf_view(&ttl.text));
    buf_release(&ttl.text);
    if (err == 0 && s->payload.kind == ANSWER_ERROR)
        err = refuse(why, buf_view(&s->payload.text));
    if (err != 0)
        return err;
    if (ttl.number > 0)
        key->expire_ms = clock_wall_ms() + ttl.number;
    if (s->payload.kind != ANSWER_TEXT)
        return 0; /* gone */
    struct bytes payload = buf_view(&s->payload.text);
    if (payload.len <= 10)
        return refuse(why, BYTES_LIT("DUMP gives no value"));
    key->kind = rdb_kind(payload.data[0]);
    key->items = 1;
    if (key->kind != RDB_KIND_MODULE && payload.len < IMPORT_PAYLOAD_MAX)
        key->payload = payload;
    return 1;
}

static int next(void *self, struct rdb_key *key, struct buf *why)
{
    struct scan *s = self;
    for (;;) {
        struct bytes name;
        int err = 0;
        if (s->told < s->asked) {
            (void)name_at(s, &s->told, &name);
            *key = (struct rdb_key){.db = s->db, .name = name};
            s->source->done++;
            int got = take_one(s, key, why);
            if (got != 0)
                return got;
        } else if (s->asked < s->names.len) {
            err = send_batch(s, why);
        } else if (s->begun && strcmp(s->cursor, "0") != 0) {
            err = scan_on(s, why);
        } else {
            s->db += s->begun;
            err = next_database(s, why);
        }
        if (err != 0 || s->db == DATABASES)
            return err;
    }
}

/* --- open and close ----------------------------------------------------- */

static void close_scan(void *self)
{
    struct scan *s = self;
    link_close(s->link);
    buf_release(&s->names);
    buf_release(&s->payload.text);
    mem_free(s);
}

/* Lines "db3:keys=12,expires=0,..." */
static int count_keys(struct scan *s, struct buf *why)
{
    struct answer a = {0};
    int err = ask_words(s, "INFO", "keyspace", &a, why);
    buf_char(&a.text, '\0');
    const char *p = (const char *)a.text.data;
    while (err == 0 && (p = strstr(p, "db")) != NULL) {
        unsigned db = 0;
        uint64_t keys = 0;
        if (sscanf(p, "db%u:keys=%" SCNu64, &db, &keys) == 2) {
            if (db >= DATABASES)
                err =
                    refuse(why, BYTES_LIT("it has keys in databases above 15, "
                                          "which do not exist here"));
            else
                s->has[db] = true;
            s->source->all += keys;
        }
        p += 2;
    }
    buf_release(&a.text);
    return err;
}

static int connect_to(struct scan *s, const struct import_options *o,
                      struct buf *why)
{
    struct cluster one = {.node_count = 0};
    struct answer a = {0};
    if (!cluster_add(&one, bytes_str(o->server), false))
        return refuse(why, BYTES_LIT("this is no address"));
    int err = link_open(&s->link, one.nodes[0].host, one.nodes[0].port,
                        s->timeout_ms, why);
    if (err == 0 && o->server_password != NULL)
        err = ask_words(s, "AUTH", o->server_password, &a, why);
    if (err == 0)
        err = ask_words(s, "PING", NULL, &a, why);
    buf_release(&a.text);
    cluster_release(&one);
    return err;
}

int source_scan_open(struct source *out, const struct import_options *o,
                     struct buf *why)
{
    struct scan *s = mem_zalloc(sizeof(*s));
    s->source = out;
    s->timeout_ms = o->cluster.timeout_ms;
    *out = (struct source){.self = s, .next = next, .close = close_scan};
    int err = connect_to(s, o, why);
    if (err == 0)
        err = count_keys(s, why);
    if (err != 0)
        source_close(out);
    return err;
}
