/*
 * vardctl: looks at a cluster and works with single keys, on whatever nodes
 * answer. The command line and the commands.
 *
 * How it fails: with a line on standard error and an exit status that says
 * whether the request was executed (ctl.h). An answer that cannot be written
 * to standard output is CTL_UNKNOWN to the caller, who has not seen it.
 */
#include "ctl/ctl.h"

#include "base/alloc.h"
#include "base/num.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CLUSTER    "127.0.0.1:6379"
#define DEFAULT_TIMEOUT_MS 10000
#define DEFAULT_WAIT_MS    30000
#define DEFAULT_CHECK_MS   60000

struct ctl {
    struct cluster cluster;
    const char *list; /* --cluster; NULL: none */
    char *file;       /* --config; NULL: none */
    char *extra;      /* lines of --config for a new node; NULL: none */
    char *secret;     /* --password, which every user could see in /proc */
    int argc;
    char **argv; /* the command's own arguments */
};

struct ctl_command {
    const char *name;
    int args_min, args_max;
    const char *usage;
    const char *doc;
    int (*run)(struct ctl *c);
};

static bool begins(struct bytes text, const char *with)
{
    size_t len = strlen(with);
    return text.len >= len && memcmp(text.data, with, len) == 0;
}

/* Errors go to standard error as one line. */
static int fail(int status, const struct answer *a)
{
    const char *what = status == CTL_UNKNOWN
                           ? "outcome unknown, it may have been executed: "
                       : status == CTL_NOT_DONE ? "not executed: "
                                                : "";
    struct bytes text = buf_view(&a->text);
    bool denied = begins(text, "NOAUTH") || begins(text, "WRONGPASS");
    fprintf(stderr, "vardctl: %s%.*s%s\n", what, (int)text.len,
            text.len == 0 ? "" : (const char *)text.data,
            denied ? " (the password: VARD_PASSWORD or --password)" : "");
    return status;
}

static int print_text(const struct answer *a)
{
    fwrite(a->text.data, 1, a->text.len, stdout);
    putchar('\n');
    return CTL_GOOD;
}

/* Asks the cluster, whose members one of the nodes given names; the caller
 * decides what a good answer means. */
static int ask(struct ctl *c, const char *const *argv, size_t argc, bool write,
               struct answer *a)
{
    const struct link_request r = {.argv = argv, .argc = argc, .write = write};
    cluster_discover(&c->cluster);
    int err = cluster_ask(&c->cluster, &r, a);
    if (err != 0)
        return fail(err == ERR_CLOSED ? CTL_NOT_DONE : CTL_UNKNOWN, a);
    if (a->kind == ANSWER_ERROR)
        return fail(CTL_REFUSED, a);
    return CTL_GOOD;
}

