/*
 * disk_faults: one fault at a time. Two directories of a node's storage, one
 * stopped cleanly and one killed, are made by disk_driver; then
 * - each block of each file is flipped or zeroed, each file is cut, missing,
 *   or replaced by an older copy of itself, and the directory is opened with
 *   vard's own code and compared with what was promised;
 * - the nth call of each kind fails while a life goes on, and what that life
 *   leaves behind is compared in the same way.
 *
 * Allowed are: right; refused (with a text, and no file of the database was
 * changed); stopped (with a text); aborted by RocksDB, whose Debian build ends
 * the process by an assertion when it writes on after a failed write. Never:
 * something else served than was promised, another crash, no end. One fault
 * nobody can see from inside: the whole directory replaced by an older copy; it
 * is shown, not judged.
 */
#include "base/buf.h"
#include "base/num.h"
#include "base/rng.h"
#include "child.h"
#include "history.h"
#include "os/clock.h"
#include "os/file.h"
#include "tree.h"
#include "verify.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK     4096
#define TAIL      300 /* bytes of a log's end that are cut one by one */
#define SHOWN_MAX 12

#define FILE_KINDS(X)                                                          \
    X(WAL, "write-ahead log")                                                  \
    X(TABLE, "table (.sst)")                                                   \
    X(MANIFEST, "MANIFEST")                                                    \
    X(CURRENT, "CURRENT")                                                      \
    X(OPTIONS, "OPTIONS")                                                      \
    X(IDENTITY, "IDENTITY, LOCK")                                              \
    X(WATERMARK, "watermark")                                                  \
    X(DATABASE, "the whole database")                                          \
    X(ALL, "database and watermark")

enum file_kind {
#define X(name, text) KIND_##name,
    FILE_KINDS(X)
#undef X
        KIND_COUNT,
};

#define FAULTS(X)                                                              \
    X(FLIP, "a bit of a 4 KiB block flipped")                                  \
    X(ZERO, "a 4 KiB block zeroed")                                            \
    X(CUT, "cut at a block")                                                   \
    X(CUT_TAIL, "cut at a byte of its end")                                    \
    X(MISSING, "missing")                                                      \
    X(OLDER, "an older copy")

enum fault {
#define X(name, text) FAULT_##name,
    FAULTS(X)
#undef X
        FAULT_COUNT,
};

struct tally {
    uint64_t tried;
    uint64_t verdicts[VERDICT_COUNT];
};

struct damage {
    enum fault fault;
    enum file_kind kind;
    const char *name; /* of the file; "db/" or "" for more than one */
    uint64_t at;
};

struct options {
    const char *driver;
    const char *journal;
    const char *work;
    uint64_t seed;
    uint64_t every; /* one of so many faults is tried */
    uint64_t call_every;
    uint32_t jobs;
};

struct base {
    const char *text;
    char dir[TREE_PATH_SIZE];
    char notes[TREE_PATH_SIZE];
    char older[TREE_PATH_SIZE];
    struct tree tree;
    struct history history;
};

struct run {
    const struct options *o;
    struct base base;
    struct children children;
    struct tally tallies[KIND_COUNT][FAULT_COUNT];
    struct tally calls[16];
    uint64_t rng;
    uint64_t number;
    uint64_t shown;
};

static const char *const kind_texts[] = {
#define X(name, text) text,
    FILE_KINDS(X)
#undef X
};

static const char *const fault_texts[] = {
#define X(name, text) text,
    FAULTS(X)
#undef X
};

/* --- the directories ------------------------------------------------------ */

/* Runs one life of the driver; `rule` is a fault of the journal, or NULL.
 * Returns its status as waitpid gives it; what it says goes to `said`. */
static int live(const struct run *r, const char *dir, const char *notes,
                const char *end, const char *rule)
{
    char path[TREE_PATH_SIZE];
    char seed[NUM_TEXT_MAX];
    num_format_i64((int64_t)(r->o->seed + r->number), seed);
    int pid = child_fork(60);
    if (pid > 0)
        return child_wait(pid);
    if (rule != NULL) {
        setenv("DISK_ROOT", dir, 1);
        snprintf(path, sizeof(path), "%s.tape", dir);
        setenv("DISK_TAPE", path, 1);
        snprintf(path, sizeof(path), "%s.clock", dir);
        setenv("DISK_CLOCK", path, 1);
        setenv("DISK_FAULT", rule, 1);
        setenv("LD_PRELOAD", r->o->journal, 1);
        snprintf(path, sizeof(path), "%s.said", dir);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(fd, STDERR_FILENO);
    }
    execl(r->o->driver, r->o->driver, dir, notes, seed,
          rule == NULL ? "300" : "120", end, (char *)NULL);
    _exit(127);
}

