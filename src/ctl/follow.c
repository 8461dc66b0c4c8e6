/*
 * A base first, if there is none: a backup. Then the entries behind it, as some
 * node says that they are committed, each time about a megabyte (RAFT ENTRIES).
 * Whichever node answers, each answer has to begin with the hash of all that
 * the archive has: so the log is that of one history without a hole.
 *
 * What is written is synced before more is asked for. A file of 64 MiB gets its
 * trailer and its name, and the next one is begun. Who is killed goes on behind
 * the last entry that is whole.
 *
 * No node keeps its log for this. If it was cut meanwhile, a new base is taken,
 * and the entries in between are not in the archive, which is said.
 *
 * How it fails: nodes are asked again and again, others too. What cannot be
 * written to the directory, and what is not of its cluster, ends it.
 */
#include "ctl/follow.h"

#include "base/alloc.h"
#include "base/num.h"
#include "client/info.h"
#include "ctl/command.h"
#include "ctl/ctl.h"
#include "ctl/shelf.h"
#include "os/clock.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PIECE_BYTES   ((size_t)64 << 20) /* then a file is closed */
#define PIECE_MIN     1024
#define NS            1000000000L
#define PAUSE_NS      100000000L  /* when there is nothing new */
#define BASE_PAUSE_NS 2000000000L /* when no base could be taken */
#define IDLE_MS       2000        /* of one node */
#define ONCE_MS       60000       /* without an answer */

struct follow {
    struct cluster *cluster;
    const char *dir;
    int lock_fd;
    size_t piece_bytes;
    bool is_new; /* nothing is in the archive yet */
    uint64_t cluster_id;
    raft_index last; /* that the archive has */
    uint64_t chain;  /* up to there */
    int fd;          /* of the open piece; -1: there is none */
    uint64_t size;
    struct segment piece; /* what it has; `rest` is not used */
    size_t node;          /* to be asked next */
    raft_index goal;      /* of `once`; 0: not known, or there is none */
    bool answered;        /* it had nothing new */
    int64_t asked_ms;     /* since then it is that node */
    int64_t news_ms;      /* then something came */
    struct answer answer;
    struct buf why; /* the last trouble with a node that was told */
    struct buf error;
};

static int fail(struct follow *f, int status, const char *name,
                const char *what)
{
    buf_printf(&f->error, "%s/%s: %s: %s", f->dir, name, what, strerror(errno));
    return status;
}

static bool bytes_begin(struct bytes text, const char *with)
{
    size_t len = strlen(with);
    return text.len >= len && memcmp(text.data, with, len) == 0;
}

/* --- pieces -------------------------------------------------------------- */

static void piece_name(const struct follow *f, bool part,
                       char out[SHELF_NAME_SIZE])
{
    char name[SHELF_NAME_SIZE];
    shelf_name(name, "log-", f->piece.first);
    snprintf(out, SHELF_NAME_SIZE, "%.30s%s", name, part ? SHELF_PART : "");
}

static int write_bytes(struct follow *f, struct bytes b)
{
    char name[SHELF_NAME_SIZE];
    if (file_write(f->fd, b.data, b.len) == 0 && fdatasync(f->fd) == 0) {
        f->size += b.len;
        return CTL_GOOD;
    }
    piece_name(f, true, name);
    return fail(f, CTL_NOT_DONE, name, "writing failed");
}

/* The head of the next piece becomes that of the archive's end. */
static int begin_piece(struct follow *f)
{
    char name[SHELF_NAME_SIZE];
    struct buf head = BUF_INIT;
    segment_begin(&head, f->last + 1, f->chain, f->cluster_id);
    int err = segment_open(buf_view(&head), &f->piece);
    ASSERT(err == 0 && f->fd < 0);
    piece_name(f, true, name);
    char *path = shelf_path(f->dir, name);
    f->size = 0;
    f->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int status = f->fd < 0 || file_sync_dir(f->dir) != 0
                     ? fail(f, CTL_NOT_DONE, name, "it cannot be created")
                     : write_bytes(f, buf_view(&head));
    buf_release(&head);
    mem_free(path);
    return status;
}

