/*
 * Two views of the directory: `now`, as the processes see it, in which paths
 * are looked up; and `disk`, the names and contents that have reached the
 * disk. Between them stand the pending operations, in order. A sync moves
 * operations from there into `disk`; a power cut is `disk` plus a choice of
 * the rest.
 *
 * Files live until the end: a name that was removed may come back when the
 * removal did not reach the disk.
 */
#include "image.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/rng.h"
#include "os/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR         512
#define PATH_SIZE      512
#define FILE_BYTES_MAX ((size_t)1 << 30)

enum op_kind { OP_WRITE, OP_TRUNCATE, OP_ENTER, OP_REMOVE, OP_MOVE };

struct file {
    struct buf content; /* what has reached the disk */
    uint64_t hash;      /* of it, if known */
    bool hash_known;
    bool is_dir;
};

struct name {
    const char *path; /* of the tape, or of `texts` */
    struct file *file;
};

struct names {
    struct name *list;
    size_t count;
    size_t cap;
};

struct op {
    enum op_kind kind;
    uint64_t seq;
    struct file *file;
    const char *path; /* of an operation on names */
    const char *to;
    uint64_t offset; /* or the size, of a truncation */
    struct bytes data;
    bool given_up; /* a sync of it failed */
};

/* Which file an open file of a process is. */
struct binding {
    uint32_t process;
    uint32_t number;
    struct file *file;
};

struct image {
    enum image_model model;
    const char *distrusted;
    struct names now;
    struct names disk;
    struct op *ops;
    size_t op_count;
    size_t op_cap;
    struct file **files;
    size_t file_count;
    size_t file_cap;
    struct binding *bindings;
    size_t binding_count;
    size_t binding_cap;
    char **texts;
    size_t text_count;
    size_t text_cap;
};

/* Room for one more element of an array. */
static void *grown(void *list, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return list;
    *cap = MAX(*cap * 2, (size_t)16);
    return mem_realloc(list, *cap * size);
}

static void path_in(const char *dir, const char *name, char out[PATH_SIZE])
{
    int len = snprintf(out, PATH_SIZE, "%s/%s", dir, name);
    ASSERT(len > 0 && len < PATH_SIZE);
}

static bool is_diary(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strncmp(slash == NULL ? path : slash + 1, "LOG", 3) == 0;
}

/* --- names ---------------------------------------------------------------- */

static struct name *find(const struct names *n, const char *path)
{
    for (size_t i = 0; i < n->count; i++) {
        if (strcmp(n->list[i].path, path) == 0)
            return &n->list[i];
    }
    return NULL;
}

static void set_name(struct names *n, const char *path, struct file *file)
{
    struct name *found = find(n, path);
    if (found != NULL) {
        found->file = file;
        return;
    }
    n->list = grown(n->list, n->count, &n->cap, sizeof(*n->list));
    n->list[n->count++] = (struct name){path, file};
}

/* Only if it still is this file's. */
static void remove_name(struct names *n, const char *path,
                        const struct file *file)
{
    struct name *found = find(n, path);
    if (found != NULL && found->file == file)
        *found = n->list[--n->count];
}

static void change_names(struct names *n, const struct op *op)
{
    switch (op->kind) {
    case OP_ENTER:
        set_name(n, op->path, op->file);
        break;
    case OP_REMOVE:
        remove_name(n, op->path, op->file);
        break;
    case OP_MOVE:
        remove_name(n, op->path, op->file);
        set_name(n, op->to, op->file);
        break;
    case OP_WRITE:
    case OP_TRUNCATE:
        ASSERT(false);
    }
}

static bool is_name_op(const struct op *op)
{
    return op->kind >= OP_ENTER;
}

static struct bytes parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? BYTES_NONE : bytes_of(path, (size_t)(slash - path));
}

/* --- contents ------------------------------------------------------------- */

static void extend(struct buf *content, uint64_t size)
{
    if (content->len >= size)
        return;
    size_t more = (size_t)size - content->len;
    memset(buf_reserve(content, more), 0, more);
    content->len = (size_t)size;
}

/* `len` bytes of a write, from `from` on; NULL data: zeroes. */
static void put_part(struct buf *content, const struct op *op, uint64_t from,
                     uint64_t len)
{
    ASSERT(from + len <= op->data.len);
    extend(content, op->offset + from + len);
    memcpy(content->data + op->offset + from, op->data.data + from, len);
}