static int run_get(struct ctl *c)
{
    const char *argv[] = {"GET", c->argv[0]};
    struct answer a = {0};
    int status = ask(c, argv, 2, false, &a);
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
    int status = ask(c, argv, 3, true, &a);
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
    int status = ask(c, argv, argc, true, &a);
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

static bool parse_seconds(const char *text, int64_t least, int64_t *ms)
{
    int64_t seconds = 0;
    if (!num_parse_i64(bytes_str(text), &seconds) || seconds < least ||
        seconds > 3600)
        return false;
    *ms = seconds * 1000;
    return true;
}

static int usage_error(const char *what, const char *word)
{
    fprintf(stderr, "vardctl: %s%s (try: vardctl help)\n", what, word);
    return CTL_USAGE;
}

static int run_wait(struct ctl *c)
{
    int64_t timeout_ms = DEFAULT_WAIT_MS;
    int goal = wait_goal(c->argv[0]);
    if (goal < 0)
        return usage_error("nothing to wait for: ", c->argv[0]);
    if (c->argc > 1 && !parse_seconds(c->argv[1], 0, &timeout_ms))
        return usage_error("not a number of seconds: ", c->argv[1]);
    return wait_for(&c->cluster, goal, timeout_ms);
}

/* The leader alone can hand leadership over. CTL_GOOD, or the exit status
 * after a message. */
int ctl_find_leader(struct cluster *c, size_t *leader)
{
    struct answer refusal = {0};
    int status = CTL_GOOD;
    int err = cluster_find_leader(c, CTL_ASK_MS, true, leader, &refusal);
    if (err == ERR_AUTH) {
        status = fail(CTL_REFUSED, &refusal);
    } else if (err != 0) {
        fprintf(stderr, "vardctl: no leader is known (try: vardctl status)\n");
        status = CTL_NOT_DONE;
    }
    buf_release(&refusal.text);
    return status;
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
        status = fail(CTL_REFUSED, &a);
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
    if (c->argc > 0 && !parse_seconds(c->argv[0], 0, &ms))
        return usage_error("not a number of seconds: ", c->argv[0]);
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

static int run_verify(struct ctl *c)
{
    return backup_verify(c->argv[0]);
}

static int run_restore(struct ctl *c)
{
    return backup_restore(c->argv[0], c->argv[1]);
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
            return usage_error("unknown option ", c->argv[i]);
        else if (i + 1 == c->argc)
            return usage_error("no value for ", c->argv[i]);
        else
            id = c->argv[++i];
    }
    if (i == c->argc)
        return usage_error("no directory to recover from", "");
    return recover_dirs(c->argc - i, c->argv + i, id, force);
}

static int run_members(struct ctl *c)
{
    return members_print(&c->cluster, stdout);
}

/* The option may be given behind the other words. */
static bool take_flag(struct ctl *c, const char *flag)
{
    if (c->argc == 0 || strcmp(c->argv[c->argc - 1], flag) != 0)
        return false;
    c->argc--;
    return true;
}

static bool is_id(const char *text)
{
    uint64_t id;
    return num_parse_u64(bytes_str(text), &id) && id < NODE_NONE;
}

static int run_add(struct ctl *c)
{
    bool learner = take_flag(c, "--learner");
    if (c->argc == 0)
        return usage_error("no HOST:PORT of the new member", "");
    if (strncmp(c->argv[c->argc - 1], "--", 2) == 0)
        return usage_error("unknown option ", c->argv[c->argc - 1]);
    const struct new_member n = {.peer = c->argv[0],
                                 .client = c->argc > 1 ? c->argv[1] : NULL,
                                 .learner = learner,
                                 .extra = c->extra};
    return change_add(&c->cluster, &n);
}

static int run_replace(struct ctl *c)
{
    if (!is_id(c->argv[0]))
        return usage_error("not the id of a node: ", c->argv[0]);
    const struct new_member n = {.peer = c->argv[1],
                                 .client = c->argc > 2 ? c->argv[2] : NULL,
                                 .replaces = c->argv[0],
                                 .extra = c->extra};
    return change_add(&c->cluster, &n);
}

static int run_change(struct ctl *c, const char *word, bool may_force)
{
    bool force = may_force && take_flag(c, "--force");
    if (c->argc != 1 || !is_id(c->argv[0]))
        return usage_error("not the id of a node: ",
                           c->argc > 0 ? c->argv[c->argc - 1] : "");
    return change_members(&c->cluster, word, c->argv[0],
                          force ? "FORCE" : NULL);
}

static int run_remove(struct ctl *c)
{
    return run_change(c, "REMOVE", true);
}

static int run_promote(struct ctl *c)
{
    return run_change(c, "PROMOTE", false);
}

static int run_demote(struct ctl *c)
{
    return run_change(c, "DEMOTE", true);
}

static int run_move(struct ctl *c)
{
    if (!is_id(c->argv[0]))
        return usage_error("not the id of a node: ", c->argv[0]);
    return change_address(&c->cluster, c->argv[0], c->argv[1],
                          c->argc > 2 ? c->argv[2] : NULL);
}

static int run_help(struct ctl *c);
static int run_version(struct ctl *c);

static const struct ctl_command commands[] = {
    {"status", 0, 0, "", "show the nodes and whether the cluster is healthy",
     run_status},
    {"wait", 1, 2, "GOAL [SECONDS]",
     "until the cluster, or a node, is like that", run_wait},
    {"get", 1, 1, "KEY", "print the value", run_get},
    {"put", 2, 2, "KEY VALUE", "set the value", run_put},
    {"del", 1, 1, "KEY", "delete the key", run_del},
    {"cas", 3, 3, "KEY EXPECTED NEW", "set if the value is the expected one",
     run_cas},
    {"cad", 2, 2, "KEY EXPECTED", "delete if the value is the expected one",
     run_cad},
    {"transfer", 0, 1, "[ID]", "hand leadership over, to node ID if given",
     run_transfer},
    {"check", 0, 1, "[SECONDS]", "have all members the same data? Waits (60)",
     run_check},
    {"level", 0, 1, "[LEVEL]",
     "what versions of vard may be members; raise it to LEVEL", run_level},
    {"members", 0, 0, "", "show the members, and what they are to become",
     run_members},
    {"add", 1, 3, "HOST:PORT [CLIENTS]",
     "a new member, and print its vard.conf", run_add},
    {"remove", 1, 2, "ID [--force]", "a member leaves the cluster", run_remove},
    {"replace", 2, 3, "ID HOST:PORT ...", "a member by a new one, as add",
     run_replace},
    {"promote", 1, 1, "ID", "a learner is to vote", run_promote},
    {"demote", 1, 2, "ID [--force]", "a voter is to be a learner", run_demote},
    {"move", 2, 3, "ID HOST:PORT ...", "a member has another address",
     run_move},
    {"backup", 1, 2, "FILE [HOST:PORT]",
     "write a backup, of a follower or of that node", run_backup},
    {"verify", 1, 1, "FILE", "is this backup whole? Asks no node", run_verify},
    {"restore", 2, 2, "FILE DIR",
     "make a new cluster's first data directory of it", run_restore},
    {"recover", 1, 99, "DIR ...",
     "last resort: a new cluster of what is left, see below", run_recover},
    {"help", 0, 0, "", "show this text", run_help},
    {"version", 0, 0, "", "show the version", run_version},
};

static const char usage_end[] =
    "\nGoals of wait, within 30 seconds unless others are given:\n"
    "  healthy    all members answer, follow one leader, are linked with each\n"
    "             other, have what is written, and have disk space\n"
    "  ready      the nodes that were named serve requests\n"
    "  leader     a node leads, and a majority follows it\n"
    "  caught-up  the nodes that were named are ready, and have executed all\n"
    "             that was committed when the waiting began\n"
    "\nadd, replace and move take the address at which the other members "
    "reach\n"
    "the node, and the one for clients (HOST:6379 if it is left out). A node\n"
    "that is added gets the data first, and votes then; with --learner behind\n"
    "the addresses it stays a learner. --force is for what would be refused\n"
    "because too few of the rest are up.\n"
    "\nrecover [--cluster-id ID] [--force] DIR ...: when most members are "
    "gone\n"
    "forever. It shows what the directories of stopped nodes have, and makes "
    "a\n"
    "new cluster of the newest one, in which that node is alone. Name all "
    "that\n"
    "are left. The id of the old cluster must be typed, or given.\n"
    "\nThe cluster is taken from --cluster, else from a node's configuration,\n"
    "else from VARD_CLUSTER, else it is " DEFAULT_CLUSTER ". One node that is\n"
    "up is enough: it names the others. The password is taken from "
    "--password,\n"
    "else from the configuration, else from VARD_PASSWORD.\n\n"
    "Exit status: 0 done; 1 no (no such key, another value, serving but not\n"
    "healthy, not in time); 2 usage; 3 not executed: no node could do it, or\n"
    "requests are not served; 4 unknown: no answer, it may have been "
    "executed;\n"
    "5 refused with an error.\n";

static void print_usage(FILE *out)
{
    fputs("usage: vardctl [--cluster HOST:PORT,... | --config FILE]\n"
          "               [--password TEXT] [--timeout SECONDS]\n"
          "               COMMAND [ARGUMENT ...]\n\n",
          out);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(out, "  %-9s %-18s %s\n", commands[i].name, commands[i].usage,
                commands[i].doc);
    fputs(usage_end, out);
}

static int run_help(struct ctl *c)
{
    UNUSED(c);
    print_usage(stdout);
    return CTL_GOOD;
}

static int run_version(struct ctl *c)
{
    UNUSED(c);
    printf("vardctl %s\n", VARD_VERSION);
    return CTL_GOOD;
}

/* What may be written like an option; else the word itself. */
static const char *command_name(const char *word)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return "help";
    if (strcmp(word, "--version") == 0 || strcmp(word, "-v") == 0)
        return "version";
    return word;
}