static void read_notes(const char *path, struct history *h)
{
    struct buf text = BUF_INIT;
    int rc = file_read(path, (size_t)64 << 20, &text);
    ASSERT(rc == 0);
    *h = HISTORY_INIT;
    history_notes(h, buf_view(&text));
    buf_release(&text);
}

static void make_base(struct run *r, const char *end)
{
    struct base *b = &r->base;
    history_release(&b->history);
    b->text = end;
    tree_path(r->o->work, end, b->dir);
    snprintf(b->notes, sizeof(b->notes), "%.500s.notes", b->dir);
    snprintf(b->older, sizeof(b->older), "%.500s.older", b->dir);
    for (int life = 0; life < 3; life++) {
        r->number++;
        int status = live(r, b->dir, b->notes, life < 2 ? "clean" : end, NULL);
        if (status != 0) {
            fprintf(stderr, "disk_faults: a life ended with %x\n",
                    (unsigned)status);
            exit(2);
        }
        if (life == 1)
            tree_copy(b->dir, b->older);
    }
    tree_list(b->dir, &b->tree);
    read_notes(b->notes, &b->history);
}

/* --- damage --------------------------------------------------------------- */

static enum file_kind kind_of(const char *name)
{
    size_t len = strlen(name);
    if (strcmp(name, "watermark") == 0)
        return KIND_WATERMARK;
    if (strstr(name, "MANIFEST") != NULL)
        return KIND_MANIFEST;
    if (strstr(name, "CURRENT") != NULL)
        return KIND_CURRENT;
    if (strstr(name, "OPTIONS") != NULL)
        return KIND_OPTIONS;
    if (len > 4 && strcmp(name + len - 4, ".sst") == 0)
        return KIND_TABLE;
    if (len > 4 && strcmp(name + len - 4, ".log") == 0)
        return KIND_WAL;
    return KIND_IDENTITY;
}

static void change_block(const char *path, const struct damage *d)
{
    uint8_t block[BLOCK];
    int fd = open(path, O_RDWR | O_CLOEXEC);
    ASSERT(fd >= 0);
    ssize_t n = pread(fd, block, BLOCK, (off_t)d->at);
    ASSERT(n > 0);
    uint64_t rng = d->at + 1;
    if (d->fault == FAULT_ZERO)
        memset(block, 0, (size_t)n);
    else
        block[rng_below(&rng, (uint64_t)n)] ^=
            (uint8_t)(1u << (d->at / BLOCK % 8));
    int rc = file_pwrite(fd, block, (size_t)n, (int64_t)d->at);
    ASSERT(rc == 0);
    close(fd);
}

static void copy_older(const struct base *b, const char *dir,
                       const struct damage *d)
{
    struct tree t;
    if (d->kind < KIND_DATABASE) {
        tree_copy_file(b->older, dir, d->name);
        return;
    }
    tree_list(dir, &t);
    for (size_t i = 0; i < t.count; i++) {
        char path[TREE_PATH_SIZE];
        tree_path(dir, t.files[i].name, path);
        if (strncmp(t.files[i].name, d->name, strlen(d->name)) == 0)
            unlink(path);
    }
    tree_list(b->older, &t);
    for (size_t i = 0; i < t.count; i++)
        if (strncmp(t.files[i].name, d->name, strlen(d->name)) == 0)
            tree_copy_file(b->older, dir, t.files[i].name);
}

static void do_damage(const struct base *b, const char *dir,
                      const struct damage *d)
{
    char path[TREE_PATH_SIZE];
    int rc = 0;
    tree_path(dir, d->name, path);
    switch (d->fault) {
    case FAULT_FLIP:
    case FAULT_ZERO:
        change_block(path, d);
        break;
    case FAULT_CUT:
    case FAULT_CUT_TAIL:
        rc = truncate(path, (off_t)d->at);
        break;
    case FAULT_MISSING:
        if (d->kind == KIND_DATABASE)
            child_remove_tree(path);
        else
            rc = unlink(path);
        break;
    case FAULT_OLDER:
        copy_older(b, dir, d);
        break;
    case FAULT_COUNT:
        ASSERT(false);
    }
    ASSERT(rc == 0);
}

