/*
 * The addresses that clients come in by: what a connection is made to be, and
 * what is said of an address that cannot be opened; and of the other members
 * what the server passes on.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/clock.h"
#include "unit/server/fake_node.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>

/* --- other members, of which the server knows what they say --------------- */

struct peers {
    size_t count;
    struct peer_info infos[3];
    int flushes;
};

bool peers_info(const struct peers *p, size_t i, struct peer_info *out)
{
    if (i >= p->count)
        return false;
    *out = p->infos[i];
    return true;
}

void peers_flush(struct peers *p)
{
    p->flushes++;
}

static void members_are_passed_on(void **state)
{
    struct fixture *f = *state;
    struct peers p = {.count = 3,
                      .infos = {{.id = 7, .queued_bytes = 1},
                                {.id = 0, .queued_bytes = 20},
                                {.id = 9, .queued_bytes = 300}}};
    struct peer_info info;
    struct server_status st;
    assert_false(server_peer_info(f->server, 7, &info));
    f->server->peers = &p;
    for (size_t i = 0; i < p.count; i++) {
        assert_true(server_peer_info(f->server, p.infos[i].id, &info));
        assert_int_equal(info.queued_bytes, p.infos[i].queued_bytes);
    }
    assert_false(server_peer_info(f->server, 8, &info));
    turn_begin(f->server);
    server_status(f->server, &st);
    assert_int_equal(st.links_bytes, 321);
    int before = p.flushes;
    turn(f); /* what the node has for them leaves in the same turn */
    assert_true(p.flushes > before);
    f->server->peers = NULL;
}

/* --- connections ---------------------------------------------------------- */

/* Opens a door on a free port of this machine, which clients may use. */
static void open_tcp_door(struct fixture *f, struct address *a)
{
    assert_int_equal(address_host(BYTES_LIT("127.0.0.1"), 0, a), 0);
    int fd = socket_listen(a, 5);
    assert_true(fd >= 0 && socket_local(fd, a));
    struct door *door = &f->server->doors.items[f->server->doors.count++];
    *door = f->server->doors.items[0];
    door->fd = fd;
    door->unix_socket = false;
    door->listener.fd = -1;
    door->listener.ctx = door;
    listener_open(&door->listener, f->loop, fd, NULL);
}

/* The server's end of a new connection. */
static struct client *come_in(struct fixture *f, const struct address *a,
                              int *fd)
{
    size_t before = f->server->clients.count;
    *fd = socket_connect(a);
    assert_true(*fd >= 0);
    for (int i = 0; i < 1000 && f->server->clients.count == before; i++)
        turn(f);
    assert_int_equal(f->server->clients.count, before + 1);
    return CONTAINER_OF(f->server->clients.open.prev, struct client, link);
}

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static void connections_are_made_fit(void **state)
{
    struct fixture *f = *state;
    struct address a;
    open_tcp_door(f, &a);
    for (int i = 0; i < 3; i++) {
        int fd;
        f->config.tcp_keepalive_s = i == 2 ? 0 : 77 + (uint32_t)i;
        uint64_t before = f->server->stats.connections_received;
        struct client *c = come_in(f, &a, &fd);
        assert_false(c->unix_socket);
        assert_int_not_equal(option_of(c->conn.fd, IPPROTO_TCP, TCP_NODELAY),
                             0);
        assert_int_equal(option_of(c->conn.fd, SOL_SOCKET, SO_KEEPALIVE) != 0,
                         i < 2);
        if (i < 2)
            assert_int_equal(option_of(c->conn.fd, IPPROTO_TCP, TCP_KEEPIDLE),
                             77 + i);
        assert_int_equal(f->server->stats.connections_received, before + 1);
        char peer[CLIENT_ADDRESS_MAX], local[CLIENT_ADDRESS_MAX];
        char text[ADDRESS_TEXT_MAX];
        client_local_text(c, local);
        client_peer_text(c, peer);
        address_format(&a, text);
        assert_string_equal(local, text);
        assert_string_not_equal(peer, text);
        assert_memory_equal(peer, "127.0.0.1:", 10);
        close(fd);
        for (int t = 0; t < 1000 && f->server->clients.count > 1; t++)
            turn(f);
    }
}

