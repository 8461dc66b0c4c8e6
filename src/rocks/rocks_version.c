/* The build finds the version (deps/cmake/FindRocksDBC.cmake), because
 * RocksDB's own header for it is C++. Cannot fail. */
#include "rocks/rocks_version.h"

#include <string.h>

const char *rocks_version(void)
{
    return ROCKS_VERSION_LINKED;
}

bool rocks_version_is_tested(const char *version)
{
    ASSERT(version != NULL);
    size_t len = strlen(ROCKS_VERSION_TESTED);
    return strncmp(version, ROCKS_VERSION_TESTED, len) == 0 &&
           (version[len] == '.' || version[len] == 0);
}
