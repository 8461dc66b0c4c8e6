/*
 * Who a connection is and how it speaks: HELLO, AUTH, RESET, QUIT, SELECT.
 *
 * Passwords are compared by their hashes, in constant time, so that the time
 * tells nothing, not even a length. There is one user, "default"; the answer
 * for another one is the same as for a wrong password. Guessing is
 * slowed down: some failures, and the connection is closed.
 *
 * HELLO is all or nothing: its options are checked before any is applied.
 *
 * How it fails: what is refused is answered with an error, and changes nothing.
 */
#include "admin/admin_internal.h"
#include "base/num.h"
#include "net/crypto.h"

#define WRONGPASS                                                              \
    "WRONGPASS invalid username-password pair or user is disabled."

static bool same_secret(struct bytes a, struct bytes b)
{
    uint8_t hash_a[CRYPTO_HASH_SIZE];
    uint8_t hash_b[CRYPTO_HASH_SIZE];
    crypto_sha256(a, hash_a);
    crypto_sha256(b, hash_b);
    return crypto_equal(bytes_of(hash_a, sizeof(hash_a)),
                        bytes_of(hash_b, sizeof(hash_b)));
}

static bool password_ok(struct server_call *call, struct bytes user,
                        struct bytes password)
{
    struct bytes wanted = bytes_str(server_config(call->s)->requirepass);
    bool same = wanted.len == 0 || same_secret(password, wanted);
    bool ok = same && bytes_eq(user, BYTES_LIT("default"));
    if (!ok)
        client_auth_failed(call->c);
    return ok;
}

void admin_auth(struct server_call *call)
{
    ASSERT(call->argc >= 2);
    struct bytes user = BYTES_LIT("default");
    if (call->argc > 3) {
        resp_error(call->out, "ERR syntax error");
        return;
    }
    if (call->argc == 2 && server_config(call->s)->requirepass[0] == '\0') {
        resp_error(call->out,
                   "ERR AUTH <password> called without any password "
                   "configured for the default user. Are you sure your "
                   "configuration is correct?");
        return;
    }
    if (call->argc == 3)
        user = call->argv[1];
    if (!password_ok(call, user, call->argv[call->argc - 1])) {
        resp_error(call->out, WRONGPASS);
        return;
    }
    client_settings(call->c)->authenticated = true;
    resp_status(call->out, "OK");
}

struct hello {
    int protocol; /* 0: as it is */
    bool auth;
    struct bytes user, password;
    bool set_name;
    struct bytes name;
};

/* False: an error was written. */
static bool parse_hello(struct server_call *call, struct hello *h)
{
    uint32_t i = 1;
    if (call->argc > 1) {
        int64_t protocol;
        if (!num_parse_i64(call->argv[1], &protocol)) {
            resp_error(call->out, "ERR Protocol version is not an integer or "
                                  "out of range");
            return false;
        }
        if (protocol < 2 || protocol > 3) {
            resp_error(call->out, "NOPROTO unsupported protocol version");
            return false;
        }
        h->protocol = (int)protocol;
        i = 2;
    }
    while (i < call->argc) {
        if (arg_is(call, i, "auth") && i + 2 < call->argc) {
            h->auth = true;
            h->user = call->argv[i + 1];
            h->password = call->argv[i + 2];
            i += 3;
        } else if (arg_is(call, i, "setname") && i + 1 < call->argc) {
            h->set_name = true;
            h->name = call->argv[i + 1];
            i += 2;
        } else {
            int len = (int)MIN(call->argv[i].len, 64);
            resp_errorf(call->out, "ERR Syntax error in HELLO option '%.*s'",
                        len, (const char *)call->argv[i].data);
            return false;
        }
    }
    ASSERT(i == call->argc);
    return true;
}

static const char *role_name(struct server *s)
{
    struct node_status status;
    if (server_waiting(s) != NULL)
        return "replica";
    node_status(server_node(s), &status);
    return status.role == RAFT_LEADER ? "master" : "replica";
}

