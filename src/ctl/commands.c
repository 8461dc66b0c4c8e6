/*
 * The commands, one function each, and their table.
 *
 * How it fails: with a line on standard error and an exit status that says
 * whether the request was executed (ctl.h).
 */
#include "ctl/command.h"

#include "base/num.h"
#include "ctl/ctl.h"
#include "ctl/follow.h"
#include "ctl/rewind.h"
#include "ctl/shelf.h"
#include "os/file.h"

#include <string.h>

#define DEFAULT_WAIT_MS  30000
#define DEFAULT_CHECK_MS 60000

static int print_text(const struct answer *a)
{
    fwrite(a->text.data, 1, a->text.len, stdout);
    putchar('\n');
    return CTL_GOOD;
}

static int run_get(struct ctl *c)
{
    const char *argv[] = {"GET", c->argv[0]};
    struct answer a = {0};
    int status = ctl_ask(c, argv, 2, false, &a);
    if (status == CTL_GOOD && a.kind == ANSWER_NIL) {
        fprintf(stderr, "vardctl: no such key\n");
        status = CTL_NO;
    } else if (status == CTL_GOOD) {
        status = print_text(&a);
    }
    buf_release(&a.text);
    return status;
}

static int run_put(struct ctl *c)
{
    const char *argv[] = {"SET", c->argv[0], c->argv[1]};
    struct answer a = {0};
    int status = ctl_ask(c, argv, 3, true, &a);
    if (status == CTL_GOOD)
        status = print_text(&a);
    buf_release(&a.text);
    return status;
}

/* Commands that answer 1 for done and 0 for not done. */
static int run_flag(struct ctl *c, const char *const *argv, size_t argc,
                    const char *not_done)
{
    struct answer a = {0};
    int status = ctl_ask(c, argv, argc, true, &a);
    if (status == CTL_GOOD && a.number == 0) {
        fprintf(stderr, "vardctl: %s\n", not_done);
        status = CTL_NO;
    } else if (status == CTL_GOOD) {
        printf("OK\n");
    }
    buf_release(&a.text);
    return status;
}

static int run_del(struct ctl *c)
{
    const char *argv[] = {"DEL", c->argv[0]};
    return run_flag(c, argv, 2, "no such key");
}

static int run_cas(struct ctl *c)
{
    const char *argv[] = {"CAS", c->argv[0], c->argv[1], c->argv[2]};
    return run_flag(c, argv, 4, "the value is not the expected one");
}

static int run_cad(struct ctl *c)
{
    const char *argv[] = {"CAD", c->argv[0], c->argv[1]};
    return run_flag(c, argv, 3, "the value is not the expected one");
}

static int run_status(struct ctl *c)
{
    return status_print(&c->cluster, stdout);
}

bool command_seconds(const char *text, int64_t least, int64_t *ms)
{
    int64_t seconds = 0;
    if (!num_parse_i64(bytes_str(text), &seconds) || seconds < least ||
        seconds > 3600)
        return false;
    *ms = seconds * 1000;
    return true;
}

static int run_wait(struct ctl *c)
{
    int64_t timeout_ms = DEFAULT_WAIT_MS;
    int goal = wait_goal(c->argv[0]);
    if (goal < 0)
        return command_misused("nothing to wait for: ", c->argv[0]);
    if (c->argc > 1 && !command_seconds(c->argv[1], 0, &timeout_ms))
        return command_misused("not a number of seconds: ", c->argv[1]);
    return wait_for(&c->cluster, goal, timeout_ms);
}

static int transfer_from(struct ctl *c, size_t leader)
{
    const char *argv[] = {"RAFT", "TRANSFER", c->argc > 0 ? c->argv[0] : ""};
    const struct link_request r = {
        .argv = argv, .argc = c->argc > 0 ? 3 : 2, .write = true};
    struct answer a = {0};
    int status = CTL_GOOD;
    int err =
        cluster_ask_node(&c->cluster, leader, &r, c->cluster.timeout_ms, &a);
    if (err != 0) {
        fprintf(stderr, "vardctl: the leader did not answer\n");
        status = err == ERR_CLOSED ? CTL_NOT_DONE : CTL_UNKNOWN;
    } else if (a.kind == ANSWER_ERROR) {
        status = ctl_fail(CTL_REFUSED, &a);
    } else {
        status = print_text(&a);
    }
    buf_release(&a.text);
    return status;
}

