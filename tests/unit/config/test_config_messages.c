/*
 * What is said about a configuration that is wrong, word for word, and how
 * much of it: where it is, the line, the reason, what would be right.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>

#include "config/config_table.h"
#include "config/config_words.h"
#include "fixture.h"

#define SEE " (vard --help lists all options)\n"

static const struct {
    const char *text;    /* of main.conf, if it is read */
    const char *args[6]; /* of the command line */
    const char *said;
    const char *option; /* whose meaning and default follow; or NULL */
} rows[] = {
    {"port 1\nprot 6379",
     {"main.conf"},
     "vard: main.conf, line 2\n"
     ">>> prot 6379\n"
     "unknown option 'prot'; did you mean 'port'?" SEE,
     NULL},
    {"  port   70000 \t",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> port   70000\n"
     "argument must be between 0 and 65535 inclusive",
     "port"},
    {"port 1 2",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> port 1 2\n"
     "wrong number of arguments",
     "port"},
    {"maxclient 5",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> maxclient 5\n"
     "unknown option 'maxclient'; did you mean 'maxclients'?" SEE,
     NULL},
    {"xyzzy 5",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> xyzzy 5\n"
     "unknown option 'xyzzy'" SEE,
     NULL},
    {"hz -5",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> hz -5\n"
     "argument must be between 1 and 500 inclusive",
     "hz"},
    {"log-size 1xb",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> log-size 1xb\n"
     "argument must be a memory value",
     "log-size"},
    {"log-size-max 1",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> log-size-max 1\n"
     "argument must be between 1048576 and 1099511627776 inclusive",
     "log-size-max"},
    {"unixsocketperm 1000",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> unixsocketperm 1000\n"
     "argument must be between 0 and 777 inclusive",
     "unixsocketperm"},
    {"unixsocketperm 9",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> unixsocketperm 9\n"
     "argument couldn't be parsed as an octal number",
     "unixsocketperm"},
    {"unixsocketperm -7",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> unixsocketperm -7\n"
     "argument couldn't be parsed as an octal number",
     "unixsocketperm"},
    {"daemonize maybe",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> daemonize maybe\n"
     "argument must be 'yes' or 'no'",
     "daemonize"},
    {"supervised never",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> supervised never\n"
     "argument(s) must be one of the following: no, systemd, auto, upstart",
     "supervised"},
    {"dir \"a\\x00\"",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> dir \"a\\x00\"\n"
     "argument must not contain a zero byte",
     "dir"},
    {"dir \"\\x00\"",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> dir \"\\x00\"\n"
     "argument must not contain a zero byte",
     "dir"},
    {"save 3600 1",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> save 3600 1\n"
     "only \"\" is possible: ",
     "save"},
    {"appendonly no",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> appendonly no\n"
     "only yes is possible: ",
     "appendonly"},
    {"appendonly yes yes",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> appendonly yes yes\n"
     "only yes is possible: ",
     "appendonly"},
    {"requirepass a b",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> requirepass ...\n"
     "wrong number of arguments",
     "requirepass"},
    {"requirepas a b",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> requirepas ...\n"
     "unknown option 'requirepas'; did you mean 'requirepass'?" SEE,
     NULL},
    /* However many dashes there are, and whatever else is wrong. */
    {"---requirepass-of-mine 'a",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> ---requirepass-of-mine ...\n"
     "unbalanced quotes: close them, and put a blank after them\n",
     NULL},
    {"requirepas 'a",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> requirepas ...\n"
     "unbalanced quotes: close them, and put a blank after them\n",
     NULL},
    {"--requirepas a",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> --requirepas ...\n"
     "unknown option '--requirepas'; did you mean 'requirepass'?" SEE,
     NULL},
    {"bind 'a b",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> bind 'a b\n"
     "unbalanced quotes: close them, and put a blank after them\n",
     NULL},
    {"bind \"'a b\"",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> bind \"'a b\"\n"
     "unbalanced quotes, or too many words",
     "bind"},
    {"bind a #b",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> bind a #b\n"
     "an address does not begin with # (a comment needs a line of its own)",
     "bind"},
    {"bind \"a #b\"",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> bind \"a #b\"\n"
     "an address does not begin with #",
     "bind"},
    {"bind a ''",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> bind a ''\n"
     "an address must not be empty",
     "bind"},
    {"node 1",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> node 1\n"
     "a node is: ID PEER_HOST:PORT [CLIENT_HOST:PORT] [priority NUMBER]",
     "node"},
    {"node 1 a:1 priority 256",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> node 1 a:1 priority 256\n"
     "a node's priority is a number from 0 to 255",
     "node"},
    {"node 1 a:1 b:1 priority -1",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> node 1 a:1 b:1 priority -1\n"
     "a node's priority is a number from 0 to 255",
     "node"},
    {"node 1 a:1 priority",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> node 1 a:1 priority\n"
     "an address is HOST:PORT or [IPV6]:PORT, with a port from 1 to 65535",
     "node"},
    {"node 1 priority 5",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> node 1 priority 5\n"
     "an address is HOST:PORT or [IPV6]:PORT, with a port from 1 to 65535",
     "node"},
    {"node x a:1",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> node x a:1\n"
     "a node's id is a number from 0 to 4294967294",
     "node"},
    {"node 1 a",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> node 1 a\n"
     "an address is HOST:PORT or [IPV6]:PORT, with a port from 1 to 65535",
     "node"},
    {"client-output-buffer-limit normal 1 2",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> client-output-buffer-limit normal 1 2\n"
     "Wrong number of arguments in buffer limit configuration.",
     "client-output-buffer-limit"},
    {"client-output-buffer-limit normal 1 2 2147483648",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> client-output-buffer-limit normal 1 2 2147483648\n"
     "Error in hard, soft or soft_seconds setting in buffer limit "
     "configuration.",
     "client-output-buffer-limit"},
    {"client-output-buffer-limit normal 1 x 3",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> client-output-buffer-limit normal 1 x 3\n"
     "Error in hard, soft or soft_seconds setting in buffer limit "
     "configuration.",
     "client-output-buffer-limit"},
    {"client-output-buffer-limit normal 1 2 x",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> client-output-buffer-limit normal 1 2 x\n"
     "Error in hard, soft or soft_seconds setting in buffer limit "
     "configuration.",
     "client-output-buffer-limit"},
    {"client-output-buffer-limit pubsub 1 2 3 odd 1 2 3",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> client-output-buffer-limit pubsub 1 2 3 odd 1 2 3\n"
     "Invalid client class specified in buffer limit configuration.",
     "client-output-buffer-limit"},
    {"include",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> include\n"
     "include needs one file name\n",
     NULL},
    {"include ''",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> include ''\n"
     "this is not a file name\n",
     NULL},
    {"include none.conf",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> include none.conf\n"
     "cannot read 'none.conf': not found\n",
     NULL},
    {"\ninclude closed.conf",
     {"main.conf"},
     "vard: main.conf, line 2\n"
     ">>> include closed.conf\n"
     "cannot read 'closed.conf': Permission denied\n",
     NULL},
    {"include other.conf",
     {"main.conf"},
     "vard: other.conf, line 3\n"
     ">>> hz 0\n"
     "argument must be between 1 and 500 inclusive",
     "hz"},
    {"include main.conf",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> include main.conf\n"
     "too many includes within each other (does a file include itself?)\n",
     NULL},
    {"port 5\x01",
     {"main.conf"},
     "vard: main.conf, line 1\n"
     ">>> port 5\\x01\n"
     "argument couldn't be parsed into an integer",
     "port"},
    {"node-id 5\nnode 1 a:1",
     {"main.conf"},
     "vard: main.conf: the options do not fit together\n"
     "node-id is 5, but no node line has this id\n",
     NULL},
    {"node 1 a:1\nnode 1 a:2",
     {"main.conf"},
     "vard: main.conf: the options do not fit together\n"
     "node id 1 is given twice\n",
     NULL},
    {"node 1 a:1 a:3\nnode 2 a:3",
     {"main.conf"},
     "vard: main.conf: the options do not fit together\n"
     "nodes 1 and 2 have the same address a:3\n",
     NULL},
    {"node 1 a:1 a:1",
     {"main.conf"},
     "vard: main.conf: the options do not fit together\n"
     "node 1 has a:1 for peers and for clients: two ports are needed\n",
     NULL},
    {"port 77\nnode 1 a:77",
     {"main.conf"},
     "vard: main.conf: the options do not fit together\n"
     "port 77 is this node's peer port as well (node 1 a:77): two ports are "
     "needed\n",
     NULL},
    {"heartbeat-interval 334",
     {"main.conf"},
     "vard: main.conf: the options do not fit together\n"
     "heartbeat-interval 334 must be at most a third of election-timeout "
     "1000\n",
     NULL},
    {"log-size 2gb\nlog-size-max 1gb",
     {"main.conf"},
     "vard: main.conf: the options do not fit together\n"
     "log-size 2147483648 must not be above log-size-max 1073741824\n",
     NULL},
    {"entry-size-max 2mb\nlog-size 1mb",
     {"main.conf"},
     "vard: main.conf: the options do not fit together\n"
     "entry-size-max 2097152 must not be above log-size 1048576\n",
     NULL},
    {"proto-max-bulk-len 67108865\nlog-size 1mb\nlog-size-max 128mb",
     {"main.conf"},
     "vard: main.conf: the options do not fit together\n"
     "proto-max-bulk-len 67108865 must be at most half of log-size-max "
     "134217728\n",
     NULL},
    {"port 0",
     {"main.conf"},
     "vard: main.conf: the options do not fit together\n"
     "port 0 and no unixsocket: nothing to listen on\n",
     NULL},
    {"dir ''",
     {"main.conf"},
     "vard: main.conf: the options do not fit together\n"
     "dir is empty: name the directory of the data\n",
     NULL},
    {"daemonize yes\nsupervised systemd",
     {"main.conf"},
     "vard: main.conf: the options do not fit together\n"
     "daemonize yes and supervised systemd exclude each other\n",
     NULL},
    {"",
     {"none.conf"},
     "vard: command line\n"
     ">>> none.conf\n"
     "cannot read 'none.conf': not found\n",
     NULL},
    {"",
     {"closed.conf"},
     "vard: command line\n"
     ">>> closed.conf\n"
     "cannot read 'closed.conf': Permission denied\n",
     NULL},
    {"",
     {""},
     "vard: command line\n"
     ">>> \n"
     "the name of the file is empty\n",
     NULL},
    {"",
     {"main.conf", "more.conf"},
     "vard: command line\n"
     ">>> more.conf\n"
     "not expected here; options are written --option value" SEE,
     NULL},
    {"",
     {"main.conf", "--port", "70000"},
     "vard: command line\n"
     ">>> --port 70000\n"
     "argument must be between 0 and 65535 inclusive",
     "port"},
    {"",
     {"main.conf", "--port"},
     "vard: command line\n"
     ">>> --port\n"
     "wrong number of arguments",
     "port"},
    {"",
     {"main.conf", "--port", "1", "2", "--hz", "3"},
     "vard: command line\n"
     ">>> --port 1 2\n"
     "wrong number of arguments",
     "port"},
    {"",
     {"main.conf", "--prot", "5"},
     "vard: command line\n"
     ">>> --prot 5\n"
     "unknown option 'prot'; did you mean 'port'?" SEE,
     NULL},
    {"",
     {"main.conf", "--"},
     "vard: command line\n"
     ">>> --\n"
     "unknown option ''" SEE,
     NULL},
    {"",
     {"main.conf", "--requirepass", "a", "b"},
     "vard: command line\n"
     ">>> --requirepass ...\n"
     "wrong number of arguments",
     "requirepass"},
    {"",
     {"main.conf", "-port"},
     "vard: command line\n"
     ">>> -port\n"
     "a value is missing\n",
     NULL},
    {"",
     {"main.conf", "-port", "x", "-me", "1"},
     "vard: command line\n"
     ">>> -port x\n"
     "argument couldn't be parsed into an integer",
     "port"},
    {"",
     {"main.conf", "-loglevel", "debug"},
     "vard: command line\n"
     ">>> -loglevel\n"
     "not expected here; options are written --option value; did you mean "
     "'--loglevel'?" SEE,
     NULL},
    {"",
     {"main.conf", "-prt", "5"},
     "vard: command line\n"
     ">>> -prt\n"
     "not expected here; options are written --option value; did you mean "
     "'--port'?" SEE,
     NULL},
    {"",
     {"main.conf", "-requirepass", "x"},
     "vard: command line\n"
     ">>> -requirepass ...\n"
     "not expected here; options are written --option value; did you mean "
     "'--requirepass'?" SEE,
     NULL},
    {"",
     {"main.conf", "-node", "127.0.0.1:1"},
     "vard: command line\n"
     ">>> -node 127.0.0.1:1\n"
     "write -node ID,HOST:PORT, as in -node 1,127.0.0.1:9001\n",
     NULL},
    {"",
     {"main.conf", "-node", "x,127.0.0.1:1"},
     "vard: command line\n"
     ">>> -node x,127.0.0.1:1\n"
     "a node's id is a number from 0 to 4294967294",
     "node"},
    {"",
     {"main.conf", "-node", "5,a:5"},
     "vard: main.conf: the options do not fit together\n"
     "node-id is 1, but no node line has this id\n",
     NULL},
    {"",
     {"-node", "5,a:5"},
     "vard: the options do not fit together\n"
     "node-id is 1, but no node line has this id\n",
     NULL},
    {"",
     {"main.conf", "--hz", "5", "-"},
     "vard: standard input, line 1\n"
     ">>> hz x\n"
     "argument couldn't be parsed into an integer",
     "hz"},
    {"",
     {"main.conf", "--include", "other.conf"},
     "vard: other.conf, line 3\n"
     ">>> hz 0\n"
     "argument must be between 1 and 500 inclusive",
     "hz"},
    {"",
     {"main.conf", "--include", "none.conf"},
     "vard: command line\n"
     ">>> --include none.conf\n"
     "cannot read 'none.conf': not found\n",
     NULL},
    {"",
     {"--heartbeat-interval", "334"},
     "vard: the options do not fit together\n"
     "heartbeat-interval 334 must be at most a third of election-timeout "
     "1000\n",
     NULL},
};

