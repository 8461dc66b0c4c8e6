/*
 * The newest base that is not too late becomes a database again, and the
 * entries behind it are executed on it, by the code of a node
 * (node/node_replay.h). What it is then is written as a backup, and that is
 * restored as any other.
 *
 * First the log is walked once without executing anything: whether it reaches
 * so far, whole, and in levels that this program knows. So nothing is begun
 * that cannot be finished.
 *
 * Beside DIR there are DIR.rewind and DIR.state meanwhile.
 *
 * How it fails: with one line; DIR is as it was.
 */
#include "ctl/rewind.h"

#include "base/alloc.h"
#include "base/level.h"
#include "base/num.h"
#include "codec/configuration.h"
#include "ctl/command.h"
#include "ctl/ctl.h"
#include "ctl/shelf.h"
#include "node/node_replay.h"
#include "os/file.h"
#include "snapshot/archive.h"
#include "snapshot/source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FULL_PAUSE_NS 2000000
#define TEXT_MAX      1024

struct rewind {
    const struct rewind_to *to;
    struct shelf shelf;
    size_t base; /* the one to begin with */
    struct applied from;
    uint64_t cluster_id;
    raft_index target; /* the last entry to be executed */
    uint64_t chain;    /* up to there */
    uint16_t level;    /* there */
    char *work;        /* DIR.rewind */
    char *state;       /* DIR.state */
    bool made;         /* it is there */
    struct store *store;
    struct buf error;
};

/* --- times --------------------------------------------------------------- */

/* ".mmm" or nothing. */
static bool parse_fraction(struct bytes text, int64_t *ms)
{
    int64_t unit = 100;
    *ms = 0;
    if (text.len == 0)
        return true;
    if (text.data[0] != '.' || text.len < 2 || text.len > 4)
        return false;
    for (size_t i = 1; i < text.len; i++, unit /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *ms += unit * (text.data[i] - '0');
    }
    return true;
}

bool rewind_parse_time(const char *text, int64_t *wall_ms)
{
    struct tm tm = {0};
    struct bytes rest = bytes_str(text);
    size_t digits = strspn(text, "0123456789");
    uint64_t seconds = 0;
    int64_t ms = 0;
    if (digits == rest.len || text[digits] == '.') {
        if (!num_parse_u64(bytes_of(text, digits), &seconds) ||
            seconds > (uint64_t)ENTRY_TIME_MAX / 1000 - 1)
            return false;
        rest = bytes_from(rest, digits);
    } else {
        const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
        size_t len = end == NULL ? 0 : strlen(end);
        if (len == 0 || end[len - 1] != 'Z')
            return false;
        time_t at = timegm(&tm);
        if (at < 0)
            return false;
        seconds = (uint64_t)at;
        rest = bytes_of(end, len - 1);
    }
    bool ok = parse_fraction(rest, &ms);
    *wall_ms = (int64_t)seconds * 1000 + ms;
    return ok;
}

static int64_t wall_of(const struct applied *a)
{
    return shelf_wall_ms(a->time_ms, a->wall_offset_ms);
}

/* --- where to begin, and where to end ------------------------------------ */

static bool is_too_late(const struct rewind_to *to, const struct applied *a)
{
    return (to->by_time && wall_of(a) > to->wall_ms) ||
           (to->index > 0 && a->index > to->index);
}

static int choose_base(struct rewind *r)
{
    char time[SHELF_TIME_SIZE];
    for (size_t i = r->shelf.base_count; i > 0; i--) {
        int err =
            shelf_base(&r->shelf, i - 1, &r->from, &r->cluster_id, &r->error);
        if (err != 0)
            return err;
        r->base = i - 1;
        if (!is_too_late(r->to, &r->from))
            return 0;
    }
    if (r->shelf.base_count == 0) {
        buf_printf(&r->error, "%s: there is no base in it", r->shelf.dir);
    } else {
        shelf_time(time, wall_of(&r->from));
        buf_printf(&r->error,
                   "%s: it begins with the state after entry %" PRIu64
                   ", of %s: nothing is known of the time before",
                   r->shelf.dir, r->from.index, time);
    }
    return ERR_NOT_FOUND;
}

static struct walk walk_from(const struct rewind *r)
{
    return (struct walk){
        .shelf = &r->shelf, .last = r->from.index, .chain = r->from.chain};
}

/* An entry that says who the members are, and which level is in force. */
static int check_level(struct rewind *r, const struct entry *e)
{
    struct configuration c;
    if (e->kind != ENTRY_CONFIG)
        return 0;
    if (configuration_decode(e->payload, &c) != 0) {
        buf_printf(&r->error, "entry %" PRIu64 " does not decode", e->index);
        return ERR_CORRUPT;
    }
    if (c.level <= LEVEL_MAX)
        return 0;
    buf_printf(&r->error,
               "from entry %" PRIu64
               " on the state is of level %u, and this program, vardctl %s, "
               "knows the levels %d to %d: use a later version of vardctl, or "
               "restore an earlier moment",
               e->index, c.level, VARD_VERSION, LEVEL_MIN, LEVEL_MAX);
    return ERR_MISMATCH;
}