/* The part of a write that lies in the i-th of the sectors it touches. */
static void sector_of(const struct op *op, uint64_t i, uint64_t *from,
                      uint64_t *len)
{
    uint64_t first = op->offset / SECTOR;
    uint64_t begin = MAX((first + i) * SECTOR, op->offset);
    uint64_t end =
        MIN((first + i + 1) * SECTOR, op->offset + (uint64_t)op->data.len);
    ASSERT(begin <= end);
    *from = begin - op->offset;
    *len = end - begin;
}

static uint64_t sectors_of(const struct op *op)
{
    if (op->kind != OP_WRITE || op->data.len == 0)
        return 0;
    return (op->offset + op->data.len - 1) / SECTOR - op->offset / SECTOR + 1;
}

static void change_content(struct buf *content, const struct op *op)
{
    if (op->kind == OP_WRITE) {
        put_part(content, op, 0, op->data.len);
        return;
    }
    ASSERT(op->kind == OP_TRUNCATE);
    extend(content, op->offset);
    content->len = (size_t)op->offset;
}

/* The first `count` sectors, or those that a generator picks. */
static void change_sectors(struct buf *content, const struct op *op,
                           uint64_t count, uint64_t *rng)
{
    uint64_t all = sectors_of(op);
    for (uint64_t i = 0; i < all; i++) {
        uint64_t from, len;
        sector_of(op, i, &from, &len);
        if (rng == NULL ? i < count : rng_below(rng, 4) > 0)
            put_part(content, op, from, len);
    }
    if (rng != NULL && rng_below(rng, 2) > 0)
        extend(content, op->offset + op->data.len);
}

/* What a power cut makes of the i-th pending operation, one on data. */
static void cut_content(const struct image *m, const struct image_variant *v,
                        size_t i, struct buf *content)
{
    const struct op *op = &m->ops[i];
    uint64_t rng = v->pick ^ op->seq;
    bool torn = v->cut == IMAGE_TORN && i + 1 == m->op_count;
    if (op->kind == OP_WRITE && torn)
        change_sectors(content, op, v->pick, NULL);
    else if (op->kind == OP_WRITE && v->cut == IMAGE_SECTORS)
        change_sectors(content, op, 0, &rng);
    else if (op->kind == OP_WRITE && v->cut == IMAGE_ZEROES)
        extend(content, op->offset + op->data.len);
    else
        change_content(content, op);
}

static bool is_kept(const struct image *m, const struct image_variant *v,
                    size_t i)
{
    switch (v->cut) {
    case IMAGE_LOST:
        return false;
    case IMAGE_NAMES:
        return is_name_op(&m->ops[i]);
    case IMAGE_DATA:
        return !is_name_op(&m->ops[i]);
    case IMAGE_PREFIX:
        return i < v->pick;
    case IMAGE_WITHOUT:
        return i != v->pick;
    default:
        return true;
    }
}

/* --- feeding it ----------------------------------------------------------- */

struct image *image_new(enum image_model model)
{
    struct image *m = mem_zalloc(sizeof(*m));
    m->model = model;
    return m;
}

void image_free(struct image *m)
{
    for (size_t i = 0; i < m->file_count; i++) {
        buf_release(&m->files[i]->content);
        mem_free(m->files[i]);
    }
    for (size_t i = 0; i < m->text_count; i++)
        mem_free(m->texts[i]);
    mem_free(m->texts);
    mem_free(m->files);
    mem_free(m->bindings);
    mem_free(m->ops);
    mem_free(m->now.list);
    mem_free(m->disk.list);
    mem_free(m);
}

void image_distrust(struct image *m, const char *part)
{
    m->distrusted = part;
}

static struct file *new_file(struct image *m, bool is_dir)
{
    struct file *f = mem_zalloc(sizeof(*f));
    f->is_dir = is_dir;
    m->files = grown(m->files, m->file_count, &m->file_cap, sizeof(f));
    m->files[m->file_count++] = f;
    return f;
}

static const char *keep_text(struct image *m, struct bytes b)
{
    char *text = mem_alloc(b.len + 1);
    memcpy(text, b.data, b.len);
    text[b.len] = 0;
    m->texts = grown(m->texts, m->text_count, &m->text_cap, sizeof(text));
    m->texts[m->text_count++] = text;
    return text;
}