/* The rest of a message, as the table has it. */
static void add_meaning(struct buf *said, const char *name)
{
    const struct option *o = option_find(bytes_str(name));
    assert_non_null(o);
    if (o->kind != OPTION_FIXED)
        buf_printf(said, "; %s: ", name);
    buf_str(said, o->doc);
    if (o->kind != OPTION_FIXED && o->def[0] != '\0')
        buf_printf(said, " (default %s)", o->def);
    buf_char(said, '\n');
}

static void each_is_said_in_full(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        const char *const *a = rows[i].args;
        struct buf said = BUF_INIT;
        buf_str(&said, rows[i].said);
        if (rows[i].option != NULL)
            add_meaning(&said, rows[i].option);
        buf_char(&said, '\0');
        fixture_init(&f);
        fixture_file(&f, "main.conf", rows[i].text);
        fixture_file(&f, "other.conf", "\n\nhz 0\n");
        fixture_file(&f, "-", "hz x\n");
        assert_int_equal(
            fixture_load(&f, a[0], a[1], a[2], a[3], a[4], a[5], NULL),
            ERR_INVALID);
        assert_string_equal(fixture_error(&f), (const char *)said.data);
        buf_release(&said);
        fixture_release(&f);
    }
}

/* Whatever the name of a file is: the message has the lines that it has. */
static void names_of_files_are_one_line(void **state)
{
    struct fixture f;
    char name[256], said[512];
    UNUSED(state);
    fixture_init(&f);
    fixture_file(&f, "main.conf", "include \"a\\nb\"\n");
    fixture_file(&f, "a\nb", "xyzzy 5\n");
    assert_int_equal(fixture_load(&f, "main.conf", NULL), ERR_INVALID);
    assert_string_equal(fixture_error(&f),
                        "vard: a\\x0ab, line 1\n>>> xyzzy 5\n"
                        "unknown option 'xyzzy'" SEE);
    fixture_release(&f);
    for (size_t len = 200; len <= 201; len++) {
        memset(name, 'n', len);
        name[len] = '\0';
        fixture_init(&f);
        fixture_file(&f, name, "xyzzy 5\n");
        assert_int_equal(fixture_load(&f, name, NULL), ERR_INVALID);
        snprintf(said, sizeof(said),
                 "vard: %.200s%s, line 1\n>>> xyzzy 5\n"
                 "unknown option 'xyzzy'" SEE,
                 name, len > 200 ? "..." : "");
        assert_string_equal(fixture_error(&f), said);
        fixture_release(&f);
    }
}