/* The last entry that is missing behind this one, before the archive goes on;
 * 0: it does not go on. */
static raft_index missing_to(const struct rewind *r, const struct walk *w,
                             int err, raft_index last)
{
    if (err == ERR_BEHIND)
        return walk_gap(w) - 1;
    for (size_t i = 0; i < r->shelf.base_count; i++) {
        if (r->shelf.bases[i].index > last)
            return r->shelf.bases[i].index;
    }
    return 0;
}

/* The log ends too early. */
static int refuse_end(struct rewind *r, const struct walk *w, int err,
                      const struct applied *last)
{
    char time[SHELF_TIME_SIZE];
    raft_index missing = missing_to(r, w, err, last->index);
    if (missing == 0 && !r->to->by_time && r->to->index == 0)
        return 0;
    shelf_time(time, wall_of(last));
    if (missing > 0)
        buf_printf(&r->error,
                   "%s: the entries %" PRIu64 " to %" PRIu64
                   " are not in it. What is there before them ends with entry "
                   "%" PRIu64 ", of %s",
                   r->shelf.dir, last->index + 1, missing, last->index, time);
    else
        buf_printf(&r->error,
                   "%s: it ends with entry %" PRIu64
                   ", of %s: whether something came after it is not known. "
                   "To restore all of it, say neither --until nor --entry",
                   r->shelf.dir, last->index, time);
    return ERR_NOT_FOUND;
}

/* The entry behind `last`; ERR_LIMIT: it is beyond what is wanted. */
static int step(struct rewind *r, const struct entry *e, struct applied *last)
{
    struct applied next = {
        .index = e->index,
        .term = e->term,
        .time_ms = MAX(e->time_ms, last->time_ms),
        .wall_offset_ms = e->wall_offset_ms,
    };
    if (is_too_late(r->to, &next))
        return ERR_LIMIT;
    if (next.term < last->term) {
        buf_printf(&r->error,
                   "entry %" PRIu64 " is of an earlier term than "
                   "the one before it",
                   e->index);
        return ERR_CORRUPT;
    }
    *last = next;
    return check_level(r, e);
}

/* Walks the log up to there. */
static int find_target(struct rewind *r)
{
    struct walk w = walk_from(r);
    struct applied last = r->from;
    struct entry e;
    int err = 0;
    r->chain = w.chain;
    while (err == 0 && last.index != r->to->index) {
        err = walk_next(&w, &e, &r->error);
        if (err == ERR_NOT_FOUND || err == ERR_BEHIND) {
            err = refuse_end(r, &w, err, &last);
            break;
        }
        if (err == 0)
            err = step(r, &e, &last);
        if (err == 0)
            r->chain = w.chain;
    }
    r->target = last.index;
    walk_release(&w);
    return err == ERR_LIMIT ? 0 : err;
}

/* --- executing ----------------------------------------------------------- */

static int execute(struct rewind *r, struct replay *p, const struct entry *e)
{
    int err = replay_entry(p, e, &r->error);
    while (err == ERR_AGAIN) {
        (void)nanosleep(&(struct timespec){0, FULL_PAUSE_NS}, NULL);
        err = replay_go(p, &r->error);
    }
    return err;
}

static int replay(struct rewind *r)
{
    struct replay *p;
    struct entry e;
    int err = replay_new(&p, r->store, r->cluster_id, &r->error);
    if (err != 0)
        return err;
    struct walk w = walk_from(r);
    while (err == 0 && w.last < r->target) {
        err = walk_next(&w, &e, &r->error);
        if (err == 0)
            err = execute(r, p, &e);
    }
    r->level = replay_level(p);
    walk_release(&w);
    replay_free(p);
    if (err == 0)
        err = store_flush(r->store, STORE_STATE, true);
    if (err != 0 && r->error.len == 0)
        buf_str(&r->error, store_error(r->store));
    return err;
}

/* --- the state as a backup ----------------------------------------------- */

/* What a node would say of it (RAFT SNAPSHOT). */
static void head_of(const struct rewind *r, const struct applied *a,
                    struct buf *out)
{
    buf_printf(out,
               "version:" VARD_VERSION "\r\ncluster_id:%016" PRIx64
               "\r\nlevel:%u\r\nindex:%" PRIu64 "\r\nterm:%" PRIu64
               "\r\nchain:%016" PRIx64 "\r\ntime_ms:%" PRId64
               "\r\nwall_ms:%" PRId64 "\r\n",
               r->cluster_id, r->level, a->index, a->term, a->chain, a->time_ms,
               wall_of(a));
    ASSERT(out->len <= TEXT_MAX);
}

static int copy_chunks(struct rewind *r, struct source *s,
                       struct archive_writer *to, struct inspect *i)
{
    struct inspect_totals totals;
    struct chunk c;
    int err;
    while ((err = source_next(s, &c, &r->error)) == 0) {
        err = inspect_chunk(i, &c, &r->error);
        if (err == 0)
            err = archive_add(to, &c, &r->error);
        if (err != 0)
            return err;
    }
    if (err != ERR_NOT_FOUND)
        return err;
    err = inspect_end(i, &totals, &r->error);
    if (err == 0)
        err = archive_finish(to, &totals, &r->error);
    if (err == 0)
        printf("the state after entry %" PRIu64 " of term %" PRIu64 ": %" PRIu64
               " rows of %" PRIu64 " bytes, hash %016" PRIx64 "\n",
               totals.applied.index, totals.applied.term, totals.rows,
               totals.bytes, totals.hash);
    return err;
}