static bool contains(const struct buf *b, const char *text)
{
    return memmem(b->data, b->len, text, strlen(text)) != NULL;
}

/* In the child. Damage may be found before the database is opened for
 * writing, or after; who says before must be right. */
static enum verdict judge(const struct base *b, const char *dir,
                          const struct damage *d, struct buf *why)
{
    tree_copy(b->dir, dir);
    do_damage(b, dir, d);
    uint64_t before = tree_hash(dir, "db/");
    enum verdict v = verify(dir, &b->history, false, why);
    if (v != VERDICT_REFUSED)
        return v;
    if (why->len == 0) {
        buf_str(why, "refused without a word");
        return VERDICT_CRASHED;
    }
    if (tree_hash(dir, "db/") == before)
        return VERDICT_REFUSED;
    if (!contains(why, "Nothing was written"))
        return VERDICT_STOPPED;
    buf_str(why, " But files were changed");
    return VERDICT_WRONG;
}

static bool allowed(enum verdict v)
{
    return v != VERDICT_WRONG && v != VERDICT_CRASHED && v != VERDICT_STUCK;
}

static void finished(void *ctx, struct child_job *job, enum verdict v,
                     const struct buf *why)
{
    struct run *r = ctx;
    struct tally *t = job->tally;
    t->verdicts[v]++;
    bool judged = t != &r->tallies[KIND_ALL][FAULT_OLDER];
    if (allowed(v) || !judged || r->shown++ >= SHOWN_MAX)
        return;
    printf("%s: %s: %.*s\n", job->label, verdict_text(v), (int)why->len,
           (const char *)why->data);
    fflush(stdout);
}

static void try_damage(struct run *r, const struct damage *d)
{
    struct tally *t = &r->tallies[d->kind][d->fault];
    struct child_job job = {.tally = t};
    bool frequent = d->fault <= FAULT_CUT_TAIL;
    if (frequent && t->tried > 0 && rng_below(&r->rng, r->o->every) != 0)
        return;
    t->tried++;
    r->number++;
    snprintf(job.label, sizeof(job.label), "%s: %s of %s at %llu", r->base.text,
             fault_texts[d->fault], d->name, (unsigned long long)d->at);
    if (!children_fork(&r->children, &job))
        return;
    char dir[TREE_PATH_SIZE];
    char name[64];
    struct buf why = BUF_INIT;
    snprintf(name, sizeof(name), "fault-%llu", (unsigned long long)r->number);
    tree_path(r->o->work, name, dir);
    enum verdict v = judge(&r->base, dir, d, &why);
    child_remove_tree(dir);
    verify_report(children_out(&r->children), v, &why);
}

static bool has_older(const struct base *b, const char *name)
{
    char path[TREE_PATH_SIZE];
    tree_path(b->older, name, path);
    return access(path, F_OK) == 0;
}

static void damage_file(struct run *r, const struct tree_file *f)
{
    struct damage d = {.kind = kind_of(f->name), .name = f->name};
    for (d.at = 0; d.at < f->size; d.at += BLOCK) {
        d.fault = FAULT_FLIP;
        try_damage(r, &d);
        d.fault = FAULT_ZERO;
        try_damage(r, &d);
        d.fault = FAULT_CUT;
        try_damage(r, &d);
    }
    d.fault = FAULT_CUT_TAIL;
    d.at = f->size > TAIL ? f->size - TAIL : 0;
    /* Byte by byte where the end is what was written last. */
    uint64_t step = d.kind == KIND_TABLE || d.kind == KIND_OPTIONS ? 29 : 1;
    for (; d.at < f->size; d.at += step)
        try_damage(r, &d);
    d.at = 0;
    d.fault = FAULT_MISSING;
    try_damage(r, &d);
    d.fault = FAULT_OLDER;
    if (has_older(&r->base, f->name))
        try_damage(r, &d);
}