static int run_transfer(struct ctl *c)
{
    size_t leader = 0;
    int status = ctl_find_leader(&c->cluster, &leader);
    return status == CTL_GOOD ? transfer_from(c, leader) : status;
}

static int run_check(struct ctl *c)
{
    int64_t ms = DEFAULT_CHECK_MS;
    if (c->argc > 0 && !command_seconds(c->argv[0], 0, &ms))
        return command_misused("not a number of seconds: ", c->argv[0]);
    return check_members(&c->cluster, ms / 1000);
}

static int run_level(struct ctl *c)
{
    size_t leader = 0;
    if (c->argc == 0)
        return level_show(&c->cluster, stdout);
    int status = ctl_find_leader(&c->cluster, &leader);
    return status == CTL_GOOD ? level_ask(&c->cluster, leader, c->argv[0])
                              : status;
}

static int run_backup(struct ctl *c)
{
    return backup_take(&c->cluster, c->argv[0],
                       c->argc > 1 ? c->argv[1] : NULL);
}

static int run_archive(struct ctl *c)
{
    return follow_command(&c->cluster, c->argc, c->argv);
}

static int run_verify(struct ctl *c)
{
    return file_is_dir(c->argv[0]) ? shelf_verify(c->argv[0])
                                   : backup_verify(c->argv[0]);
}

static int run_restore(struct ctl *c)
{
    return rewind_command(c->argc, c->argv);
}

/* [--cluster-id ID] [--force] DIR... */
static int run_recover(struct ctl *c)
{
    const char *id = NULL;
    bool force = false;
    int i = 0;
    for (; i < c->argc && strncmp(c->argv[i], "--", 2) == 0; i++) {
        if (strcmp(c->argv[i], "--force") == 0)
            force = true;
        else if (strcmp(c->argv[i], "--cluster-id") != 0)
            return command_misused("unknown option ", c->argv[i]);
        else if (i + 1 == c->argc)
            return command_misused("no value for ", c->argv[i]);
        else
            id = c->argv[++i];
    }
    if (i == c->argc)
        return command_misused("no directory to recover from", "");
    return recover_dirs(c->argc - i, c->argv + i, id, force);
}

static int run_members(struct ctl *c)
{
    return members_print(&c->cluster, stdout);
}

static bool is_id(const char *text)
{
    uint64_t id;
    return num_parse_u64(bytes_str(text), &id) && id < NODE_NONE;
}

static int run_add(struct ctl *c)
{
    const struct new_member n = {.peer = c->argv[0],
                                 .client = c->argc > 1 ? c->argv[1] : NULL,
                                 .learner = (c->options & OPTION_LEARNER) != 0,
                                 .wait_ms = c->wait_ms,
                                 .extra = c->extra};
    return change_add(&c->cluster, &n);
}

static int run_replace(struct ctl *c)
{
    if (!is_id(c->argv[0]))
        return command_misused("not the id of a node: ", c->argv[0]);
    const struct new_member n = {.peer = c->argv[1],
                                 .client = c->argc > 2 ? c->argv[2] : NULL,
                                 .replaces = c->argv[0],
                                 .wait_ms = c->wait_ms,
                                 .extra = c->extra};
    return change_add(&c->cluster, &n);
}

static int run_change(struct ctl *c, const char *word)
{
    bool force = (c->options & OPTION_FORCE) != 0;
    if (!is_id(c->argv[0]))
        return command_misused("not the id of a node: ", c->argv[0]);
    return change_members(&c->cluster, word, c->argv[0], force ? "FORCE" : NULL,
                          c->wait_ms);
}

static int run_remove(struct ctl *c)
{
    return run_change(c, "REMOVE");
}

static int run_promote(struct ctl *c)
{
    return run_change(c, "PROMOTE");
}