static int close_piece(struct follow *f)
{
    char part[SHELF_NAME_SIZE];
    char name[SHELF_NAME_SIZE];
    struct buf trailer = BUF_INIT;
    if (f->fd < 0)
        return CTL_GOOD;
    segment_end(&trailer, &f->piece);
    int status = write_bytes(f, buf_view(&trailer));
    buf_release(&trailer);
    close(f->fd);
    f->fd = -1;
    if (status != CTL_GOOD)
        return status;
    piece_name(f, true, part);
    piece_name(f, false, name);
    char *from = shelf_path(f->dir, part);
    char *to = shelf_path(f->dir, name);
    if (rename(from, to) != 0 || file_sync_dir(f->dir) != 0)
        status = fail(f, CTL_NOT_DONE, part, "it cannot get its name");
    else
        printf("%s: entries %" PRIu64 " to %" PRIu64 "\n", to, f->piece.first,
               f->piece.last);
    (void)fflush(stdout);
    mem_free(from);
    mem_free(to);
    return status;
}

/* A piece that is not closed: what is whole of it stays. */
static int reopen(struct follow *f, const char *name, size_t whole)
{
    char *path = shelf_path(f->dir, name);
    int status = CTL_GOOD;
    f->fd = open(path, O_WRONLY | O_CLOEXEC);
    f->size = whole;
    if (f->fd < 0 || ftruncate(f->fd, (off_t)whole) != 0 ||
        lseek(f->fd, 0, SEEK_END) < 0 || fdatasync(f->fd) != 0)
        status = fail(f, CTL_NOT_DONE, name, "it cannot be written to");
    mem_free(path);
    return status;
}

/* Reads the last piece to its end. CTL_NO: there is nothing in it. */
static int read_piece(struct follow *f, const struct shelf_file *file,
                      struct bytes bytes)
{
    struct segment s;
    struct entry e;
    int err = segment_open(bytes, &s);
    bool damaged = err != 0 || s.first != file->index;
    if (damaged && file->is_part)
        return CTL_NO;
    while (!damaged && (err = segment_next(&s, &e)) == 0) {
    }
    if (!file->is_part && (damaged || err == ERR_CORRUPT || !s.closed)) {
        buf_printf(&f->error,
                   "%s/%s: it is damaged: archive into another directory, and "
                   "keep this one for what is whole in it (vardctl verify)",
                   f->dir, file->name);
        return CTL_NOT_DONE;
    }
    f->last = s.last;
    f->chain = s.chain;
    f->cluster_id = s.cluster_id;
    f->piece = s;
    f->piece.closed = false;
    if (!file->is_part)
        return CTL_GOOD;
    size_t whole = bytes.len - s.rest.len;
    return reopen(f, file->name,
                  s.closed ? whole - SEGMENT_TRAILER_SIZE : whole);
}

static int take_up(struct follow *f, const struct shelf_file *file)
{
    struct buf bytes = BUF_INIT;
    char *path = shelf_path(f->dir, file->name);
    int status = CTL_GOOD;
    if (file_read(path, SHELF_PIECE_MAX, &bytes) != 0)
        status = fail(f, CTL_NOT_DONE, file->name, "it cannot be read");
    else
        status = read_piece(f, file, buf_view(&bytes));
    if (status == CTL_NO && unlink(path) != 0)
        status = fail(f, CTL_NOT_DONE, file->name, "it cannot be removed");
    mem_free(path);
    buf_release(&bytes);
    return status;
}

/* Where the archive ends. */
static int find_end(struct follow *f)
{
    struct shelf s;
    struct applied base = {0};
    uint64_t id = 0;
    int status = CTL_GOOD;
    if (shelf_read(&s, f->dir, &f->error) != 0 ||
        (s.base_count > 0 &&
         shelf_base(&s, s.base_count - 1, &base, &id, &f->error) != 0))
        status = CTL_NOT_DONE;
    for (size_t i = s.log_count; status == CTL_GOOD && i > 0; i--) {
        status = take_up(f, &s.logs[i - 1]);
        if (status == CTL_GOOD)
            break;
        status = status == CTL_NO ? CTL_GOOD : status;
    }
    if (status == CTL_GOOD && base.index > f->last) {
        status = close_piece(f);
        f->last = base.index;
        f->chain = base.chain;
        f->cluster_id = id;
    }
    f->is_new = f->last == 0;
    shelf_release(&s);
    return status;
}

