/*
 * How it works: nobody knows how long a reply of many elements is before they
 * have been read. So their bytes are counted on the way, and a reply that
 * becomes too long is taken back.
 *
 * How it fails: a function that returns false has written the error reply, but
 * for a long reply that nobody will get.
 */
#include "cmd/cmd_collection.h"

#include "base/glob.h"
#include "base/num.h"
#include "cmd/cmd_parse.h"

#include <errno.h>
#include <stdlib.h>

/* What an element is counted as beside its bytes. */
#define ELEMENT_BYTES 8

bool open_collection(struct cmd_call *c, struct bytes key, uint8_t type,
                     struct object **out)
{
    enum object_found found = object_open(c->ks, c->db, key, type, out);
    ASSERT((found == OBJECT_OTHER) == (*out == NULL));
    if (found != OBJECT_OTHER)
        return true;
    reply_wrong_type(c->out);
    return false;
}

bool members_fit(const struct cmd_args *a, uint32_t first, uint32_t step)
{
    ASSERT(first >= 1 && step >= 1);
    for (uint32_t i = first; i < a->argc; i += step) {
        if (a->argv[i].len > CMD_MEMBER_MAX) {
            resp_errorf(a->out, "ERR member is longer than %d bytes",
                        CMD_MEMBER_MAX);
            return false;
        }
    }
    return true;
}

void reply_cell(struct cmd_call *c, struct object *o, const struct cell *v)
{
    if (!v->apart) {
        resp_bulk(c->out, v->bytes);
        return;
    }
    ASSERT(v->blob.length == v->length);
    if (!resp_bulk_begin(c->out, (size_t)v->length)) {
        object_blob_pass(o, &v->blob); /* it counts on every replica alike */
        return;
    }
    for (uint64_t at = 0; at < v->length;) {
        struct bytes part = object_blob_view(o, &v->blob, at);
        if (part.len == 0)
            break; /* an error: the node has none of this to give */
        resp_bulk_part(c->out, part);
        at += part.len;
    }
    resp_bulk_end(c->out);
}

/* ---- long replies ---- */

/* GEORADIUS is a write only by its STORE. */
static bool changes_nothing(const struct cmd *c)
{
    ASSERT(c != NULL);
    return (c->flags & CMD_READ) != 0 || (c->categories & CAT_GEO) != 0;
}

void long_reply_begin(struct long_reply *r, struct cmd_call *c)
{
    const struct buf *out = c->out->out;
    ASSERT(changes_nothing(c->cmd));
    *r = (struct long_reply){.call = c,
                             .from = out != NULL ? out->len : 0,
                             .was_over = c->out->over};
}

static void reply_too_large(struct cmd_call *c, const char *instead)
{
    ASSERT(changes_nothing(c->cmd) && instead != NULL);
    resp_errorf(c->out, "ERR reply too large, use %s", instead);
}

bool long_reply_add(struct long_reply *r, uint64_t bytes, const char *instead)
{
    struct resp_writer *w = r->call->out;
    r->bytes += bytes + ELEMENT_BYTES;
    if (r->bytes <= CMD_REPLY_BYTES_MAX)
        return true;
    /* The answer may be kept (ONCE), the same one on all replicas; but one at
     * which nobody waits builds it no further than it could be kept. So it is
     * counted, and taken back, whether the writer is over or not. */
    if (w->out != NULL) {
        ASSERT(w->out->len >= r->from);
        w->out->len = r->from;
        w->over = r->was_over;
    }
    reply_too_large(r->call, instead);
    return false;
}

bool long_reply_count(struct cmd_call *c, uint64_t elements,
                      const char *instead)
{
    ASSERT(changes_nothing(c->cmd));
    if (elements <= CMD_REPLY_RANDOM_MAX)
        return true;
    reply_too_large(c, instead);
    return false;
}

/* ---- *SCAN ---- */

bool parse_scan_cursor(const struct cmd_args *a, uint32_t arg, uint64_t *cursor)
{
    char text[64];
    ASSERT(arg < a->argc);
    struct bytes b = a->argv[arg];
    size_t len = MIN(b.len, sizeof(text) - 1);
    if (len > 0)
        memcpy(text, b.data, len);
    text[len] = '\0';
    bool space = text[0] == ' ' || (text[0] >= '\t' && text[0] <= '\r');
    char *end = NULL;
    errno = 0;
    *cursor = strtoul(text, &end, 10);
    ASSERT(end != NULL);
    if (!space && *end == '\0' && errno != ERANGE)
        return true;
    resp_error(a->out, "ERR invalid cursor");
    return false;
}

static bool scan_count(const struct cmd_args *a, struct bytes text,
                       uint64_t *out)
{
    int64_t count = 0;
    if (!parse_integer(a->out, text, &count))
        return false;
    if (count < 1) {
        reply_syntax(a->out);
        return false;
    }
    ASSERT(count >= 1);
    *out = MIN((uint64_t)count, (uint64_t)CMD_SCAN_COUNT_MAX);
    return true;
}

bool parse_scan_options(const struct cmd_args *a, uint32_t arg,
                        struct scan_options *out)
{
    *out = (struct scan_options){.count = 10};
    for (uint32_t i = arg; i < a->argc; i += 2) {
        bool value = i + 1 < a->argc;
        if (value && word_is(a->argv[i], "count")) {
            if (!scan_count(a, a->argv[i + 1], &out->count))
                return false;
        } else if (value && word_is(a->argv[i], "match")) {
            out->match = a->argv[i + 1];
            out->matches = !bytes_eq(out->match, BYTES_LIT("*"));
        } else if (value && a->cmd->id == CMD_ID_SCAN &&
                   word_is(a->argv[i], "type")) {
            out->type = a->argv[i + 1];
            out->typed = true;
        } else {
            reply_syntax(a->out);
            return false;
        }
    }
    ASSERT(out->count >= 1);
    return true;
}

bool scan_wants(const struct scan_options *o, struct bytes member)
{
    ASSERT(o->matches || o->match.len <= 1);
    if (!o->matches || o->match.len == 0)
        return !o->matches || member.len == 0;
    /* Redis finds a pattern in nothing only if it is a single asterisk. */
    return member.len > 0 && glob_match(o->match, member, false);
}

void reply_scan_none(struct cmd_call *c)
{
    ASSERT((c->cmd->flags & CMD_READ) != 0);
    resp_array(c->out, 2);
    resp_bulk_str(c->out, "0");
    resp_array(c->out, 0);
}