static int write_state(struct rewind *r)
{
    struct archive_writer *to = NULL;
    struct buf text = BUF_INIT;
    struct source *s = NULL;
    struct store_view *view = store_view_open(r->store);
    struct inspect *i = inspect_new();
    int err = source_open(&s, view, &r->error);
    if (err == 0) {
        const struct applied *a = source_applied(s);
        if (a->index != r->target || a->chain != r->chain) {
            buf_printf(&r->error,
                       "what was executed ends with entry %" PRIu64
                       ", or another one than entry %" PRIu64 " was",
                       a->index, r->target);
            err = ERR_CORRUPT;
        }
        head_of(r, a, &text);
    }
    if (err == 0)
        err = archive_create(&to, r->state, buf_view(&text), &r->error);
    if (err == 0)
        err = copy_chunks(r, s, to, i);
    r->made = err == 0;
    archive_close(to);
    source_close(s);
    store_view_close(view);
    inspect_free(i);
    buf_release(&text);
    return err;
}

/* --- all of it ----------------------------------------------------------- */

static int make_state(struct rewind *r)
{
    char *base = shelf_path(r->shelf.dir, r->shelf.bases[r->base].name);
    int err = restore_database(&r->store, r->work, base, &r->error);
    if (err == 0)
        err = replay(r);
    if (err == 0)
        err = write_state(r);
    if (r->store != NULL)
        store_close(r->store);
    mem_free(base);
    if (file_remove_tree(r->work) != 0 && err == 0) {
        buf_printf(&r->error, "%s: it cannot be removed: %s", r->work,
                   strerror(errno));
        err = ERR_IO;
    }
    return err;
}

static char *beside(const char *dir, const char *suffix)
{
    size_t size = strlen(dir) + strlen(suffix) + 1;
    char *out = mem_alloc(size);
    snprintf(out, size, "%s%s", dir, suffix);
    return out;
}

static int check_free(struct rewind *r, const char *dir)
{
    char *part = beside(dir, ".part");
    bool ok = restore_is_free(dir, &r->error) &&
              restore_is_free(part, &r->error) &&
              restore_is_free(r->work, &r->error);
    mem_free(part);
    return ok ? 0 : ERR_IO;
}

int rewind_restore(const char *archive, const char *dir,
                   const struct rewind_to *to)
{
    struct rewind r = {.to = to,
                       .work = beside(dir, ".rewind"),
                       .state = beside(dir, ".state")};
    int status = CTL_NOT_DONE;
    int err = shelf_read(&r.shelf, archive, &r.error);
    if (err == 0)
        err = check_free(&r, dir);
    if (err == 0)
        err = choose_base(&r);
    if (err == 0)
        err = find_target(&r);
    if (err == 0)
        err = make_state(&r);
    if (err == 0) {
        status = backup_restore(r.state, dir);
    } else {
        fprintf(stderr, "vardctl: %.*s\n", (int)r.error.len,
                r.error.len == 0 ? "" : (const char *)r.error.data);
    }
    if (r.made)
        (void)unlink(r.state);
    shelf_release(&r.shelf);
    mem_free(r.work);
    mem_free(r.state);
    buf_release(&r.error);
    return status;
}

/* What stands behind an option. CTL_GOOD or CTL_USAGE. */
static int take_value(const char *option, const char *value,
                      struct rewind_to *to)
{
    bool by_time = strcmp(option, "--until") == 0;
    if (!by_time && strcmp(option, "--entry") != 0)
        return command_misused("unknown option ", option);
    if (value == NULL)
        return command_misused("no value for ", option);
    if (by_time && !rewind_parse_time(value, &to->wall_ms))
        return command_misused("not a time: ", value);
    if (!by_time &&
        (!num_parse_u64(bytes_str(value), &to->index) || to->index == 0))
        return command_misused("not the index of an entry: ", value);
    to->by_time |= by_time;
    return CTL_GOOD;
}

int rewind_command(int argc, char **argv)
{
    struct rewind_to to = {.by_time = false};
    const char *names[2] = {NULL, NULL};
    int count = 0;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            const char *value = i + 1 < argc ? argv[i + 1] : NULL;
            if (take_value(argv[i], value, &to) != CTL_GOOD)
                return CTL_USAGE;
            i++;
        } else if (count == 2) {
            return command_misused("too much: ", argv[i]);
        } else {
            names[count++] = argv[i];
        }
    }
    if (count < 2)
        return command_misused("no directory to restore to", "");
    if (file_is_dir(names[0]))
        return rewind_restore(names[0], names[1], &to);
    if (to.by_time || to.index > 0)
        return command_misused("not an archive: ", names[0]);
    return backup_restore(names[0], names[1]);
}