/* --- a base -------------------------------------------------------------- */

static int other_cluster(struct follow *f, uint64_t id)
{
    buf_printf(&f->error,
               "%s is the archive of the cluster %016" PRIx64
               ", and the nodes are of %016" PRIx64
               ": archive into another directory",
               f->dir, f->cluster_id, id);
    return CTL_REFUSED;
}

/* The archive goes on behind a base, for what comes before it is not to be had
 * any more. */
static int move_to(struct follow *f, const struct applied *a)
{
    int status = close_piece(f);
    f->last = a->index;
    f->chain = a->chain;
    return status;
}

/* What was taken becomes a base. `moves`: the archive goes on behind it. */
static int use_base(struct follow *f, const char *path, bool moves)
{
    char name[SHELF_NAME_SIZE];
    struct applied a = {0};
    uint64_t id = 0;
    int status = CTL_GOOD;
    if (shelf_head(path, &a, &id, &f->error) != 0)
        return CTL_NOT_DONE;
    if (!f->is_new && id != f->cluster_id)
        return other_cluster(f, id);
    if (moves && a.index <= f->last)
        return CTL_NO; /* the node is behind the others */
    f->cluster_id = id;
    f->is_new = false;
    if (moves)
        status = move_to(f, &a);
    if (status != CTL_GOOD)
        return status;
    shelf_name(name, "base-", a.index);
    char *to = shelf_path(f->dir, name);
    if (rename(path, to) != 0 || file_sync_dir(f->dir) != 0)
        status = fail(f, CTL_NOT_DONE, name, "it cannot get its name");
    else
        printf("%s: a base\n", to);
    mem_free(to);
    return status;
}

static void pause_for(long ns)
{
    (void)nanosleep(&(struct timespec){ns / NS, ns % NS}, NULL);
}

/* Then asking again is of no use. */
static bool password_is_wrong(struct bytes text)
{
    return bytes_begin(text, "NOAUTH") || bytes_begin(text, "WRONGPASS");
}

static bool is_denied(struct follow *f)
{
    const char *argv[] = {"PING"};
    const struct link_request r = {.argv = argv, .argc = 1};
    return cluster_ask_node(f->cluster, f->node, &r, CTL_ASK_MS, &f->answer) ==
               0 &&
           f->answer.kind == ANSWER_ERROR &&
           password_is_wrong(buf_view(&f->answer.text));
}

/* CTL_NO: not now; it was said why. */
static int take_base(struct follow *f, bool moves)
{
    char *path = shelf_path(f->dir, SHELF_NEW);
    int status = CTL_GOOD;
    if (unlink(path) != 0 && errno != ENOENT)
        status = fail(f, CTL_NOT_DONE, SHELF_NEW, "it cannot be removed");
    if (status == CTL_GOOD) {
        status = backup_take(f->cluster, path, NULL);
        if (status == CTL_GOOD)
            status = use_base(f, path, moves);
        else if (status != CTL_REFUSED || !is_denied(f))
            status = CTL_NO;
    }
    if (status == CTL_NO)
        pause_for(BASE_PAUSE_NS);
    (void)fflush(stdout);
    mem_free(path);
    return status;
}

/* --- entries ------------------------------------------------------------- */

/* Says it once. */
static void tell(struct follow *f, struct bytes what)
{
    const struct cluster_node *n = &f->cluster->nodes[f->node];
    if (bytes_eq(buf_view(&f->why), what))
        return;
    buf_reset(&f->why);
    buf_bytes(&f->why, what);
    fprintf(stderr, "vardctl: %s:%u: %.*s\n", n->host, n->port, (int)what.len,
            what.len == 0 ? "" : (const char *)what.data);
}

