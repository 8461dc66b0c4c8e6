/*
 * disk_power: records a scripted run of a node's storage (disk_driver) under
 * libjournal.so, and sweeps its crash points: for each, the directory as a
 * power cut may leave it is built, opened with vard's own code and compared
 * with what had been promised by then.
 *
 * A crash point is a place between two recorded calls, and what becomes of
 * the calls that had not reached the disk (image.h). Points whose directory
 * and promises are those of a point tried before are counted, not tried
 * again.
 *
 * With --again N, from N points the run goes on: a life begins on what the
 * power cut has left, is recorded, and its crash points are swept by another
 * disk_power (--goes-on). So recovery itself loses power. With --fault RULE
 * (journal.h) a call of the first life fails, and the power goes after that: a
 * sync that failed has brought nothing to the disk, and nobody may have been
 * told that it had.
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/num.h"
#include "base/rng.h"
#include "child.h"
#include "history.h"
#include "image.h"
#include "os/clock.h"
#include "os/file.h"
#include "tape.h"
#include "verify.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE   512
#define NOTES_MAX   ((size_t)64 << 20)
#define SHOWN_MAX   12 /* failures that are printed */
#define GO_ON_EVERY 7
#define MODELS      2

struct options {
    const char *driver;
    const char *journal;
    const char *work;
    const char *distrust;
    const char *sync_us;
    const char *fault; /* of the first life, which may end by it; or NULL */
    uint64_t seed;
    uint64_t lives;
    uint64_t steps;
    uint64_t points;  /* to try, about; 0: all */
    uint64_t seconds; /* 0: no limit */
    uint64_t cut;     /* only this one; IMAGE_CUT_COUNT: all */
    uint64_t again;   /* so many points are gone on from, and swept */
    uint32_t jobs;
    bool expect_failure;
    bool goes_on; /* data and notes are there already */
};

struct tally {
    uint64_t points;
    uint64_t tried;
    uint64_t good;
    uint64_t verdicts[VERDICT_COUNT];
};

struct sweep {
    const struct options *o;
    struct tape tape;
    struct image *images[MODELS];
    struct history history;
    struct buf notes; /* so far, with those of earlier runs */
    struct map seen;
    struct children children;
    uint64_t candidates[MODELS][IMAGE_CUT_COUNT];
    struct tally tallies[MODELS][IMAGE_CUT_COUNT];
    bool counting; /* the first pass */
    uint64_t rng;
    uint64_t number; /* of the point */
    uint64_t shown;
    uint64_t allowed_shown;
    uint64_t calls;  /* recorded */
    uint64_t nested; /* sweeps that went on from a point */
    uint64_t nested_failed;
    int64_t deadline_ms;
};

static const char *const model_texts[MODELS] = {"their directory's sync",
                                                "any sync"};
static const char *const cut_texts[] = {
#define X(name, text) text,
    IMAGE_CUTS(X)
#undef X
};

static void path_in(const char *dir, const char *name, char out[PATH_SIZE])
{
    int len = snprintf(out, PATH_SIZE, "%s/%s", dir, name);
    ASSERT(len > 0 && len < PATH_SIZE);
}

/* --- recording ------------------------------------------------------------ */

static void set_path(const struct options *o, const char *name,
                     const char *file)
{
    char path[PATH_SIZE];
    path_in(o->work, file, path);
    int rc = setenv(name, path, 1);
    ASSERT(rc == 0);
}

