/*
 * Small files, few of them: everything is read as a whole.
 */
#include "tree.h"

#include "base/buf.h"
#include "base/hash.h"
#include "os/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((size_t)1 << 30)

void tree_path(const char *dir, const char *name, char out[TREE_PATH_SIZE])
{
    int len = snprintf(out, TREE_PATH_SIZE, "%s/%s", dir, name);
    ASSERT(len > 0 && len < TREE_PATH_SIZE);
}

static void add_file(struct tree *t, const char *name, uint64_t size)
{
    ASSERT(t->count < TREE_FILES_MAX);
    struct tree_file *f = &t->files[t->count++];
    int len = snprintf(f->name, sizeof(f->name), "%s", name);
    ASSERT(len > 0 && (size_t)len < sizeof(f->name));
    f->size = size;
}

static void list(const char *dir, const char *below, struct tree *out)
{
    char path[TREE_PATH_SIZE];
    tree_path(dir, below, path);
    DIR *d = opendir(path);
    ASSERT(d != NULL);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char name[TREE_PATH_SIZE];
        struct stat st;
        if (e->d_name[0] == '.' || strncmp(e->d_name, "LOG", 3) == 0)
            continue;
        int len = snprintf(name, sizeof(name), "%s%s%s", below,
                           below[0] == 0 ? "" : "/", e->d_name);
        ASSERT(len > 0 && (size_t)len < sizeof(name));
        tree_path(dir, name, path);
        int rc = stat(path, &st);
        ASSERT(rc == 0);
        if (S_ISDIR(st.st_mode))
            list(dir, name, out);
        else
            add_file(out, name, (uint64_t)st.st_size);
    }
    closedir(d);
}

void tree_list(const char *dir, struct tree *out)
{
    out->count = 0;
    list(dir, "", out);
}

void tree_copy_file(const char *from, const char *to, const char *name)
{
    char path[TREE_PATH_SIZE];
    struct buf content = BUF_INIT;
    tree_path(from, name, path);
    int rc = file_read(path, FILE_BYTES_MAX, &content);
    ASSERT(rc == 0);
    tree_path(to, name, path);
    char *slash = strrchr(path, '/');
    *slash = 0;
    rc = file_make_dir(path);
    ASSERT(rc == 0);
    *slash = '/';
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ASSERT(fd >= 0);
    rc = file_write(fd, content.data, content.len);
    ASSERT(rc == 0);
    close(fd);
    buf_release(&content);
}

void tree_copy(const char *from, const char *to)
{
    struct tree t;
    tree_list(from, &t);
    for (size_t i = 0; i < t.count; i++)
        tree_copy_file(from, to, t.files[i].name);
}

uint64_t tree_hash(const char *dir, const char *below)
{
    struct tree t;
    struct buf content = BUF_INIT;
    uint64_t sum = 0;
    tree_list(dir, &t);
    for (size_t i = 0; i < t.count; i++) {
        const char *name = t.files[i].name;
        char path[TREE_PATH_SIZE];
        if (strncmp(name, below, strlen(below)) != 0)
            continue;
        tree_path(dir, name, path);
        buf_reset(&content);
        int rc = file_read(path, FILE_BYTES_MAX, &content);
        ASSERT(rc == 0);
        sum += hash64_seed(bytes_str(name), hash64(buf_view(&content)));
    }
    buf_release(&content);
    return sum;
}