/* A line of 200 bytes is shown, of a longer one its beginning. */
static void long_lines_are_cut(void **state)
{
    UNUSED(state);
    for (size_t len = 199; len <= 201; len++) {
        char line[256], said[512];
        struct fixture f;
        memset(line, 'x', len);
        line[len] = '\0';
        fixture_init(&f);
        fixture_file(&f, "main.conf", line);
        assert_int_equal(fixture_load(&f, "main.conf", NULL), ERR_INVALID);
        snprintf(said, sizeof(said),
                 "vard: main.conf, line 1\n>>> %.200s%s\nunknown option "
                 "'%.200s%s'" SEE,
                 line, len > 200 ? "..." : "", line, len > 200 ? "..." : "");
        assert_string_equal(fixture_error(&f), said);
        fixture_release(&f);
    }
}

/* Files that include each other, as deep as the chain is long. */
static int read_chain(void *ctx, const char *path, struct buf *out)
{
    int last = *(const int *)ctx;
    int at = 0;
    assert_int_equal(sscanf(path, "%d", &at), 1);
    buf_printf(out, at < last ? "include %d\n" : "port %d\n", at + 1);
    return 0;
}

static void includes_have_a_depth(void **state)
{
    UNUSED(state);
    for (int last = 15; last <= 17; last++) {
        struct config c;
        struct buf error = BUF_INIT;
        const struct config_source source = {read_chain, &last};
        char name[] = "vard", first[] = "1";
        char *argv[] = {name, first, NULL};
        config_init(&c);
        int rc = config_load(&c, 2, argv, &source, &error);
        assert_int_equal(rc, last <= 16 ? CONFIG_RUN : ERR_INVALID);
        assert_int_equal(c.port, last <= 16 ? last + 1 : 6379);
        config_release(&c);
        buf_release(&error);
    }
}