/* The entries of an answer, behind those that there are. */
static int take_entries(struct follow *f, struct bytes answer)
{
    struct segment s;
    struct entry e;
    int err = segment_open(answer, &s);
    if (err == 0 && s.cluster_id != f->cluster_id)
        return other_cluster(f, s.cluster_id);
    if (err == 0 && s.first == f->last + 1 && s.prev_chain != f->chain) {
        buf_printf(&f->error,
                   "%s: the log of the nodes is another one up to entry "
                   "%" PRIu64 ": archive into another directory",
                   f->dir, f->last);
        return CTL_REFUSED;
    }
    struct bytes records = s.rest;
    while (err == 0 && (err = segment_next(&s, &e)) == 0) {
    }
    if (err != ERR_NOT_FOUND || s.first != f->last + 1 || s.rest.len > 0 ||
        s.closed) {
        tell(f, BYTES_LIT("its answer is no piece of the log"));
        return CTL_NO;
    }
    if (s.last == f->last)
        return CTL_NO;
    int status = f->fd < 0 ? begin_piece(f) : CTL_GOOD;
    if (status == CTL_GOOD)
        status = write_bytes(f, records);
    f->piece.last = f->last = s.last;
    f->piece.chain = f->chain = s.chain;
    if (status == CTL_GOOD && f->size >= f->piece_bytes)
        status = close_piece(f);
    return status;
}

/* What a node has answered with an error. */
static int take_refusal(struct follow *f, struct bytes text)
{
    tell(f, text);
    if (bytes_begin(text, "CUT ")) {
        fprintf(stderr,
                "vardctl: what comes behind entry %" PRIu64
                " is lost for this archive, up to a new base\n",
                f->last);
        return take_base(f, true);
    }
    if (!password_is_wrong(text))
        return CTL_NO;
    buf_bytes(&f->error, text);
    return CTL_REFUSED;
}

/* CTL_GOOD: there is more now. CTL_NO: this node has nothing new. */
static int ask_entries(struct follow *f)
{
    char text[NUM_TEXT_MAX];
    const char *argv[] = {"RAFT", "ENTRIES", text};
    const struct link_request r = {.argv = argv, .argc = ARRAY_LEN(argv)};
    num_format_i64((int64_t)(f->last + 1), text);
    f->answered = false;
    int err = cluster_ask_node(f->cluster, f->node, &r, f->cluster->timeout_ms,
                               &f->answer);
    struct bytes answer = buf_view(&f->answer.text);
    if (err != 0) {
        tell(f, buf_view(&f->cluster->nodes[f->node].why));
        cluster_discover(f->cluster);
        return CTL_NO;
    }
    if (f->answer.kind == ANSWER_ERROR)
        return take_refusal(f, answer);
    if (f->answer.kind != ANSWER_TEXT)
        return CTL_NO; /* it has not come so far */
    f->answered = true;
    return take_entries(f, answer);
}

/* What is committed, as far as those who answer know. */
static raft_index committed(struct follow *f)
{
    const char *argv[] = {"INFO", "raft"};
    const struct link_request r = {.argv = argv, .argc = ARRAY_LEN(argv)};
    struct cluster_replies replies = {.count = 0};
    uint64_t highest = 0;
    cluster_ask_all(f->cluster, 0, &r, CTL_ASK_MS, &replies);
    for (size_t i = 0; i < replies.count; i++) {
        struct bytes text = buf_view(&replies.of[i].answer.text);
        uint64_t index = 0;
        if (replies.of[i].err == 0 &&
            num_parse_u64(info_field(text, "raft_commit_index"), &index))
            highest = MAX(highest, index);
    }
    cluster_replies_release(&replies);
    return highest;
}

static bool is_done(struct follow *f, bool once)
{
    if (!once)
        return false;
    if (f->goal == 0)
        f->goal = committed(f);
    return f->goal > 0 && f->last >= f->goal;
}