static void live(const struct options *o, uint64_t life)
{
    char dir[PATH_SIZE];
    char notes[PATH_SIZE];
    char seed[NUM_TEXT_MAX];
    char steps[NUM_TEXT_MAX];
    path_in(o->work, "data", dir);
    path_in(o->work, "notes", notes);
    num_format_i64((int64_t)(o->seed * 1000 + life), seed);
    num_format_i64((int64_t)o->steps, steps);
    bool last = life + 1 == o->lives;
    int pid = child_fork(120);
    if (pid == 0) {
        set_path(o, "DISK_ROOT", "data");
        set_path(o, "DISK_TAPE", "tape");
        set_path(o, "DISK_CLOCK", "clock");
        set_path(o, "DISK_NOTES", "notes");
        setenv("DISK_SYNC_US", o->sync_us, 1);
        setenv("LD_PRELOAD", o->journal, 1);
        if (life == 0 && o->fault != NULL)
            setenv("DISK_FAULT", o->fault, 1);
        execl(o->driver, o->driver, dir, notes, seed, steps,
              last || life % 2 == 1 ? "clean" : "kill", (char *)NULL);
        _exit(127);
    }
    int status = child_wait(pid);
    if (status != 0 && !(life == 0 && o->fault != NULL)) {
        fprintf(stderr, "disk_power: life %llu ended with status %x\n",
                (unsigned long long)life, (unsigned)status);
        exit(2);
    }
}

static struct image *new_image(const struct options *o, enum image_model model)
{
    struct image *m = image_new(model);
    char base[PATH_SIZE];
    path_in(o->work, "base", base);
    if (o->goes_on)
        image_load(m, base);
    return m;
}

/* The journal missed nothing: the directory built of it is the real one. */
static void check_complete(struct sweep *s)
{
    struct image *m = new_image(s->o, IMAGE_POSIX);
    struct buf out = BUF_INIT;
    char dir[PATH_SIZE];
    path_in(s->o->work, "data", dir);
    for (size_t i = 0; i < s->tape.count; i++)
        image_apply(m, &s->tape.events[i]);
    image_compare(m, dir, &out);
    if (out.len > 0) {
        fprintf(stderr, "disk_power: the journal is not complete: %.*s\n",
                (int)out.len, (const char *)out.data);
        exit(2);
    }
    image_free(m);
}

static void record(struct sweep *s)
{
    char path[PATH_SIZE];
    path_in(s->o->work, "notes", path);
    int rc = file_read(path, NOTES_MAX, &s->notes);
    ASSERT(rc == 0 || rc == ERR_NOT_FOUND);
    for (uint64_t life = 0; life < s->o->lives; life++)
        live(s->o, life);
    path_in(s->o->work, "tape", path);
    tape_read(&s->tape, path);
    tape_sort(&s->tape);
    for (size_t i = 0; i < s->tape.count; i++)
        s->calls += s->tape.events[i].r.op != JOURNAL_NOTE;
    check_complete(s);
}

/* --- one point ------------------------------------------------------------ */

/* Two things that a refusal may answer. Sectors of one write may reach the
 * disk in any order; vard drops such a write from the end of a write-ahead
 * log, but not from the MANIFEST. And a file that was synced itself may lose
 * its name, while later changes of names are kept, if a file system goes by
 * the letter of POSIX; those in use do not, and RocksDB relies on it. */
static bool may_refuse(const struct image *m, int model,
                       const struct image_variant *v)
{
    if (v->cut == IMAGE_SECTORS)
        return true;
    return model == 0 && v->cut == IMAGE_WITHOUT && image_is_name(m, v->pick);
}

static void finished(void *ctx, struct child_job *job, enum verdict v,
                     const struct buf *why)
{
    struct sweep *s = ctx;
    struct tally *t = job->tally;
    t->verdicts[v]++;
    t->good += v == VERDICT_RIGHT || (v == VERDICT_REFUSED && job->may_refuse);
    bool allowed = v == VERDICT_REFUSED && job->may_refuse;
    if (v == VERDICT_RIGHT || (allowed && s->allowed_shown++ >= 2) ||
        s->o->expect_failure || s->shown++ >= SHOWN_MAX)
        return;
    printf("%s: %s%s: %.*s\n", job->label, verdict_text(v),
           allowed ? " (allowed)" : "", (int)MIN(why->len, (size_t)300),
           (const char *)why->data);
    fflush(stdout);
}

