/*
 * CLIENT: who is connected, and the settings of one's own connection.
 *
 * CLIENT KILL dooms connections: they are closed before the loop waits next;
 * one's own is closed after the reply.
 *
 * How it fails: wrong arguments are answered with an error, and nothing has
 * changed; only the old form of KILL, an address alone, also complains that
 * there is no such client. A LIST above the output limit is not sent, and the
 * client that asked for it is closed (server/limits.c).
 */
#include "admin/admin_internal.h"
#include "base/num.h"

/* IDs that LIST takes: each is compared with each client. */
#define LIST_IDS_MAX 1000

static void reply_bytes(struct server_call *call, const char *text)
{
    ASSERT(text == NULL || text[0] != '\0'); /* an empty one was removed */
    if (text == NULL)
        resp_null(call->out);
    else
        resp_bulk_str(call->out, text);
}

void admin_client_id(struct server_call *call)
{
    ASSERT(client_id(call->c) > 0);
    resp_integer(call->out, (int64_t)client_id(call->c));
}

void admin_client_getname(struct server_call *call)
{
    reply_bytes(call, client_text(call->c, CLIENT_NAME));
}

void admin_client_setname(struct server_call *call)
{
    ASSERT(call->argc == 3);
    if (!is_printable(call->argv[2])) {
        resp_error(call->out, "ERR Client names cannot contain spaces, "
                              "newlines or special characters.");
        return;
    }
    client_set_text(call->c, CLIENT_NAME, call->argv[2]);
    resp_status(call->out, "OK");
}

void admin_client_setinfo(struct server_call *call)
{
    ASSERT(call->argc == 4);
    enum client_text which = CLIENT_TEXT_COUNT;
    if (arg_is(call, 2, "lib-name"))
        which = CLIENT_LIB_NAME;
    else if (arg_is(call, 2, "lib-ver"))
        which = CLIENT_LIB_VERSION;
    int len = (int)MIN(call->argv[2].len, 64);
    if (which == CLIENT_TEXT_COUNT) {
        resp_errorf(call->out, "ERR Unrecognized option '%.*s'", len,
                    (const char *)call->argv[2].data);
    } else if (!is_printable(call->argv[3])) {
        resp_errorf(call->out,
                    "ERR %.*s cannot contain spaces, newlines or special "
                    "characters.",
                    len, (const char *)call->argv[2].data);
    } else {
        client_set_text(call->c, which, call->argv[3]);
        resp_status(call->out, "OK");
    }
}

/* ON or OFF; false: a syntax error was written. */
static bool on_off(struct server_call *call, bool *value)
{
    ASSERT(call->argc == 3);
    if (!arg_is(call, 2, "on") && !arg_is(call, 2, "off")) {
        resp_error(call->out, "ERR syntax error");
        return false;
    }
    *value = arg_is(call, 2, "on");
    return true;
}

void admin_client_no_evict(struct server_call *call)
{
    if (on_off(call, &client_settings(call->c)->no_evict))
        resp_status(call->out, "OK");
}

void admin_client_no_touch(struct server_call *call)
{
    if (on_off(call, &client_settings(call->c)->no_touch))
        resp_status(call->out, "OK");
}

void admin_client_reply(struct server_call *call)
{
    ASSERT(call->argc == 3);
    struct client_settings *set = client_settings(call->c);
    if (arg_is(call, 2, "on")) {
        set->reply_off = false;
        set->reply_skip = false;
        resp_status(call->out, "OK");
    } else if (arg_is(call, 2, "off")) {
        set->reply_off = true;
    } else if (arg_is(call, 2, "skip")) {
        if (!set->reply_off)
            set->reply_skip_next = true;
    } else {
        resp_error(call->out, "ERR syntax error");
    }
}

/* No connection here is ever redirected or tracked. */
void admin_client_getredir(struct server_call *call)
{
    resp_integer(call->out, -1);
}

