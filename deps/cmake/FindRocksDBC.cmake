# Finds rocksdb and defines RocksDBC::rocksdb and RocksDBC_VERSION.
include(FindPackageHandleStandardArgs)
find_path(RocksDBC_INCLUDE_DIR rocksdb/c.h)
find_library(RocksDBC_LIBRARY rocksdb)
find_package_handle_standard_args(RocksDBC
    REQUIRED_VARS RocksDBC_LIBRARY RocksDBC_INCLUDE_DIR
    FAIL_MESSAGE "rocksdb is missing: run deps/install.sh")
# From rocksdb/version.h, which is C++.
set(RocksDBC_VERSION unknown)
if(EXISTS "${RocksDBC_INCLUDE_DIR}/rocksdb/version.h")
    file(STRINGS "${RocksDBC_INCLUDE_DIR}/rocksdb/version.h" lines
        REGEX "^#define ROCKSDB_(MAJOR|MINOR|PATCH) [0-9]+")
    string(REGEX MATCHALL "[0-9]+" numbers "${lines}")
    string(REPLACE ";" "." RocksDBC_VERSION "${numbers}")
endif()
if(RocksDBC_FOUND AND NOT TARGET RocksDBC::rocksdb)
    add_library(RocksDBC::rocksdb UNKNOWN IMPORTED)
    set_target_properties(RocksDBC::rocksdb PROPERTIES
        IMPORTED_LOCATION ${RocksDBC_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES ${RocksDBC_INCLUDE_DIR})
endif()
mark_as_advanced(RocksDBC_INCLUDE_DIR RocksDBC_LIBRARY)