static void load(struct image *m, const char *dir, const char *below)
{
    char path[PATH_SIZE];
    path_in(dir, below, path);
    DIR *d = opendir(path);
    ASSERT(d != NULL);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        struct stat st;
        char name[PATH_SIZE];
        if (e->d_name[0] == '.')
            continue;
        int len = snprintf(name, sizeof(name), "%s%s%s", below,
                           below[0] == 0 ? "" : "/", e->d_name);
        ASSERT(len > 0 && len < PATH_SIZE);
        path_in(dir, name, path);
        int rc = stat(path, &st);
        ASSERT(rc == 0);
        struct file *f = new_file(m, S_ISDIR(st.st_mode));
        const char *kept = keep_text(m, bytes_str(name));
        set_name(&m->now, kept, f);
        set_name(&m->disk, kept, f);
        rc = f->is_dir ? 0 : file_read(path, FILE_BYTES_MAX, &f->content);
        ASSERT(rc == 0);
        if (f->is_dir)
            load(m, dir, name);
    }
    closedir(d);
}

void image_load(struct image *m, const char *dir)
{
    ASSERT(m->now.count == 0);
    load(m, dir, "");
}

static void to_disk(struct image *m, const struct op *op)
{
    if (is_name_op(op)) {
        change_names(&m->disk, op);
        return;
    }
    change_content(&op->file->content, op);
    op->file->hash_known = false;
}

static void add_op(struct image *m, const struct op *op, const char *path)
{
    if (is_diary(path)) {
        to_disk(m, op);
        return;
    }
    m->ops = grown(m->ops, m->op_count, &m->op_cap, sizeof(*m->ops));
    m->ops[m->op_count++] = *op;
}

static struct file *bound(const struct image *m, const struct tape_event *e)
{
    for (size_t i = m->binding_count; i > 0; i--) {
        const struct binding *b = &m->bindings[i - 1];
        if (b->process == e->r.process && b->number == e->r.file)
            return b->file;
    }
    ASSERT(false);
}

static void apply_open(struct image *m, const struct tape_event *e)
{
    struct name *name = find(&m->now, e->path);
    struct file *file = name == NULL ? NULL : name->file;
    struct op op = {.seq = e->r.seq, .path = e->path};
    ASSERT((file == NULL) == ((e->r.flags & JOURNAL_CREATED) != 0));
    if (file == NULL) {
        file = new_file(m, e->r.op == JOURNAL_MKDIR);
        set_name(&m->now, e->path, file);
        op.kind = OP_ENTER;
        op.file = file;
        add_op(m, &op, e->path);
    } else if ((e->r.flags & JOURNAL_EMPTIED) != 0) {
        op.kind = OP_TRUNCATE;
        op.file = file;
        add_op(m, &op, e->path);
    }
    m->bindings = grown(m->bindings, m->binding_count, &m->binding_cap,
                        sizeof(*m->bindings));
    m->bindings[m->binding_count++] =
        (struct binding){e->r.process, e->r.file, file};
}

static void apply_mkdir(struct image *m, const struct tape_event *e)
{
    struct file *dir = new_file(m, true);
    const struct op op = {
        .kind = OP_ENTER, .seq = e->r.seq, .file = dir, .path = e->path};
    set_name(&m->now, e->path, dir);
    add_op(m, &op, e->path);
}

static void apply_name(struct image *m, const struct tape_event *e)
{
    struct name *name = find(&m->now, e->path);
    ASSERT(name != NULL);
    struct op op = {.seq = e->r.seq, .file = name->file, .path = e->path};
    op.kind = e->r.op == JOURNAL_RENAME ? OP_MOVE
              : e->r.op == JOURNAL_LINK ? OP_ENTER
                                        : OP_REMOVE;
    if (op.kind != OP_REMOVE)
        op.to = keep_text(m, e->data);
    if (op.kind == OP_ENTER)
        op.path = op.to;
    ASSERT(op.to == NULL || bytes_eq(parent_of(op.to), parent_of(e->path)));
    change_names(&m->now, &op);
    add_op(m, &op, e->path);
}

