/*
 * A file that only takes space, to be given up when there is none left: so that
 * terms and votes can be written, a node can start, and somebody can delete.
 */
#ifndef ROCKS_BALLAST_H
#define ROCKS_BALLAST_H

#include "base/base.h"

/* Makes the file with this much space on the disk, unless it is there. False:
 * there is not that much space, or the file system cannot set space aside. */
bool ballast_make(const char *path, uint64_t bytes);
/* Gives its space up; false: there was none. */
bool ballast_drop(const char *path);

#endif