static void describes(const struct client *c, const char *part)
{
    struct buf line = BUF_INIT;
    client_describe(c, &line);
    buf_char(&line, '\0');
    if (strstr((const char *)line.data, part) == NULL)
        fail_msg("no '%s' in: %s", part, (const char *)line.data);
    buf_release(&line);
}

/* Both addresses are opened, and let clients in. */
static void each_address_is_a_door(void **state)
{
    struct fixture *f = *state;
    struct address a[2];
    char one[] = "127.0.0.1", two[] = "127.0.0.2";
    char *words[2] = {one, two};
    char **bind = f->config.bind;
    size_t binds = f->config.bind_count;
    struct buf error = BUF_INIT;
    struct server *s = f->server;
    assert_int_equal(address_host(bytes_str(one), 0, &a[0]), 0);
    int fd = socket_listen(&a[0], 5);
    assert_true(fd >= 0 && socket_local(fd, &a[0]));
    uint16_t port = address_port(&a[0]);
    assert_int_equal(address_host(bytes_str(two), port, &a[1]), 0);
    socket_close(fd);
    server_listen_close(s);
    f->config.port = port;
    f->config.bind = words;
    f->config.bind_count = 2;
    f->config.tcp_backlog = 77;
    assert_int_equal(server_listen(s, &error), 0); /* and the Unix socket */
    assert_int_equal(s->doors.count, 3);
    for (int i = 0; i < 2; i++) {
        struct tcp_info info;
        socklen_t len = sizeof(info);
        assert_int_equal(getsockopt(s->doors.items[i].fd, IPPROTO_TCP, TCP_INFO,
                                    &info, &len),
                         0);
        assert_int_equal(info.tcpi_sacked, 77); /* of one that listens */
    }
    server_accept_start(s);
    f->config.port = 0;
    f->config.bind = bind;
    f->config.bind_count = binds;
    for (int i = 0; i < 2; i++) {
        struct client *c = come_in(f, &a[i], &fd);
        describes(c, " flags=N ");
        describes(c, " events=r ");
        c->conn.paused = true;
        describes(c, " events= ");
        c->conn.writing = true;
        describes(c, " events=w ");
        c->conn.paused = c->conn.writing = false;
        close(fd);
        for (int t = 0; t < 1000 && s->clients.count > 1; t++)
            turn(f);
        describes(f->client, " flags=U ");
    }
    buf_release(&error);
}

/* It begins when it has come, not when something happened before. */
static void a_client_has_the_time_of_its_turn(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    turn(f);
    int64_t before_ms = clock_mono_ms();
    while (clock_mono_ms() <= before_ms)
        usleep(500);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", f->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    turn(f);
    assert_int_equal(f->server->clients.count, 2);
    struct client *c =
        CONTAINER_OF(f->server->clients.open.prev, struct client, link);
    assert_true(c->unix_socket);
    assert_true(c->created_ms > before_ms);
    assert_int_equal(c->active_ms, c->created_ms);
    assert_int_equal(c->authorized_ms, c->created_ms);
    close(fd);
}

/* A Unix socket is its owner's, unless the option says otherwise. */
static void a_socket_has_its_permissions(void **state)
{
    static const uint32_t modes[] = {0, 0770, 0600, 0777};
    struct fixture *f = *state;
    struct buf error = BUF_INIT;
    struct door first = f->server->doors.items[0];
    char path[96];
    char *before = f->config.unixsocket;
    snprintf(path, sizeof(path), "%s2", f->path);
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct stat st;
        f->server->doors.count = 0;
        f->config.unixsocket = path;
        f->config.unixsocketperm = modes[i];
        assert_int_equal(server_listen(f->server, &error), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, modes[i] == 0 ? 0700 : modes[i]);
        socket_close(f->server->doors.items[0].fd);
        assert_int_equal(unlink(path), 0);
        f->config.unixsocket = before;
        f->server->doors.items[0] = first;
        f->server->doors.count = 1;
    }
    buf_release(&error);
}