/* An address of a member is a name or a number, and no more. */
static void hosts_are_plain(void **state)
{
    UNUSED(state);
    for (int b = 1; b < 256; b++) {
        struct fixture f;
        struct buf host = BUF_INIT;
        struct config_words words = {.count = 2};
        struct buf reason = BUF_INIT;
        bool plain = b > ' ' && b < 0x7f && strchr("[]/\"'\\,:", b) == NULL;
        buf_str(&host, "a");
        buf_u8(&host, (uint8_t)b);
        buf_str(&host, "b:1");
        fixture_init(&f);
        words.items[0] = BYTES_LIT("1");
        words.items[1] = buf_view(&host);
        int err = option_set(&f.config, option_find(BYTES_LIT("node")), &words,
                             &reason);
        if ((err == 0) != plain)
            fail_msg("byte %d: %d", b, err);
        assert_int_equal(reason.len > 0, err != 0);
        assert_int_equal(f.config.node_count, plain);
        buf_release(&host);
        buf_release(&reason);
        fixture_release(&f);
    }
}

/* As many members as there may be, and one more. */
static void a_cluster_has_a_size(void **state)
{
    UNUSED(state);
    for (int count = CONFIG_NODES_MAX; count <= CONFIG_NODES_MAX + 1; count++) {
        struct fixture f;
        struct buf text = BUF_INIT;
        for (int i = 1; i <= count; i++)
            buf_printf(&text, "node %d a:%d\n", i, i);
        buf_char(&text, '\0');
        fixture_init(&f);
        fixture_file(&f, "main.conf", (const char *)text.data);
        assert_int_equal(fixture_load(&f, "main.conf", NULL),
                         count <= CONFIG_NODES_MAX ? CONFIG_RUN : ERR_INVALID);
        assert_string_equal(
            fixture_error(&f),
            count <= CONFIG_NODES_MAX
                ? ""
                : "vard: main.conf: the options do not fit together\n"
                  "10 node lines, but a cluster has at most 9 nodes\n");
        fixture_release(&f);
        buf_release(&text);
    }
}