static void damage_all(struct run *r, const char *end)
{
    make_base(r, end);
    for (size_t i = 0; i < r->base.tree.count; i++)
        damage_file(r, &r->base.tree.files[i]);
    struct damage d = {
        .fault = FAULT_MISSING, .kind = KIND_DATABASE, .name = "db/"};
    try_damage(r, &d);
    d.fault = FAULT_OLDER;
    try_damage(r, &d);
    d.kind = KIND_ALL;
    d.name = "";
    try_damage(r, &d);
    children_wait(&r->children);
}

/* --- calls that fail ------------------------------------------------------ */

struct call {
    const char *name;
    const char *rest; /* of CALL:N:ERRNO, behind N */
    uint64_t last;    /* the nth call up to this one */
};

static const struct call calls[] = {
    {"sync", ":EIO", 260},     {"sync", "+:EIO", 260},
    {"write", ":EIO", 600},    {"write", "+:EROFS", 600},
    {"open", "+:EMFILE", 120}, {"open", ":EIO", 120},
    {"rename", ":EIO", 8},     {"unlink", ":EIO", 40},
    {"sync", ":ENOSPC", 260},  {"write", ":ENOSPC", 600},
};

/* RocksDB's own threads go on after a failed write, until an assertion of its
 * Debian build ends the process: the log's file is synced that was not flushed,
 * or a table has no number yet. What is on the disk is right all the same. */
static bool is_rocksdb_assertion(const struct buf *said)
{
    return contains(said, "sync_without_flush_called_") ||
           contains(said, "rocksdb::TableFileName");
}

/* In the child: a life with the fault, then a look at what it left. The life
 * must end by itself: going on, or with a message. */
static enum verdict judge_call(const struct run *r, const char *dir,
                               const char *rule, struct buf *why)
{
    char notes[TREE_PATH_SIZE];
    struct history h;
    snprintf(notes, sizeof(notes), "%.400s.notes", dir);
    tree_copy(r->base.dir, dir);
    struct buf text = BUF_INIT;
    int rc = file_read(r->base.notes, (size_t)64 << 20, &text);
    ASSERT(rc == 0);
    rc = file_replace(notes, buf_view(&text));
    ASSERT(rc == 0);
    int status = live(r, dir, notes, "clean", rule);
    read_notes(notes, &h);
    enum verdict v = verify(dir, &h, false, why);
    history_release(&h);
    buf_release(&text);
    if (v != VERDICT_RIGHT)
        return v == VERDICT_REFUSED ? VERDICT_WRONG : v;
    if (WIFSIGNALED(status)) {
        char said[TREE_PATH_SIZE];
        snprintf(said, sizeof(said), "%.400s.said", dir);
        rc = file_read(said, 65536, why);
        ASSERT(rc == 0);
        if (is_rocksdb_assertion(why))
            return VERDICT_ABORTED;
        buf_printf(why, "signal %d", WTERMSIG(status));
        return WTERMSIG(status) == SIGALRM ? VERDICT_STUCK : VERDICT_CRASHED;
    }
    return status == 0 ? VERDICT_RIGHT : VERDICT_STOPPED;
}

static void remove_beside(const char *dir)
{
    static const char *const suffixes[] = {".notes", ".tape", ".clock",
                                           ".said"};
    child_remove_tree(dir);
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        char path[TREE_PATH_SIZE];
        snprintf(path, sizeof(path), "%.400s%s", dir, suffixes[i]);
        unlink(path);
    }
}

static void try_call(struct run *r, size_t i, uint64_t nth)
{
    struct tally *t = &r->calls[i];
    struct child_job job = {.tally = t};
    char dir[TREE_PATH_SIZE];
    char rule[64];
    char name[64];
    snprintf(rule, sizeof(rule), "%s:%llu%s", calls[i].name,
             (unsigned long long)nth, calls[i].rest);
    t->tried++;
    r->number++;
    snprintf(job.label, sizeof(job.label), "%s: %s", r->base.text, rule);
    if (!children_fork(&r->children, &job))
        return;
    struct buf why = BUF_INIT;
    snprintf(name, sizeof(name), "call-%llu", (unsigned long long)r->number);
    tree_path(r->o->work, name, dir);
    enum verdict v = judge_call(r, dir, rule, &why);
    remove_beside(dir);
    verify_report(children_out(&r->children), v, &why);
}