static void try(struct sweep *s, int model, const struct image_variant *v,
                const char *label)
{
    const struct image *m = s->images[model];
    struct child_job job = {.tally = &s->tallies[model][v->cut],
                            .may_refuse = may_refuse(m, model, v)};
    snprintf(job.label, sizeof(job.label), "%s", label);
    bool goes_on = s->number % GO_ON_EVERY == 0;
    if (!children_fork(&s->children, &job))
        return;
    char dir[PATH_SIZE];
    char name[64];
    struct buf why = BUF_INIT;
    snprintf(name, sizeof(name), "point-%llu", (unsigned long long)s->number);
    path_in(s->o->work, name, dir);
    image_build(m, v, dir);
    enum verdict verdict = verify(dir, &s->history, goes_on, &why);
    child_remove_tree(dir);
    verify_report(children_out(&s->children), verdict, &why);
}

static uint64_t promises(const struct sweep *s)
{
    const struct history *h = &s->history;
    uint64_t all[] = {h->durable, h->durable_chain, h->term, h->vote};
    return hash64(bytes_of(all, sizeof(all)));
}

static bool is_new(struct sweep *s, const struct image *m,
                   const struct image_variant *v)
{
    uint64_t key[2] = {image_hash(m, v), promises(s)};
    struct bytes k = bytes_of(key, sizeof(key));
    if (map_get(&s->seen, k) != NULL)
        return false;
    map_put(&s->seen, k, s);
    return true;
}

static bool chosen(struct sweep *s, int model, enum image_cut cut)
{
    uint64_t quota = s->o->points / MODELS / IMAGE_CUT_COUNT + 1;
    uint64_t all = MAX(s->candidates[model][cut], (uint64_t)1);
    if (s->o->cut < IMAGE_CUT_COUNT && s->o->cut != (uint64_t)cut)
        return false;
    return s->o->points == 0 || rng_below(&s->rng, all) < quota;
}

static void point(struct sweep *s, size_t event, int model,
                  const struct image_variant *v)
{
    struct tally *t = &s->tallies[model][v->cut];
    char label[160];
    if (s->counting) {
        s->candidates[model][v->cut]++;
        return;
    }
    if (!chosen(s, model, v->cut))
        return;
    t->points++;
    s->number++;
    if (!is_new(s, s->images[model], v))
        return;
    t->tried++;
    snprintf(label, sizeof(label), "seed %llu, after call %zu, %s, %s %llu",
             (unsigned long long)s->o->seed, event, model_texts[model],
             cut_texts[v->cut], (unsigned long long)v->pick);
    try(s, model, v, label);
}

/* --- all points ----------------------------------------------------------- */

static void points_between(struct sweep *s, size_t event, int model)
{
    const struct image *m = s->images[model];
    struct image_variant v = {.cut = IMAGE_KEPT};
    for (v.cut = IMAGE_KEPT; v.cut <= IMAGE_ZEROES; v.cut++)
        point(s, event, model, &v);
    size_t pending = image_pending(m);
    for (v.pick = 0, v.cut = IMAGE_PREFIX; v.pick < pending; v.pick++)
        point(s, event, model, &v);
    for (v.pick = 0, v.cut = IMAGE_WITHOUT; v.pick < pending; v.pick++)
        point(s, event, model, &v);
    uint64_t sectors = image_last_sectors(m);
    for (v.pick = 0, v.cut = IMAGE_TORN; v.pick < sectors; v.pick++)
        point(s, event, model, &v);
    v.cut = IMAGE_SECTORS;
    for (v.pick = 1; pending > 0 && v.pick <= 3; v.pick++)
        point(s, event, model, &v);
}