/* One that waits in a command is told nil, or an error. */
static bool unblock(struct server_call *call, uint64_t id)
{
    struct client *c = NULL;
    while ((c = client_next(call->s, c)) != NULL) {
        if (client_id(c) == id)
            return client_unblock(c, arg_is(call, 3, "error"));
    }
    return false;
}

void admin_client_unblock(struct server_call *call)
{
    ASSERT(call->argc >= 3);
    int64_t id;
    if (!num_parse_i64(call->argv[2], &id))
        resp_error(call->out, "ERR value is not an integer or out of range");
    else if (call->argc > 4 ||
             (call->argc == 4 && !arg_is(call, 3, "timeout") &&
              !arg_is(call, 3, "error")))
        resp_error(call->out, "ERR CLIENT UNBLOCK reason should be TIMEOUT or "
                              "ERROR");
    else
        resp_integer(call->out, unblock(call, (uint64_t)id));
}

/* --- LIST, INFO --------------------------------------------------------- */

void admin_client_info(struct server_call *call)
{
    struct buf text = BUF_INIT;
    client_describe(call->c, &text);
    ASSERT(text.len > 0 && text.data[text.len - 1] != '\n');
    buf_char(&text, '\n');
    resp_verbatim(call->out, "txt", buf_view(&text));
    buf_release(&text);
}

/* Which clients LIST shows. */
struct list_filter {
    bool none;
    bool by_id;
    uint32_t count;
    uint64_t ids[LIST_IDS_MAX];
};

static bool listed(const struct list_filter *f, uint64_t id)
{
    ASSERT(f->count <= LIST_IDS_MAX);
    if (f->none || !f->by_id)
        return !f->none;
    for (uint32_t i = 0; i < f->count; i++)
        if (f->ids[i] == id)
            return true;
    return false;
}

/* The name of a type of clients, of which only "normal" ones exist; false: an
 * error was written. */
static bool client_type(struct server_call *call, uint32_t i, bool *nobody)
{
    static const char *const others[] = {"master", "replica", "slave",
                                         "pubsub"};
    ASSERT(i < call->argc);
    if (arg_is(call, i, "normal"))
        return true;
    *nobody = true;
    for (size_t j = 0; j < ARRAY_LEN(others); j++)
        if (arg_is(call, i, others[j]))
            return true;
    int len = (int)MIN(call->argv[i].len, 64);
    resp_errorf(call->out, "ERR Unknown client type '%.*s'", len,
                (const char *)call->argv[i].data);
    return false;
}

static bool only_user(struct server_call *call, struct bytes name)
{
    if (bytes_eq(name, BYTES_LIT("default")))
        return true;
    resp_errorf(call->out, "ERR No such user '%.*s'", (int)MIN(name.len, 64),
                (const char *)name.data);
    return false;
}

/* False: an error was written. */
static bool parse_ids(struct server_call *call, struct list_filter *f)
{
    ASSERT(call->argc > 3 && f->count == 0);
    if (call->argc - 3 > LIST_IDS_MAX) {
        resp_errorf(call->out,
                    "ERR too many client IDs: at most %d are accepted",
                    LIST_IDS_MAX);
        return false;
    }
    f->by_id = true;
    for (uint32_t i = 3; i < call->argc; i++) {
        if (!num_parse_u64(call->argv[i], &f->ids[f->count++])) {
            resp_error(call->out, "ERR Invalid client ID");
            return false;
        }
    }
    ASSERT(f->count == call->argc - 3);
    return true;
}

/* False: an error was written. */
static bool parse_list(struct server_call *call, struct list_filter *f)
{
    ASSERT(call->argc >= 2);
    f->none = false;
    f->by_id = false;
    f->count = 0;
    if (call->argc == 2)
        return true;
    if (arg_is(call, 2, "type") && call->argc == 4)
        return client_type(call, 3, &f->none);
    if (arg_is(call, 2, "id") && call->argc >= 4)
        return parse_ids(call, f);
    resp_error(call->out, "ERR syntax error");
    return false;
}

/* Names may be long, and many: no more is put together than may be sent, and
 * a little that makes it too long. */
