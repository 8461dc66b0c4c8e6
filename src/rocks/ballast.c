/* Fails only as a file system does: then there is no ballast. */
#include "rocks/ballast.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

bool ballast_make(const char *path, uint64_t bytes)
{
    struct stat st;
    ASSERT(path != NULL && bytes > 0 && bytes <= INT64_MAX);
    if (lstat(path, &st) == 0 && (uint64_t)st.st_size >= bytes)
        return true;
    int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool made = fallocate(fd, 0, 0, (off_t)bytes) == 0;
    (void)close(fd);
    if (!made)
        (void)unlink(path); /* some file systems keep what they could get */
    return made;
}

bool ballast_drop(const char *path)
{
    ASSERT(path != NULL);
    return unlink(path) == 0;
}