/* The same program on what a power cut leaves here. */
static void sweep_after(const struct sweep *s, const char *work)
{
    char seed[NUM_TEXT_MAX];
    num_format_i64((int64_t)(s->o->seed * 1000 + s->number), seed);
    execl("/proc/self/exe", "disk_power", "--goes-on", "--work", work,
          "--driver", s->o->driver, "--journal", s->o->journal, "--seed", seed,
          "--lives", "1", "--steps", "40", "--points", "90", (char *)NULL);
    _exit(127);
}

static void go_on_from(struct sweep *s)
{
    static const enum image_cut cuts[] = {IMAGE_LOST, IMAGE_ZEROES, IMAGE_TORN,
                                          IMAGE_SECTORS};
    const struct image *m = s->images[rng_below(&s->rng, MODELS)];
    struct image_variant v = {
        .cut = cuts[rng_below(&s->rng, ARRAY_LEN(cuts))],
        .pick = rng_below(&s->rng, 1 + image_last_sectors(m))};
    char work[PATH_SIZE];
    char path[PATH_SIZE];
    char name[64];
    snprintf(name, sizeof(name), "again-%llu", (unsigned long long)s->number);
    path_in(s->o->work, name, work);
    path_in(work, "data", path);
    image_build(m, &v, path);
    path_in(work, "base", path); /* as it was, for image_load() */
    image_build(m, &v, path);
    path_in(work, "notes", path);
    int rc = file_replace(path, buf_view(&s->notes));
    ASSERT(rc == 0);
    fflush(stdout);
    int pid = child_fork(300);
    if (pid == 0)
        sweep_after(s, work);
    int status = child_wait(pid);
    s->nested++;
    s->nested_failed += status != 0;
    if (status != 0)
        printf("going on from seed %llu, %s %llu: status %x\n",
               (unsigned long long)s->o->seed, cut_texts[v.cut],
               (unsigned long long)v.pick, (unsigned)status);
    child_remove_tree(work);
}

static void pass(struct sweep *s, bool counting)
{
    size_t before = s->notes.len;
    s->counting = counting;
    history_notes(&s->history, buf_view(&s->notes));
    for (int k = 0; k < MODELS; k++) {
        s->images[k] = new_image(s->o, k == 0 ? IMAGE_POSIX : IMAGE_JOURNAL);
        image_distrust(s->images[k], s->o->distrust);
    }
    for (size_t i = 0; i < s->tape.count; i++) {
        const struct tape_event *e = &s->tape.events[i];
        if (s->deadline_ms > 0 && clock_mono_ms() > s->deadline_ms)
            break;
        if (e->r.op == JOURNAL_NOTE) {
            history_notes(&s->history, e->data);
            buf_bytes(&s->notes, e->data);
        }
        for (int k = 0; k < MODELS; k++) {
            image_apply(s->images[k], e);
            points_between(s, i, k);
        }
        if (!counting && rng_below(&s->rng, s->tape.count) < s->o->again)
            go_on_from(s);
    }
    s->notes.len = before;
    children_wait(&s->children);
    for (int k = 0; k < MODELS; k++)
        image_free(s->images[k]);
    history_release(&s->history);
}

static void print_row(const struct tally *t, int model, int cut)
{
    uint64_t right = t->verdicts[VERDICT_RIGHT];
    uint64_t refused = t->verdicts[VERDICT_REFUSED];
    uint64_t wrong = t->verdicts[VERDICT_WRONG];
    printf("| %s | %s | %llu | %llu | %llu | %llu | %llu | %llu |\n",
           model_texts[model], cut_texts[cut], (unsigned long long)t->points,
           (unsigned long long)t->tried, (unsigned long long)right,
           (unsigned long long)refused, (unsigned long long)wrong,
           (unsigned long long)(t->tried - right - refused - wrong));
}

