/*
 * Nothing but the name; weak, so that a static library's own comes before.
 *
 * Nothing here fails; rocks_open() asserts that the result is right.
 */
#include "rocks/rocks_crc32c.h"

#include "rocks/crc32c.h"

__attribute__((weak)) uint32_t rocks_crc32c(uint32_t crc, const char *data,
                                            size_t size)
{
    return crc32c_extend(crc, bytes_of(data, size));
}
