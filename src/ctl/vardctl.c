/*
 * vardctl: looks at a cluster and works with single keys, on whatever nodes
 * answer. The command line.
 *
 * How it fails: with a line on standard error and an exit status that says
 * whether the request was executed (ctl.h). An answer that cannot be written
 * to standard output is CTL_UNKNOWN to the caller, who has not seen it.
 */
#include "base/alloc.h"
#include "ctl/command.h"
#include "ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_TIMEOUT_MS 10000
#define DEFAULT_WAIT_MS    60000

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
            return command_misused("no value for ", argv[i]);
        if (strcmp(argv[i], "--cluster") == 0)
            c->list = value;
        else if (strcmp(argv[i], "--config") == 0)
            c->file = argv[i + 1];
        else if (strcmp(argv[i], "--password") == 0)
            take_password(c, argv[i + 1]);
        else if (strcmp(argv[i], "--timeout") != 0)
            return command_misused("unknown option ", argv[i]);
        else if (!command_seconds(value, 1, &c->cluster.timeout_ms))
            return command_misused("not a number of seconds: ", value);
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
        c->list = environment != NULL ? environment : CTL_DEFAULT_CLUSTER;
    if (!cluster_add_list(&c->cluster, c->list))
        return command_misused("not a list of HOST:PORT: ", c->list);
    return CTL_GOOD;
}

/* "--help" instead of arguments; where those are no data, anywhere. */
static bool asks_for_help(const struct ctl_command *command, int argc,
                          char **argv)
{
    ASSERT(argc >= 0);
    if (command->takes_data)
        return argc == 1 && strcmp(argv[0], "--help") == 0;
    for (int i = 0; i < argc; i++) {
        if (command_name(argv[i]) != argv[i] &&
            strcmp(command_name(argv[i]), "help") == 0)
            return true;
    }
    return false;
}

/* 0: it is no option that this command knows. */
static unsigned option_of(const struct ctl_command *command, const char *word)
{
    static const struct {
        const char *word;
        unsigned option;
    } all[] = {{"--force", OPTION_FORCE},
               {"--learner", OPTION_LEARNER},
               {"--wait", OPTION_WAIT}};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (strcmp(word, all[i].word) == 0)
            return all[i].option & command->options;
    }
    return 0;
}

/* One that all commands have. */
static bool is_general(const char *word)
{
    static const char *const all[] = {"--cluster", "--config", "--password",
                                      "--timeout"};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (strcmp(word, all[i]) == 0)
            return true;
    }
    return false;
}

/* The command's own options are taken out of its arguments, wherever they are.
 * CTL_GOOD or CTL_USAGE. */
static int take_options(struct ctl *c, const struct ctl_command *command)
{
    int kept = 0;
    ASSERT(c->options == 0);
    for (int i = 0; i < c->argc; i++) {
        unsigned option = option_of(command, c->argv[i]);
        c->options |= option;
        if (option == OPTION_WAIT) {
            c->wait_ms = DEFAULT_WAIT_MS;
            i += i + 1 < c->argc &&
                 command_seconds(c->argv[i + 1], 1, &c->wait_ms);
        }
        if (option != 0)
            continue;
        if (!command->takes_data && strncmp(c->argv[i], "--", 2) == 0)
            return command_misused(is_general(c->argv[i])
                                       ? "it stands before the command: "
                                       : "unknown option ",
                                   c->argv[i]);
        c->argv[kept++] = c->argv[i];
    }
    c->argc = kept;
    return CTL_GOOD;
}

/* CTL_GOOD or CTL_USAGE. */
static int take_arguments(struct ctl *c, const struct ctl_command *command)
{
    int status = take_options(c, command);
    if (status != CTL_GOOD)
        return status;
    if (c->argc >= command->args_min && c->argc <= command->args_max)
        return CTL_GOOD;
    fprintf(stderr,
            "vardctl: wrong number of arguments for %s (try: vardctl %s "
            "--help)\n",
            command->name, command->name);
    return CTL_USAGE;
}

static int run_help(struct ctl *c)
{
    const struct ctl_command *of = NULL;
    if (c->argc > 0)
        of = command_find(c->argv[0]);
    if (c->argc > 0 && of == NULL)
        return command_misused("unknown command ", c->argv[0]);
    if (of == NULL)
        help_print(stdout);
    else
        help_print_one(stdout, of);
    return CTL_GOOD;
}

static int run(struct ctl *c, int argc, char **argv)
{
    int next = 1;
    int status = parse_options(c, argc, argv, &next);
    if (status != CTL_GOOD)
        return status;
    if (next >= argc) {
        help_print(stderr);
        return CTL_USAGE;
    }
    const struct ctl_command *command = command_find(command_name(argv[next]));
    if (command == NULL)
        return command_misused("unknown command ", argv[next]);
    c->argc = argc - next - 1;
    c->argv = argv + next + 1;
    if (asks_for_help(command, c->argc, c->argv)) {
        help_print_one(stdout, command);
        return CTL_GOOD;
    }
    status = take_arguments(c, command);
    if (status == CTL_GOOD && !command->asks_nobody)
        status = take_nodes(c);
    if (status != CTL_GOOD)
        return status;
    return command->run == NULL ? run_help(c) : command->run(c);
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