static void fail_calls(struct run *r)
{
    _Static_assert(ARRAY_LEN(calls) <= ARRAY_LEN(((struct run *)0)->calls),
                   "a tally for each");
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        for (uint64_t n = 1; n <= calls[i].last; n++) {
            if (n == 1 || rng_below(&r->rng, r->o->call_every) == 0)
                try_call(r, i, n);
        }
    }
    children_wait(&r->children);
}

/* --- the report ----------------------------------------------------------- */

static void add(struct tally *sum, const struct tally *t)
{
    sum->tried += t->tried;
    for (int v = 0; v < VERDICT_COUNT; v++)
        sum->verdicts[v] += t->verdicts[v];
}

static void print_row(const char *what, const char *fault,
                      const struct tally *t)
{
    printf("| %s | %s | %llu |", what, fault, (unsigned long long)t->tried);
    for (int v = 0; v < VERDICT_COUNT; v++)
        printf(" %llu |", (unsigned long long)t->verdicts[v]);
    printf("\n");
}

static int report(const struct run *r)
{
    struct tally sum = {0};
    struct tally unjudged = r->tallies[KIND_ALL][FAULT_OLDER];
    printf("| what | fault | tried | right | refused | stopped | aborted "
           "| wrong | crashed | stuck |\n| --- | --- | ---: | ---: | ---: | "
           "---: | ---: | ---: | ---: | ---: |\n");
    for (int k = 0; k < KIND_COUNT; k++) {
        for (int f = 0; f < FAULT_COUNT; f++) {
            const struct tally *t = &r->tallies[k][f];
            if (t->tried == 0)
                continue;
            print_row(kind_texts[k], fault_texts[f], t);
            if (t != &r->tallies[KIND_ALL][FAULT_OLDER])
                add(&sum, t);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        char fault[64];
        snprintf(fault, sizeof(fault), "%s:N%s", calls[i].name, calls[i].rest);
        if (r->calls[i].tried > 0)
            print_row("call", fault, &r->calls[i]);
        add(&sum, &r->calls[i]);
    }
    uint64_t good = 0;
    for (int v = 0; v < VERDICT_COUNT; v++)
        good += allowed((enum verdict)v) ? sum.verdicts[v] : 0;
    printf("%llu single faults, %llu with a verdict that is not allowed; not "
           "judged: %llu\n",
           (unsigned long long)sum.tried,
           (unsigned long long)(sum.tried - good),
           (unsigned long long)unjudged.tried);
    return good == sum.tried ? 0 : 1;
}

static uint64_t number(const char *text)
{
    uint64_t n;
    if (!num_parse_u64(bytes_str(text), &n) || n == 0) {
        fprintf(stderr, "disk_faults: %s is no number\n", text);
        exit(2);
    }
    return n;
}

static void parse(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        {"driver", 1, NULL, 'd'}, {"journal", 1, NULL, 'j'},
        {"work", 1, NULL, 'w'},   {"seed", 1, NULL, 's'},
        {"every", 1, NULL, 'e'},  {"call-every", 1, NULL, 'c'},
        {"jobs", 1, NULL, 'J'},   {NULL, 0, NULL, 0}};
    int c;
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (c) {
        case 'd':
            o->driver = optarg;
            break;
        case 'j':
            o->journal = optarg;
            break;
        case 'w':
            o->work = optarg;
            break;
        case 's':
            o->seed = number(optarg);
            break;
        case 'e':
            o->every = number(optarg);
            break;
        case 'c':
            o->call_every = number(optarg);
            break;
        case 'J':
            o->jobs = (uint32_t)number(optarg);
            break;
        default:
            exit(2);
        }
    }
    if (o->driver == NULL || o->journal == NULL || o->work == NULL) {
        fprintf(stderr, "disk_faults: --driver, --journal and --work are "
                        "needed\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct options o = {.seed = 1, .every = 20, .call_every = 40, .jobs = 2};
    parse(&o, argc, argv);
    struct run r = {.o = &o, .rng = o.seed, .base.history = HISTORY_INIT};
    int rc = file_make_dir(o.work);
    ASSERT(rc == 0);
    children_init(&r.children, o.jobs, finished, &r);
    damage_all(&r, "clean");
    damage_all(&r, "kill");
    fail_calls(&r);
    int status = report(&r);
    history_release(&r.base.history);
    return status;
}