static void take_password(struct ctl *c, char *value)
{
    mem_free(c->secret);
    c->secret = mem_strdup(value);
    memset(value, '*', strlen(value));
    c->cluster.password = c->secret;
}

/* Options come before the command. 0 or CTL_USAGE. */
static int parse_options(struct ctl *c, int argc, char **argv, int *next)
{
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        if (command_name(argv[i]) != argv[i])
            break;
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (value == NULL)
            return usage_error("no value for ", argv[i]);
        if (strcmp(argv[i], "--cluster") == 0)
            c->list = value;
        else if (strcmp(argv[i], "--config") == 0)
            c->file = argv[i + 1];
        else if (strcmp(argv[i], "--password") == 0)
            take_password(c, argv[i + 1]);
        else if (strcmp(argv[i], "--timeout") != 0)
            return usage_error("unknown option ", argv[i]);
        else if (!parse_seconds(value, 1, &c->cluster.timeout_ms))
            return usage_error("not a number of seconds: ", value);
    }
    *next = i;
    return CTL_GOOD;
}

/* Options come before the configuration, that before the environment. 0 or
 * CTL_USAGE. */
static int take_nodes(struct ctl *c)
{
    const char *environment = getenv("VARD_CLUSTER");
    bool from_file = c->file != NULL && c->list == NULL;
    char *password = NULL;
    if (c->file != NULL &&
        !conf_take(&c->cluster, c->file, from_file, &password, &c->extra))
        return CTL_USAGE;
    if (c->secret == NULL && password != NULL) {
        c->secret = password;
        c->cluster.password = password;
    } else {
        mem_free(password);
    }
    if (from_file)
        return CTL_GOOD;
    if (c->list == NULL)
        c->list = environment != NULL ? environment : DEFAULT_CLUSTER;
    if (!cluster_add_list(&c->cluster, c->list))
        return usage_error("not a list of HOST:PORT: ", c->list);
    return CTL_GOOD;
}

