/*
 * Which RocksDB this program is linked to. Some of what this room does rests
 * on more than RocksDB's interface promises:
 * - what its error texts say: which failure is damage, which file is missing,
 *   what a half-made database is refused with (damage.c, rocks_check.c,
 *   incoming.c);
 * - what its files look like (damage.c, record_file.c);
 * - the name and the result of one of its functions (rocks_crc32c.h), which
 *   test_rocks_crc32c.c compares with the library's files.
 *
 * All of it was tested with the versions named here. The texts of another
 * version are not interpreted: a whole database is opened as usual, but what
 * fails is ERR_IO with RocksDB's own text, and nothing is repaired.
 *
 * The version is that of the headers. A shared RocksDB has major and minor
 * version in its name, so the loader takes no other one; a static one comes
 * with its headers.
 */
#ifndef ROCKS_ROCKS_VERSION_H
#define ROCKS_ROCKS_VERSION_H

#include "base/base.h"

/* Major and minor version. Before another one is added: the units of this
 * room, tests/contract and tests/disk have passed with it. */
#define ROCKS_VERSION_TESTED "7.8"

/* "7.8.3"; "unknown" if the headers do not tell. */
const char *rocks_version(void);

/* Is it ROCKS_VERSION_TESTED, whatever its patch version is? */
bool rocks_version_is_tested(const char *version);

#endif