static bool believed(const struct image *m, const char *path, bool is_dir)
{
    if (m->distrusted == NULL)
        return true;
    if (is_dir)
        return strcmp(m->distrusted, "/") != 0;
    return strstr(path, m->distrusted) == NULL;
}

/* What a later write replaces as a whole comes back no more. Of the first
 * `count` operations; returns how many are left. */
static size_t drop_replaced(struct image *m, size_t count, const struct op *by)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        const struct op *op = &m->ops[i];
        bool replaced = op->given_up && by->kind == OP_WRITE &&
                        op->file == by->file && op->offset >= by->offset &&
                        op->offset + op->data.len <= by->offset + by->data.len;
        if (!replaced)
            m->ops[left++] = *op;
    }
    return left;
}

/* `file` NULL: the directory `dir` was synced. */
static void apply_sync(struct image *m, const struct tape_event *e,
                       const struct file *file)
{
    size_t left = 0;
    for (size_t i = 0; i < m->op_count; i++) {
        const struct op op = m->ops[i];
        bool covered = is_name_op(&op)
                           ? m->model == IMAGE_JOURNAL ||
                                 (file == NULL && bytes_eq(parent_of(op.path),
                                                           bytes_str(e->path)))
                           : op.file == file;
        if (covered && op.seq < e->r.begin && !op.given_up) {
            to_disk(m, &op);
            left = drop_replaced(m, left, &op);
        } else {
            m->ops[left++] = op;
        }
    }
    m->op_count = left;
}

static void give_up(struct image *m, const struct tape_event *e)
{
    const struct file *file = bound(m, e);
    for (size_t i = 0; i < m->op_count; i++) {
        struct op *op = &m->ops[i];
        if (op->kind == OP_WRITE && op->file == file && op->seq < e->r.begin)
            op->given_up = true;
    }
}

void image_apply(struct image *m, const struct tape_event *e)
{
    struct op op = {.seq = e->r.seq, .data = e->data};
    switch ((enum journal_op)e->r.op) {
    case JOURNAL_OPEN:
        apply_open(m, e);
        break;
    case JOURNAL_MKDIR:
        apply_mkdir(m, e);
        break;
    case JOURNAL_WRITE:
    case JOURNAL_TRUNCATE:
        op.kind = e->r.op == JOURNAL_WRITE ? OP_WRITE : OP_TRUNCATE;
        op.file = bound(m, e);
        op.offset = (uint64_t)e->r.offset;
        add_op(m, &op, e->path);
        break;
    case JOURNAL_SYNC:
        if (believed(m, e->path, false))
            apply_sync(m, e, bound(m, e));
        break;
    case JOURNAL_SYNC_FAILED:
        give_up(m, e);
        break;
    case JOURNAL_SYNC_DIR:
        if (believed(m, e->path, true))
            apply_sync(m, e, NULL);
        break;
    case JOURNAL_RENAME:
    case JOURNAL_LINK:
    case JOURNAL_UNLINK:
        apply_name(m, e);
        break;
    case JOURNAL_NOTE:
        break;
    }
}

size_t image_pending(const struct image *m)
{
    return m->op_count;
}

bool image_is_name(const struct image *m, uint64_t i)
{
    ASSERT(i < m->op_count);
    return is_name_op(&m->ops[i]);
}

uint64_t image_last_sectors(const struct image *m)
{
    return m->op_count == 0 ? 0 : sectors_of(&m->ops[m->op_count - 1]);
}

/* --- what is found after the cut ------------------------------------------ */

static struct names names_after(const struct image *m,
                                const struct image_variant *v)
{
    struct names n = {.cap = m->disk.count + 1};
    n.list = mem_alloc(n.cap * sizeof(*n.list));
    for (size_t i = 0; i < m->disk.count; i++)
        n.list[n.count++] = m->disk.list[i];
    for (size_t i = 0; i < m->op_count; i++) {
        if (is_name_op(&m->ops[i]) && is_kept(m, v, i))
            change_names(&n, &m->ops[i]);
    }
    return n;
}

/* The content of a file; borrowed from it, or built in *scratch. */
static struct bytes content_after(const struct image *m,
                                  const struct image_variant *v,
                                  const struct file *f, struct buf *scratch)
{
    bool copied = false;
    for (size_t i = 0; i < m->op_count; i++) {
        if (m->ops[i].file != f || is_name_op(&m->ops[i]) || !is_kept(m, v, i))
            continue;
        if (!copied) {
            buf_reset(scratch);
            buf_bytes(scratch, buf_view(&f->content));
        }
        copied = true;
        cut_content(m, v, i, scratch);
    }
    return copied ? buf_view(scratch) : buf_view(&f->content);
}

