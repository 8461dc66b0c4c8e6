/* Nothing but the name; weak, so that a static library's own comes before. */
#include "store/store_rocksdb_crc32c.h"

#include "store/crc32c.h"

__attribute__((weak)) uint32_t
store_rocksdb_crc32c(uint32_t crc, const char *data, size_t size)
{
    return crc32c_extend(crc, bytes_of(data, size));
}