static void reply_hello(struct server_call *call)
{
    struct resp_writer *w = call->out;
    ASSERT(w->protocol == 2 || w->protocol == 3);
    ASSERT(client_is_authorized(call->c));
    resp_map(w, 7);
    resp_bulk_str(w, "server");
    resp_bulk_str(w, "redis");
    resp_bulk_str(w, "version");
    resp_bulk_str(w, SERVER_REDIS_VERSION);
    resp_bulk_str(w, "proto");
    resp_integer(w, w->protocol);
    resp_bulk_str(w, "id");
    resp_integer(w, (int64_t)client_id(call->c));
    resp_bulk_str(w, "mode");
    resp_bulk_str(w, "standalone");
    resp_bulk_str(w, "role");
    resp_bulk_str(w, role_name(call->s));
    resp_bulk_str(w, "modules");
    resp_array(w, 0);
}

void admin_hello(struct server_call *call)
{
    struct hello h = {0};
    if (!parse_hello(call, &h))
        return;
    ASSERT(h.protocol == 0 || h.protocol == 2 || h.protocol == 3);
    if (h.auth && !password_ok(call, h.user, h.password)) {
        resp_error(call->out, WRONGPASS);
        return;
    }
    if (!h.auth && !client_is_authorized(call->c)) {
        resp_error(call->out,
                   "NOAUTH HELLO must be called with the client already "
                   "authenticated, otherwise the HELLO AUTH <user> <pass> "
                   "option can be used to authenticate the client and select "
                   "the RESP protocol version at the same time");
        return;
    }
    if (h.set_name && !is_printable(h.name)) {
        resp_error(call->out, "ERR Client names cannot contain spaces, "
                              "newlines or special characters.");
        return;
    }
    if (h.auth)
        client_settings(call->c)->authenticated = true;
    if (h.set_name)
        client_set_text(call->c, CLIENT_NAME, h.name);
    if (h.protocol != 0)
        call->out->protocol = (uint8_t)h.protocol;
    reply_hello(call);
}

void admin_reset(struct server_call *call)
{
    struct client_settings *set = client_settings(call->c);
    ASSERT(client_is_idle(call->c));
    set->db = 0;
    set->readonly = false;
    call->out->protocol = 2;
    set->reply_off = false;
    set->reply_skip = false;
    set->reply_skip_next = false;
    set->no_evict = false;
    set->no_touch = false;
    client_forget_transaction(call->c);
    client_set_text(call->c, CLIENT_NAME, BYTES_NONE);
    set->authenticated = server_config(call->s)->requirepass[0] == '\0';
    resp_status(call->out, "RESET");
}

void admin_readonly(struct server_call *call)
{
    ASSERT(call->argc == 1);
    client_settings(call->c)->readonly = true;
    resp_status(call->out, "OK");
}

void admin_readwrite(struct server_call *call)
{
    ASSERT(call->argc == 1);
    client_settings(call->c)->readonly = false;
    resp_status(call->out, "OK");
}

void admin_quit(struct server_call *call)
{
    ASSERT(client_is_idle(call->c));
    resp_status(call->out, "OK");
    client_close_after_reply(call->c);
}

void admin_select(struct server_call *call)
{
    ASSERT(call->argc == 2);
    ASSERT(server_config(call->s)->databases <= UINT8_MAX + 1);
    int64_t db;
    if (!num_parse_i64(call->argv[1], &db)) {
        resp_error(call->out, "ERR value is not an integer or out of range");
        return;
    }
    if (db < INT32_MIN || db > INT32_MAX) {
        resp_error(call->out, "ERR value is out of range, value must between "
                              "-2147483648 and 2147483647");
        return;
    }
    if (db < 0 || db >= (int64_t)server_config(call->s)->databases) {
        resp_error(call->out, "ERR DB index is out of range");
        return;
    }
    client_settings(call->c)->db = (uint8_t)db;
    resp_status(call->out, "OK");
}