/* Who has nothing new may be cut off from the others. */
static void ask_another(struct follow *f)
{
    int64_t now_ms = clock_mono_ms();
    if (f->answered && now_ms - f->asked_ms < IDLE_MS)
        return;
    f->node = (f->node + 1) % f->cluster->node_count;
    f->asked_ms = now_ms;
}

/* Until something ends it. */
static int follow(struct follow *f, bool once)
{
    f->news_ms = f->asked_ms = clock_mono_ms();
    while (!is_done(f, once)) {
        int status = f->is_new ? take_base(f, true) : ask_entries(f);
        if (status == CTL_GOOD) {
            f->news_ms = f->asked_ms = clock_mono_ms();
            continue;
        }
        if (status != CTL_NO)
            return status;
        if (once && clock_mono_ms() - f->news_ms > ONCE_MS) {
            buf_str(&f->error, "nothing has come for a minute");
            return CTL_NOT_DONE;
        }
        pause_for(PAUSE_NS);
        ask_another(f);
    }
    printf("%s: has all up to entry %" PRIu64 "\n", f->dir, f->last);
    return CTL_GOOD;
}

static int begin(struct follow *f)
{
    char *path = shelf_path(f->dir, "LOCK");
    int status = CTL_GOOD;
    if (file_make_dir(f->dir) != 0 || (f->lock_fd = file_lock(path)) < 0) {
        buf_printf(&f->error, "%s: %s", f->dir,
                   f->lock_fd == ERR_BUSY ? "another vardctl archives into it"
                                          : strerror(errno));
        status = CTL_NOT_DONE;
    }
    mem_free(path);
    return status == CTL_GOOD ? find_end(f) : status;
}

int follow_cluster(struct cluster *c, const char *dir,
                   const struct follow_options *o)
{
    struct follow f = {.cluster = c,
                       .dir = dir,
                       .piece_bytes = o->piece_bytes,
                       .lock_fd = -1,
                       .fd = -1};
    int status = begin(&f);
    cluster_discover(c);
    if (status == CTL_GOOD && o->base && !f.is_new) {
        status = take_base(&f, false);
        if (status == CTL_NO)
            status = CTL_NOT_DONE;
    }
    if (status == CTL_GOOD)
        status = follow(&f, o->once);
    if (status != CTL_GOOD && f.error.len > 0)
        fprintf(stderr, "vardctl: %.*s\n", (int)f.error.len,
                (const char *)f.error.data);
    if (f.fd >= 0)
        close(f.fd);
    if (f.lock_fd >= 0)
        close(f.lock_fd);
    buf_release(&f.answer.text);
    buf_release(&f.why);
    buf_release(&f.error);
    return status;
}

/* What --piece has. CTL_GOOD or CTL_USAGE. */
static int take_size(const char *text, struct follow_options *o)
{
    uint64_t bytes = 0;
    if (text == NULL)
        return command_misused("no value for ", "--piece");
    if (!num_parse_size(bytes_str(text), &bytes) || bytes < PIECE_MIN ||
        bytes > PIECE_BYTES)
        return command_misused("not a size from 1kb to 64mb: ", text);
    o->piece_bytes = (size_t)bytes;
    return CTL_GOOD;
}

int follow_command(struct cluster *c, int argc, char **argv)
{
    struct follow_options o = {.piece_bytes = PIECE_BYTES};
    const char *dir = NULL;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--once") == 0)
            o.once = true;
        else if (strcmp(argv[i], "--base") == 0)
            o.base = true;
        else if (strcmp(argv[i], "--piece") == 0) {
            if (take_size(i + 1 < argc ? argv[i + 1] : NULL, &o) != CTL_GOOD)
                return CTL_USAGE;
            i++;
        } else if (strncmp(argv[i], "--", 2) == 0)
            return command_misused("unknown option ", argv[i]);
        else if (dir != NULL)
            return command_misused("too much: ", argv[i]);
        else
            dir = argv[i];
    }
    return dir == NULL ? command_misused("no directory to archive into", "")
                       : follow_cluster(c, dir, &o);
}
