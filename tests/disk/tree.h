/*
 * Whole directories of a node: copied, compared, listed. One level of
 * directories below is enough. Failures are assertions.
 */
#ifndef DISK_TREE_H
#define DISK_TREE_H

#include "base/base.h"

#include <stddef.h>

#define TREE_PATH_SIZE 512
#define TREE_FILES_MAX 256

struct tree_file {
    char name[64]; /* below the directory */
    uint64_t size;
};

struct tree {
    struct tree_file files[TREE_FILES_MAX];
    size_t count;
};

void tree_path(const char *dir, const char *name, char out[TREE_PATH_SIZE]);
/* Files of `dir` and of the directories in it; RocksDB's diary (LOG*) not. */
void tree_list(const char *dir, struct tree *out);
void tree_copy(const char *from, const char *to);
void tree_copy_file(const char *from, const char *to, const char *name);
/* Of names and contents; of what stands below `below`, "" for all. */
uint64_t tree_hash(const char *dir, const char *below);

#endif