/* One that no client could use yet is removed as well. */
static void a_socket_is_removed_at_the_end(void **state)
{
    struct fixture *f = *state;
    struct buf error = BUF_INIT;
    struct door first = f->server->doors.items[0];
    char path[96];
    char *before = f->config.unixsocket;
    snprintf(path, sizeof(path), "%s2", f->path);
    for (int opened = 0; opened < 2; opened++) {
        f->server->doors.count = 0;
        f->config.unixsocket = path;
        assert_int_equal(server_listen(f->server, &error), 0);
        if (opened)
            server_accept_start(f->server);
        assert_int_equal(access(path, F_OK), 0);
        server_listen_close(f->server);
        assert_int_not_equal(access(path, F_OK), 0);
        assert_int_equal(f->server->doors.count, 0);
        f->config.unixsocket = before;
    }
    f->server->doors.items[0] = first;
    f->server->doors.count = 1;
    buf_release(&error);
}

/* --- doors that cannot be opened ------------------------------------------ */

static void listen_fails(struct fixture *f, const char *word, uint32_t port,
                         const char *said)
{
    struct buf error = BUF_INIT;
    struct door first = f->server->doors.items[0];
    char copy[64];
    char *words[1] = {copy};
    char **bind = f->config.bind;
    size_t binds = f->config.bind_count;
    snprintf(copy, sizeof(copy), "%s", word);
    f->server->doors.count = 0;
    f->config.bind = words;
    f->config.bind_count = 1;
    f->config.port = port;
    assert_true(server_listen(f->server, &error) < 0);
    buf_char(&error, '\0');
    bool same = strcmp((const char *)error.data, said) == 0;
    if (!same)
        print_message("%s\n", (const char *)error.data);
    f->config.bind = bind;
    f->config.bind_count = binds;
    f->config.port = 0;
    f->server->doors.items[0] = first;
    f->server->doors.count = 1;
    buf_release(&error);
    assert_true(same);
}

static void what_cannot_be_opened_is_said(void **state)
{
    struct fixture *f = *state;
    struct address a;
    char said[256], host[] = "127.0.0.1";
    assert_int_equal(address_host(bytes_str(host), 0, &a), 0);
    int fd = socket_listen(&a, 1);
    assert_true(fd >= 0 && socket_local(fd, &a));
    uint16_t port = address_port(&a);
    snprintf(said, sizeof(said),
             "cannot listen on 127.0.0.1 port %u: %s; stop the other process, "
             "or choose another port",
             port, error_text(ERR_BUSY));
    listen_fails(f, host, port, said);
    socket_close(fd);
    listen_fails(f, "192.0.2.1", 1,
                 "cannot listen on 192.0.2.1 port 1: Cannot assign requested "
                 "address; the option bind names addresses of this machine");
    snprintf(said, sizeof(said),
             "cannot listen on [x port 1: %s; the option bind names addresses "
             "of this machine",
             error_text(ERR_NOT_FOUND));
    listen_fails(f, "[x", 1, said);
}

/* Of a Unix socket, too; whether the system says why, or we. */
static void what_unix_socket_cannot_be_is_said(void **state)
{
    struct fixture *f = *state;
    struct buf error = BUF_INIT;
    struct door first = f->server->doors.items[0];
    char *before = f->config.unixsocket;
    char missing
        [] = "/no/such/folder/socket",
 long_[] = "/a/path/of/which/the/system/s/structure/has/no/place/for/the/whole/"
           "since/that/has/a/hundred/and/eight/bytes/and/no/more";
    char said_[256];
    char *const paths[] = {missing, before, long_};
    const char *const whys[] = {"No such file or directory",
                                error_text(ERR_BUSY), error_text(ERR_TOO_BIG)};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        f->server->doors.count = 0;
        f->config.unixsocket = paths[i];
        int err = server_listen(f->server, &error);
        f->config.unixsocket = before;
        f->server->doors.items[0] = first;
        f->server->doors.count = 1;
        assert_true(err < 0);
        snprintf(said_, sizeof(said_),
                 "cannot listen on the Unix socket %s: %s", paths[i], whys[i]);
        assert_int_equal(error.len, strlen(said_));
        assert_memory_equal(error.data, said_, error.len);
        buf_reset(&error);
    }
    buf_release(&error);
}

static void no_door_at_all(void **state)
{
    struct fixture *f = *state;
    struct buf error = BUF_INIT;
    char *path = f->config.unixsocket;
    char none[] = "";
    f->server->doors.count = 0;
    f->config.unixsocket = none;
    assert_int_equal(server_listen(f->server, &error), ERR_INVALID);
    buf_char(&error, '\0');
    assert_string_equal((const char *)error.data,
                        "there is no address to listen on for clients; see "
                        "the options bind, port and unixsocket");
    f->config.unixsocket = path;
    f->server->doors.count = 1;
    buf_release(&error);
}

