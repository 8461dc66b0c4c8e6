/*
 * The command line.
 *
 * How it fails: the first thing that is wrong is named on standard error, and
 * the program ends with status 2 before it connects.
 */
#include "base/alloc.h"
#include "import/import.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_NODES "127.0.0.1:6379"
#define TIMEOUT_MS    30000

static const char help[] =
    "usage: vard-import file RDB-FILE [OPTION ...]\n"
    "       vard-import scan HOST:PORT [OPTION ...]\n"
    "       vard-import follow HOST:PORT [OPTION ...]\n"
    "\n"
    "Moves data from Redis or Valkey into a cluster: out of an RDB file; out\n"
    "of a server that runs, by SCAN and DUMP, where changes that are made\n"
    "meanwhile may be missed; or as a replica of it, with all changes, until\n"
    "SIGINT or SIGTERM, or until the server ends. WAIT on that server says\n"
    "when its changes are here. Nothing is written to it.\n"
    "\n"
    "  --to HOST:PORT,...      nodes of the cluster; default: VARD_CLUSTER,\n"
    "                          else " DEFAULT_NODES "\n"
    "  --password TEXT         its password; default: VARD_PASSWORD\n"
    "  --from-password TEXT    that of the server; default: REDISCLI_AUTH\n"
    "  --replace               the cluster has keys; those of the same name\n"
    "                          are replaced\n"
    "  --resume FILE           of a file: keeps how far it has come there, "
    "and\n"
    "                          goes on from there if it exists\n"
    "  --no-verify             do not compare at the end (follow never does)\n"
    "  --verify-only           compare, and load nothing\n"
    "  --timeout SECONDS       give up after so long without progress (30)\n"
    "  --quiet                 no progress on standard error\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 all keys are there and equal; 1 some were left out, or\n"
    "differ; 2 usage, or the cluster has keys; 3 it was ended by an error.\n";

static bool complain(const char *text, const char *word)
{
    fprintf(stderr, "vard-import: %s%s\nvard-import --help tells more\n", text,
            word);
    return false;
}

/* A secret does not stay where `ps` shows it. */
static const char *take_secret(char **copy, char *value)
{
    mem_free(*copy);
    *copy = mem_strdup(value);
    memset(value, '*', strlen(value));
    return *copy;
}

void import_options_release(struct import_options *o)
{
    for (size_t i = 0; i < ARRAY_LEN(o->secrets); i++)
        mem_free(o->secrets[i]);
    cluster_release(&o->cluster);
}

static bool take_timeout(struct import_options *o, const char *value)
{
    char *end = NULL;
    double seconds = strtod(value, &end);
    if (*value == '\0' || *end != '\0' || !(seconds >= 1 && seconds <= 1e6))
        return complain("not a number of seconds: ", value);
    o->cluster.timeout_ms = (int64_t)(seconds * 1000);
    return true;
}

static bool take_flag(struct import_options *o, const char *name)
{
    if (strcmp(name, "--replace") == 0)
        o->replace = true;
    else if (strcmp(name, "--no-verify") == 0)
        o->no_verify = true;
    else if (strcmp(name, "--verify-only") == 0)
        o->verify_only = true;
    else if (strcmp(name, "--quiet") == 0)
        o->quiet = true;
    else
        return false;
    return true;
}

static bool take_option(struct import_options *o, const char *name, char *value,
                        const char **nodes)
{
    if (value == NULL)
        return complain("no value for ", name);
    if (strcmp(name, "--to") == 0)
        *nodes = value;
    else if (strcmp(name, "--password") == 0)
        o->cluster.password = take_secret(&o->secrets[0], value);
    else if (strcmp(name, "--from-password") == 0)
        o->server_password = take_secret(&o->secrets[1], value);
    else if (strcmp(name, "--resume") == 0)
        o->state = value;
    else if (strcmp(name, "--timeout") == 0)
        return take_timeout(o, value);
    else
        return complain("unknown option ", name);
    return true;
}

static bool take_source(struct import_options *o, int argc, char **argv)
{
    if (argc < 2)
        return complain("file, scan or follow?", "");
    bool file = strcmp(argv[1], "file") == 0;
    o->follow = strcmp(argv[1], "follow") == 0;
    if (!file && !o->follow && strcmp(argv[1], "scan") != 0)
        return complain("file, scan or follow, not ", argv[1]);
    if (argc < 3 || strncmp(argv[2], "--", 2) == 0)
        return complain(file ? "which file?" : "which server?", "");
    if (file)
        o->file = argv[2];
    else
        o->server = argv[2];
    return true;
}

static bool is_known(const char *name)
{
    static const char *const names[] = {"--to", "--password", "--resume",
                                        "--from-password", "--timeout"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static bool parse(struct import_options *o, int argc, char **argv)
{
    const char *environment = getenv("VARD_CLUSTER");
    const char *nodes = environment != NULL ? environment : DEFAULT_NODES;
    if (!take_source(o, argc, argv))
        return false;
    for (int i = 3; i < argc; i++) {
        if (take_flag(o, argv[i]))
            continue;
        if (!is_known(argv[i]))
            return complain("unknown option ", argv[i]);
        if (!take_option(o, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &nodes))
            return false;
        i++;
    }
    if (o->state != NULL && o->file == NULL)
        return complain("--resume is for a file", "");
    if (o->verify_only && (o->follow || o->no_verify || o->state != NULL))
        return complain("--verify-only is for file and scan alone", "");
    if (!cluster_add_list(&o->cluster, nodes))
        return complain("not a list of HOST:PORT: ", nodes);
    return true;
}

bool import_options_parse(struct import_options *o, int argc, char **argv,
                          int *exit)
{
    *o = (struct import_options){.server_password = getenv("REDISCLI_AUTH")};
    o->cluster.password = getenv("VARD_PASSWORD");
    o->cluster.timeout_ms = TIMEOUT_MS;
    *exit = IMPORT_GOOD;
    for (int i = 1; i < argc; i++) {
        bool wants_help =
            strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
        if (wants_help)
            fputs(help, stdout);
        else if (strcmp(argv[i], "--version") == 0)
            printf("vard-import %s\n", VARD_VERSION);
        else
            continue;
        return false;
    }
    *exit = IMPORT_USAGE;
    return parse(o, argc, argv);
}