static const struct ctl_command *find_command(const char *name)
{
    name = command_name(name);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    }
    return NULL;
}

static int run(struct ctl *c, int argc, char **argv)
{
    int next = 1;
    int status = parse_options(c, argc, argv, &next);
    if (status != CTL_GOOD)
        return status;
    if (next >= argc) {
        print_usage(stderr);
        return CTL_USAGE;
    }
    const struct ctl_command *command = find_command(argv[next]);
    if (command == NULL)
        return usage_error("unknown command ", argv[next]);
    c->argc = argc - next - 1;
    c->argv = argv + next + 1;
    if (c->argc < command->args_min || c->argc > command->args_max)
        return usage_error("wrong number of arguments for ", command->name);
    if (command->run == run_help || command->run == run_version ||
        command->run == run_verify || command->run == run_restore)
        return command->run(c);
    status = take_nodes(c);
    return status == CTL_GOOD ? command->run(c) : status;
}

int main(int argc, char **argv)
{
    struct ctl c = {.cluster = {.password = getenv("VARD_PASSWORD"),
                                .timeout_ms = DEFAULT_TIMEOUT_MS}};
    int status = run(&c, argc, argv);
    cluster_release(&c.cluster);
    mem_free(c.extra);
    mem_free(c.secret);
    bool answered = status == CTL_GOOD || status == CTL_NO;
    if (fflush(stdout) != 0 && answered) {
        fprintf(stderr, "vardctl: the answer cannot be written\n");
        return CTL_UNKNOWN;
    }
    return status;
}