static int run_demote(struct ctl *c)
{
    return run_change(c, "DEMOTE");
}

static int run_priority(struct ctl *c)
{
    uint64_t priority;
    if (!is_id(c->argv[0]))
        return command_misused("not the id of a node: ", c->argv[0]);
    if (!num_parse_u64(bytes_str(c->argv[1]), &priority) ||
        priority > UINT8_MAX)
        return command_misused("a priority is a number from 0 to 255, not ",
                               c->argv[1]);
    return change_members(&c->cluster, "PRIORITY", c->argv[0], c->argv[1],
                          c->wait_ms);
}

static int run_move(struct ctl *c)
{
    if (!is_id(c->argv[0]))
        return command_misused("not the id of a node: ", c->argv[0]);
    return change_address(&c->cluster, c->argv[0], c->argv[1],
                          c->argc > 2 ? c->argv[2] : NULL, c->wait_ms);
}

static int run_bootstrap(struct ctl *c)
{
    static const char *const argv[] = {"RAFT", "BOOTSTRAP"};
    const struct link_request r = {.argv = argv, .argc = 2, .write = true};
    struct answer a = {0};
    int err = ERR_CLOSED;
    /* Who is not there cannot begin one; whoever answers decides. */
    for (size_t i = 0; err == ERR_CLOSED && i < c->cluster.node_count; i++)
        err = cluster_ask_node(&c->cluster, i, &r, c->cluster.timeout_ms, &a);
    int status = CTL_GOOD;
    if (err != 0)
        status = ctl_fail(err == ERR_CLOSED ? CTL_NOT_DONE : CTL_UNKNOWN, &a);
    else if (a.kind == ANSWER_ERROR)
        status = ctl_fail(CTL_REFUSED, &a);
    else
        printf("It begins with the members that are there: vardctl wait "
               "leader\n");
    buf_release(&a.text);
    return status;
}

static int run_version(struct ctl *c)
{
    UNUSED(c);
    printf("vardctl %s\n", VARD_VERSION);
    return CTL_GOOD;
}

/* --- the table ----------------------------------------------------------- */

#define ADDRESSES                                                              \
    "The first address is the one at which the other members reach the "       \
    "node,\n"                                                                  \
    "the second the one for clients: HOST:6379 if it is left out.\n"
#define GOES_ON                                                                \
    "It goes on by itself, whoever leads: `vardctl members` shows how far it " \
    "is. --wait\nwaits until it is done, at most so many seconds (60).\n"
#define FORCED                                                                 \
    "It is refused if too few of the voters that are left are up and have\n"   \
    "caught up; --force insists.\n"