static uint64_t hash_of(const struct image *m, const struct image_variant *v,
                        struct file *f, struct buf *scratch)
{
    struct bytes content = content_after(m, v, f, scratch);
    if (content.data != f->content.data || content.len != f->content.len)
        return hash64(content);
    if (!f->hash_known)
        f->hash = hash64(content);
    f->hash_known = true;
    return f->hash;
}

uint64_t image_hash(const struct image *m, const struct image_variant *v)
{
    struct names n = names_after(m, v);
    struct buf scratch = BUF_INIT;
    uint64_t sum = 0;
    for (size_t i = 0; i < n.count; i++) {
        if (!is_diary(n.list[i].path))
            sum += hash64_seed(bytes_str(n.list[i].path),
                               hash_of(m, v, n.list[i].file, &scratch));
    }
    buf_release(&scratch);
    mem_free(n.list);
    return sum;
}

static bool has_parent(const struct names *n, const char *path)
{
    struct bytes parent = parent_of(path);
    if (parent.len == 0)
        return true;
    for (size_t i = 0; i < n->count; i++) {
        if (bytes_eq(bytes_str(n->list[i].path), parent))
            return true;
    }
    return false;
}

static void write_file(const char *path, struct bytes content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ASSERT(fd >= 0);
    int rc = file_write(fd, content.data, content.len);
    ASSERT(rc == 0);
    close(fd);
}

void image_build(const struct image *m, const struct image_variant *v,
                 const char *dir)
{
    struct names n = names_after(m, v);
    struct buf scratch = BUF_INIT;
    char path[PATH_SIZE];
    int rc = file_make_dir(dir);
    ASSERT(rc == 0);
    for (size_t i = 0; i < n.count; i++) {
        path_in(dir, n.list[i].path, path);
        if (n.list[i].file->is_dir)
            rc = file_make_dir(path);
        ASSERT(rc == 0);
    }
    for (size_t i = 0; i < n.count; i++) {
        struct file *f = n.list[i].file;
        path_in(dir, n.list[i].path, path);
        if (!f->is_dir && !is_diary(n.list[i].path) &&
            has_parent(&n, n.list[i].path))
            write_file(path, content_after(m, v, f, &scratch));
    }
    buf_release(&scratch);
    mem_free(n.list);
}

/* Files of a real directory that the image does not know. */
static void compare_strangers(const struct names *n, const char *dir,
                              const char *below, struct buf *out)
{
    char path[PATH_SIZE];
    path_in(dir, below, path);
    DIR *d = opendir(path);
    if (d == NULL)
        return;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char name[PATH_SIZE];
        int len = snprintf(name, sizeof(name), "%s%s%s", below,
                           below[0] == 0 ? "" : "/", e->d_name);
        ASSERT(len > 0 && len < PATH_SIZE);
        if (e->d_name[0] != '.' && !is_diary(name) && find(n, name) == NULL)
            buf_printf(out, "%s was never created; ", name);
    }
    closedir(d);
}

void image_compare(const struct image *m, const char *dir, struct buf *out)
{
    const struct image_variant kept = {.cut = IMAGE_KEPT};
    struct names n = names_after(m, &kept);
    struct buf scratch = BUF_INIT;
    struct buf real = BUF_INIT;
    compare_strangers(&n, dir, "", out);
    for (size_t i = 0; i < n.count; i++) {
        char path[PATH_SIZE];
        struct file *f = n.list[i].file;
        path_in(dir, n.list[i].path, path);
        buf_reset(&real);
        if (f->is_dir)
            compare_strangers(&n, dir, n.list[i].path, out);
        else if (file_read(path, FILE_BYTES_MAX, &real) != 0)
            buf_printf(out, "%s is not there; ", n.list[i].path);
        else if (!bytes_eq(buf_view(&real),
                           content_after(m, &kept, f, &scratch)))
            buf_printf(out, "%s has another content; ", n.list[i].path);
    }
    buf_release(&scratch);
    buf_release(&real);
    mem_free(n.list);
}