void admin_client_list(struct server_call *call)
{
    size_t limit = call->out->limit == 0 ? SIZE_MAX : call->out->limit;
    struct buf text = BUF_INIT;
    struct list_filter filter;
    if (!parse_list(call, &filter))
        return;
    ASSERT(!filter.by_id || filter.count > 0);
    struct client *c = NULL;
    while ((c = client_next(call->s, c)) != NULL) {
        if (!listed(&filter, client_id(c)) || text.len > limit)
            continue;
        client_describe(c, &text);
        buf_char(&text, '\n');
    }
    resp_verbatim(call->out, "txt", buf_view(&text));
    buf_release(&text);
}

/* --- KILL --------------------------------------------------------------- */

struct kill_filter {
    bool by_addr, by_laddr, by_id;
    struct bytes addr, laddr; /* may be empty: no connection has that */
    uint64_t id;
    bool nobody; /* a type that no connection has */
    bool skip_me;
};

static bool killed_by(const struct kill_filter *f, const struct client *c,
                      const struct client *me)
{
    ASSERT(!f->by_id || f->id != 0);
    char peer[CLIENT_ADDRESS_MAX];
    char local[CLIENT_ADDRESS_MAX];
    if (f->nobody || (f->skip_me && c == me))
        return false;
    if (f->by_id && client_id(c) != f->id)
        return false;
    client_peer_text(c, peer);
    client_local_text(c, local);
    if (f->by_addr && !bytes_eq(bytes_str(peer), f->addr))
        return false;
    return !f->by_laddr || bytes_eq(bytes_str(local), f->laddr);
}

static uint32_t kill_clients(struct server_call *call,
                             const struct kill_filter *f)
{
    uint32_t count = 0;
    struct client *next = client_next(call->s, NULL);
    while (next != NULL) {
        struct client *c = next;
        next = client_next(call->s, c); /* a doomed one is on another list */
        if (!client_is_open(c) || !killed_by(f, c, call->c))
            continue;
        count++;
        if (c == call->c)
            client_close_after_reply(c);
        else
            client_doom(c);
    }
    return count;
}

/* One pair of words; false: an error was written. */
static bool parse_kill_pair(struct server_call *call, uint32_t i,
                            struct kill_filter *f)
{
    ASSERT(i + 1 < call->argc);
    struct bytes value = call->argv[i + 1];
    if (arg_is(call, i, "id")) {
        f->by_id = true;
        if (!num_parse_u64(value, &f->id) || f->id == 0) {
            resp_error(call->out, "ERR client-id should be greater than 0");
            return false;
        }
    } else if (arg_is(call, i, "addr")) {
        f->by_addr = true;
        f->addr = value;
    } else if (arg_is(call, i, "laddr")) {
        f->by_laddr = true;
        f->laddr = value;
    } else if (arg_is(call, i, "type")) {
        return client_type(call, i + 1, &f->nobody);
    } else if (arg_is(call, i, "user")) {
        return only_user(call, value);
    } else if (arg_is(call, i, "skipme") && arg_is(call, i + 1, "yes")) {
        f->skip_me = true;
    } else if (arg_is(call, i, "skipme") && arg_is(call, i + 1, "no")) {
        f->skip_me = false;
    } else {
        resp_error(call->out, "ERR syntax error");
        return false;
    }
    return true;
}

void admin_client_kill(struct server_call *call)
{
    ASSERT(call->argc >= 3);
    struct kill_filter f = {.skip_me = true};
    if (call->argc == 3) { /* the old form: one address, perhaps one's own */
        f.by_addr = true;
        f.addr = call->argv[2];
        f.skip_me = false;
        if (kill_clients(call, &f) > 0)
            resp_status(call->out, "OK");
        else
            resp_error(call->out, "ERR No such client");
        return;
    }
    if (call->argc % 2 != 0) {
        resp_error(call->out, "ERR syntax error");
        return;
    }
    for (uint32_t i = 2; i + 1 < call->argc; i += 2)
        if (!parse_kill_pair(call, i, &f))
            return;
    resp_integer(call->out, kill_clients(call, &f));
}