static int report(const struct sweep *s)
{
    uint64_t points = 0;
    uint64_t tried = 0;
    uint64_t good = 0;
    bool table = !s->o->expect_failure && !s->o->goes_on;
    if (table)
        printf("| names reach the disk by | at the power cut | points | "
               "distinct | right | refused | wrong | other |\n"
               "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (int k = 0; k < MODELS; k++) {
        for (int c = 0; c < IMAGE_CUT_COUNT; c++) {
            const struct tally *t = &s->tallies[k][c];
            if (table)
                print_row(t, k, c);
            points += t->points;
            tried += t->tried;
            good += t->good;
        }
    }
    printf("seed %llu: %llu calls recorded, %llu points, %llu distinct, %llu "
           "failed\n",
           (unsigned long long)s->o->seed, (unsigned long long)s->calls,
           (unsigned long long)points, (unsigned long long)tried,
           (unsigned long long)(tried - good));
    bool failed = tried > good || s->nested_failed > 0;
    return failed == s->o->expect_failure ? 0 : 1;
}

/* --- the program ---------------------------------------------------------- */

static uint64_t number(const char *text)
{
    uint64_t n;
    if (!num_parse_u64(bytes_str(text), &n)) {
        fprintf(stderr, "disk_power: %s is no number\n", text);
        exit(2);
    }
    return n;
}

static void check_options(const struct options *o)
{
    if (o->driver != NULL && o->journal != NULL && o->work != NULL)
        return;
    fprintf(stderr, "disk_power: --driver, --journal and --work are needed\n");
    exit(2);
}

static void parse(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        {"driver", 1, NULL, 'd'},   {"journal", 1, NULL, 'j'},
        {"work", 1, NULL, 'w'},     {"seed", 1, NULL, 's'},
        {"lives", 1, NULL, 'l'},    {"steps", 1, NULL, 'n'},
        {"points", 1, NULL, 'p'},   {"jobs", 1, NULL, 'J'},
        {"distrust", 1, NULL, 'x'}, {"sync-us", 1, NULL, 'u'},
        {"seconds", 1, NULL, 't'},  {"expect-failure", 0, NULL, 'f'},
        {"again", 1, NULL, 'a'},    {"cut", 1, NULL, 'c'},
        {"fault", 1, NULL, 'F'},    {"goes-on", 0, NULL, 'g'},
        {NULL, 0, NULL, 0}};
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
        case 'x':
            o->distrust = optarg;
            break;
        case 'u':
            o->sync_us = optarg;
            break;
        case 's':
            o->seed = number(optarg);
            break;
        case 'l':
            o->lives = number(optarg);
            break;
        case 'n':
            o->steps = number(optarg);
            break;
        case 'p':
            o->points = number(optarg);
            break;
        case 't':
            o->seconds = number(optarg);
            break;
        case 'J':
            o->jobs = (uint32_t)number(optarg);
            break;
        case 'F':
            o->fault = optarg;
            break;
        case 'c':
            o->cut = number(optarg);
            break;
        case 'a':
            o->again = number(optarg);
            break;
        case 'g':
            o->goes_on = true;
            break;
        case 'f':
            o->expect_failure = true;
            break;
        default:
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    struct options o = {.seed = 1,
                        .lives = 4,
                        .steps = 250,
                        .points = 400,
                        .jobs = 2,
                        .sync_us = "300",
                        .cut = IMAGE_CUT_COUNT};
    parse(&o, argc, argv);
    check_options(&o);
    struct sweep s = {
        .o = &o, .tape = TAPE_INIT, .history = HISTORY_INIT, .rng = o.seed};
    map_init(&s.seen, 1);
    children_init(&s.children, o.jobs, finished, &s);
    int rc = file_make_dir(o.work);
    ASSERT(rc == 0);
    record(&s);
    pass(&s, true);
    if (o.seconds > 0)
        s.deadline_ms = clock_mono_ms() + (int64_t)o.seconds * 1000;
    pass(&s, false);
    int status = report(&s);
    map_release(&s.seen);
    tape_release(&s.tape);
    buf_release(&s.notes);
    return status;
}