/* Members named on the command line are instead of those of the file, also
 * behind a file that is included there; other options leave them alone. */
static void members_of_the_command_line(void **state)
{
    static const struct {
        const char *args[6];
        const char *peers[4];
    } cases[] = {
        {{"--hz", "5"}, {"f:1", "f:2"}},
        {{"--node", "1", "c:1"}, {"c:1"}},
        {{"--node", "1", "c:1", "--node", "7", "c:7"}, {"c:1", "c:7"}},
        {{"--include", "more.conf"}, {"f:1", "f:2", "m:7"}},
        {{"--include", "more.conf", "--node", "1", "c:1"}, {"c:1"}},
        {{"--node", "1", "c:1", "--include", "more.conf"}, {"c:1", "m:7"}},
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        const char *const *a = cases[i].args;
        size_t n = 0;
        fixture_init(&f);
        fixture_file(&f, "main.conf", "node 1 f:1\nnode 2 f:2\n");
        fixture_file(&f, "more.conf", "node 7 m:7\n");
        assert_int_equal(fixture_load(&f, "main.conf", a[0], a[1], a[2], a[3],
                                      a[4], a[5], NULL),
                         CONFIG_RUN);
        for (; n < 4 && cases[i].peers[n] != NULL; n++)
            assert_string_equal(f.config.nodes[n].peer_address,
                                cases[i].peers[n]);
        assert_int_equal(f.config.node_count, n);
        fixture_release(&f);
    }
}