const struct ctl_command ctl_commands[] = {
    {.name = "status",
     .brief = "",
     .doc = "show the nodes and whether the cluster is healthy",
     .more = "Exit status: 0 healthy; 1 requests are served, but it is not "
             "healthy, as\n"
             "the rows say; 3 they are not served.\n",
     .run = run_status},
    {.name = "wait",
     .args_min = 1,
     .args_max = 2,
     .brief = "GOAL [SECONDS]",
     .doc = "until the cluster, or a node, is like that",
     .more = "Goals, within 30 seconds unless others are given:\n"
             "  healthy    all members answer, follow one leader, are linked "
             "with each\n"
             "             other, have what is written, and have disk space\n"
             "  ready      the nodes that were named serve requests\n"
             "  leader     a node leads, and a majority follows it\n"
             "  caught-up  the nodes that were named are ready, and have "
             "executed all\n"
             "             that was committed when the waiting began\n",
     .run = run_wait},
    {.name = "get",
     .args_min = 1,
     .args_max = 1,
     .takes_data = true,
     .brief = "KEY",
     .doc = "print the value",
     .more = "Exit status 1: there is no such key.\n",
     .run = run_get},
    {.name = "put",
     .args_min = 2,
     .args_max = 2,
     .takes_data = true,
     .brief = "KEY VALUE",
     .doc = "set the value",
     .run = run_put},
    {.name = "del",
     .args_min = 1,
     .args_max = 1,
     .takes_data = true,
     .brief = "KEY",
     .doc = "delete the key",
     .more = "Exit status 1: there is no such key.\n",
     .run = run_del},
    {.name = "cas",
     .args_min = 3,
     .args_max = 3,
     .takes_data = true,
     .brief = "KEY EXPECTED NEW",
     .doc = "set if the value is the expected one",
     .more = "Exit status 1: it is another one, and was not changed.\n",
     .run = run_cas},
    {.name = "cad",
     .args_min = 2,
     .args_max = 2,
     .takes_data = true,
     .brief = "KEY EXPECTED",
     .doc = "delete if the value is the expected one",
     .more = "Exit status 1: it is another one, and was not deleted.\n",
     .run = run_cad},
    {.name = "transfer",
     .args_max = 1,
     .brief = "[ID]",
     .doc = "hand leadership over, to node ID if given",
     .more = "Without ID the most advanced follower leads. OK means that it "
             "has begun.\n",
     .run = run_transfer},
    {.name = "check",
     .args_max = 1,
     .brief = "[SECONDS]",
     .doc = "have all members the same data? Waits (60)",
     .more = "All members hash what they have after the same entry of the log, "
             "in the\n"
             "background. One that has something else than a majority stops, "
             "and is\n"
             "refilled when it starts again.\n",
     .run = run_check},
    {.name = "level",
     .args_max = 1,
     .brief = "[LEVEL]",
     .doc = "what versions of vard may be members; raise it to LEVEL",
     .more = "By default the leader raises the level by itself (level-auto). "
             "It is never\n"
             "lowered: there is no way back to a program that does not know "
             "it.\n",
     .run = run_level},
    {.name = "bootstrap",
     .brief = "",
     .doc = "begin a new cluster without the members that are missing",
     .more =
         "A new cluster waits for all members in the node lines. This tells "
         "the first of\n"
         "them that answers to begin with those that are there, a majority, "
         "which have to\n"
         "be empty. Those that are missing must not have data either.\n",
     .run = run_bootstrap},
    {.name = "members",
     .brief = "",
     .doc = "show the members, and what they are to become",
     .run = run_members},
    {.name = "add",
     .args_min = 1,
     .args_max = 2,
     .options = OPTION_LEARNER | OPTION_WAIT,
     .brief = "HOST:PORT [CLIENTS]",
     .usage = "HOST:PORT [HOST:PORT] [--learner] [--wait [SECONDS]]",
     .doc = "a new member, and print its vard.conf",
     .more = ADDRESSES "Start the new node, with an empty directory, with what "
                       "is printed. It gets\n"
                       "the data first, and votes then; with --learner it "
                       "stays one that does not\n"
                       "vote.\n" GOES_ON,
     .run = run_add},
    {.name = "remove",
     .args_min = 1,
     .args_max = 1,
     .options = OPTION_FORCE | OPTION_WAIT,
     .brief = "ID [--force]",
     .usage = "ID [--force] [--wait [SECONDS]]",
     .doc = "a member leaves the cluster",
     .more = "Its process ends, and its directory is not used again. If it "
             "leads, it hands\n"
             "over first. " FORCED GOES_ON,
     .run = run_remove},
    {.name = "replace",
     .args_min = 2,
     .args_max = 3,
     .options = OPTION_WAIT,
     .brief = "ID HOST:PORT ...",
     .usage = "ID HOST:PORT [HOST:PORT] [--wait [SECONDS]]",
     .doc = "a member by a new one, as add",
     .more = "The old one goes when the new one has the data; it may be "
             "down.\n" ADDRESSES GOES_ON,
     .run = run_replace},
    {.name = "promote",
     .args_min = 1,
     .args_max = 1,
     .options = OPTION_WAIT,
     .brief = "ID",
     .usage = "ID [--wait [SECONDS]]",
     .doc = "a learner is to vote",
     .more = "It votes as soon as it has caught up.\n" GOES_ON,
     .run = run_promote},
    {.name = "demote",
     .args_min = 1,
     .args_max = 1,
     .options = OPTION_FORCE | OPTION_WAIT,
     .brief = "ID [--force]",
     .usage = "ID [--force] [--wait [SECONDS]]",
     .doc = "a voter is to be a learner",
     .more = "It goes on to serve its clients. " FORCED GOES_ON,
     .run = run_demote},
    {.name = "move",
     .args_min = 2,
     .args_max = 3,
     .options = OPTION_WAIT,
     .brief = "ID HOST:PORT ...",
     .usage = "ID HOST:PORT [HOST:PORT] [--wait [SECONDS]]",
     .doc = "a member has another address",
     .more = ADDRESSES "A member that comes back under another address says so "
                       "itself.\n" GOES_ON,
     .run = run_move},
    {.name = "priority",
     .args_min = 2,
     .args_max = 2,
     .options = OPTION_WAIT,
     .brief = "ID NUMBER",
     .usage = "ID NUMBER [--wait [SECONDS]]",
     .doc = "how gladly a member is to lead, 0 to 255",
     .more = "The voter with the greatest priority is to lead when it is well: "
             "it gets\n"
             "leadership when it has followed closely for ten seconds. The "
             "usual one is 100.\n"
             "A voter with 0 leads only if nobody else can.\n" GOES_ON,
     .run = run_priority},
    {.name = "backup",
     .args_min = 1,
     .args_max = 2,
     .brief = "FILE [HOST:PORT]",
     .doc = "write a backup, of a follower or of that node",
     .more = "Until it is whole, it is FILE.part.\n",
     .run = run_backup},
    {.name = "archive",
     .args_min = 1,
     .args_max = 5,
     .takes_data = true,
     .brief = "DIR [--once] ...",
     .usage = "DIR [--once] [--base] [--piece SIZE]",
     .doc = "keep the history of the cluster in DIR",
     .more = "A base, which is a backup, and then the log as it is written, "
             "until it is\n"
             "stopped. Called again, it goes on.\n"
             "--once: up to what is committed now. --base: a new base first. "
             "--piece: a\n"
             "file of the log is closed at this size, from 1kb on (64mb).\n",
     .run = run_archive},
    {.name = "verify",
     .args_min = 1,
     .args_max = 1,
     .asks_nobody = true,
     .brief = "FILE|ARCHIVE",
     .doc = "is it whole? Asks no node",
     .run = run_verify},
    {.name = "restore",
     .args_min = 2,
     .args_max = 6,
     .takes_data = true,
     .asks_nobody = true,
     .brief = "FILE|ARCHIVE DIR ..",
     .usage = "FILE|ARCHIVE DIR [--until TIME | --entry INDEX]",
     .doc = "make a new cluster's first data directory of it",
     .more = "Start one node with it, whose only node line is its own, and add "
             "the others\n"
             "(vardctl add).\n"
             "Of an archive, the log is executed up to TIME (seconds since "
             "1970, or like\n"
             "2026-01-31T23:59:59.500Z), to that entry, or to its end.\n",
     .run = run_restore},
    {.name = "recover",
     .args_min = 1,
     .args_max = 99,
     .takes_data = true,
     .brief = "DIR ...",
     .usage = "[--cluster-id ID] [--force] DIR ...",
     .doc = "last resort: a new cluster of what is left",
     .more =
         "When most members are gone forever. It shows what the directories "
         "of\n"
         "stopped nodes have, and makes a new cluster of the newest one, in "
         "which that\n"
         "node is alone. Name all that are left. The id of the old cluster "
         "must be\n"
         "typed, or given. --force: although they are a majority, which needs "
         "no\n"
         "recovery.\n",
     .run = run_recover},
    {.name = "help",
     .args_max = 1,
     .takes_data = true,
     .asks_nobody = true,
     .brief = "[COMMAND]",
     .doc = "show this text, or more about a command"},
    {.name = "version",
     .asks_nobody = true,
     .brief = "",
     .doc = "show the version",
     .run = run_version},
    {.name = NULL},
};

const struct ctl_command *command_find(const char *name)
{
    ASSERT(name != NULL);
    for (const struct ctl_command *i = ctl_commands; i->name != NULL; i++) {
        if (strcmp(name, i->name) == 0)
            return i;
    }
    return NULL;
}
