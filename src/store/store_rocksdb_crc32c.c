/* Nothing but the name. */
#include "store/store_rocksdb_crc32c.h"

#include "store/crc32c.h"

uint32_t store_rocksdb_crc32c(uint32_t crc, const char *data, size_t size)
{
    return crc32c_extend(crc, bytes_of(data, size));
}