/* What the log has to say of options that have no effect: of these only. */
static void notices(void **state)
{
    static const struct {
        const char *text;
        const char *notice; /* "": none; its beginning */
    } cases[] = {
        {"port 1\nsupervised no\ndir x\nappendfsync always",
         "option appendfsync always: the only value in vard, because "},
        {"supervised upstart", "option supervised upstart means no"},
        {"supervised upstart\nport 7000", "option supervised upstart means no"},
        {"supervised auto", ""},
        {"supervised systemd", ""},
        {"loglevel warning", ""}, /* the same number in its list */
        {"appendonly yes",
         "option appendonly yes: the only value in vard, because "},
        {"save \"\"", "option save \"\": the only value in vard, because "},
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        const char *notice = cases[i].notice;
        fixture_init(&f);
        fixture_file(&f, "main.conf", cases[i].text);
        assert_int_equal(fixture_load(&f, "main.conf", NULL), CONFIG_RUN);
        assert_int_equal(f.config.notice_count, notice[0] != '\0');
        if (notice[0] != '\0')
            assert_memory_equal(f.config.notices[0], notice, strlen(notice));
        fixture_release(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_said_in_full),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(names_of_files_are_one_line),
        cmocka_unit_test(includes_have_a_depth),
        cmocka_unit_test(hosts_are_plain),
        cmocka_unit_test(a_cluster_has_a_size),
        cmocka_unit_test(members_of_the_command_line),
        cmocka_unit_test(notices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