/* --- what is said of a client that is closed ------------------------------ */

struct lines {
    struct logger log;
    struct buf text;
};

static void take_line(void *ctx, enum log_level level, const char *line,
                      size_t len)
{
    struct lines *l = ctx;
    UNUSED(level);
    buf_append(&l->text, line, len);
    buf_char(&l->text, '\n');
}

static bool said(const struct lines *l, const char *part)
{
    struct bytes text = buf_view(&l->text);
    return text.len > 0 &&
           memmem(text.data, text.len, part, strlen(part)) != NULL;
}

/* The log has the line that CLIENT LIST would have. */
static void who_is_closed_is_described(void **state)
{
    struct fixture *f = *state;
    struct lines l = {.log = {LOG_DEBUG, take_line, &l}};
    struct buf line = BUF_INIT;
    f->server->options.log = &l.log;
    client_set_text(f->client, CLIENT_NAME, BYTES_LIT("me"));
    f->config.client_output_buffer_limit[CONFIG_CLIENT_NORMAL].hard_bytes = 1;
    turn_begin(f->server);
    buf_str(&f->client->conn.out, "xx");
    buf_str(&line, "Client closed for overcoming of output buffer limits: ");
    limits_output(f->client);
    assert_int_equal(f->client->state, CLIENT_DOOMED);
    buf_printf(&line,
               "id=%llu addr=%s:0 laddr=%s:0 fd=%d name=me age=0 idle=0 "
               "flags=A db=0 sub=0 psub=0 ssub=0 multi=-1 watch=0 qbuf=0 "
               "qbuf-free=0 argv-mem=0 multi-mem=0 rbs=",
               (unsigned long long)f->client->id, f->path, f->path,
               f->client->conn.fd);
    buf_char(&line, '\0');
    if (!said(&l, (const char *)line.data))
        fail_msg("%.*s\n%s", (int)l.text.len, (const char *)l.text.data,
                 (const char *)line.data);
    assert_true(said(&l, " obl=2 oll=0 omem="));
    assert_true(said(&l, " cmd=NULL user=default redir=-1 resp=2"));
    f->server->options.log = NULL;
    buf_release(&l.text);
    buf_release(&line);
}

static void failures_are_one_or_more(void **state)
{
    struct fixture *f = *state;
    struct lines l = {.log = {LOG_DEBUG, take_line, &l}};
    f->server->options.log = &l.log;
    for (uint64_t n = 1; n <= 2; n++) {
        char part[64];
        buf_reset(&l.text);
        turn_begin(f->server);
        f->server->security.auth_reported_ms = 0;
        f->server->security.auth_unreported = n;
        f->server->security.auth_peer = f->client->peer;
        security_report(f->server);
        snprintf(part, sizeof(part), "%llu failed authentication%s, the last",
                 (unsigned long long)n, n == 1 ? "" : "s");
        assert_true(said(&l, part));
    }
    f->server->options.log = NULL;
    buf_release(&l.text);
}

/* A reply of which the end is too much: nothing of it leaves, but all that
 * was before it. */
static void never_a_part_of_a_reply(void **state)
{
    struct fixture *f = *state;
    f->config.client_output_buffer_limit[CONFIG_CLIENT_NORMAL].hard_bytes = 500;
    send_text(f, "PING\r\nCONFIG GET *\r\nPING\r\n");
    expect(f, "+PONG\r\n");
    assert_null(received_on(f->fd));
    assert_int_equal(f->server->stats.output_limit_closed, 1);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(members_are_passed_on),
        test(connections_are_made_fit),
        test(each_address_is_a_door),
        test(a_client_has_the_time_of_its_turn),
        test(a_socket_has_its_permissions),
        test(a_socket_is_removed_at_the_end),
        test(what_cannot_be_opened_is_said),
        test(what_unix_socket_cannot_be_is_said),
        test(no_door_at_all),
        test(who_is_closed_is_described),
        test(failures_are_one_or_more),
        test(never_a_part_of_a_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
