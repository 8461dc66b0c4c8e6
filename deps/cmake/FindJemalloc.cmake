# Finds jemalloc and defines Jemalloc::jemalloc.
include(FindPackageHandleStandardArgs)
find_path(Jemalloc_INCLUDE_DIR jemalloc/jemalloc.h)
find_library(Jemalloc_LIBRARY jemalloc)
find_package_handle_standard_args(Jemalloc
    REQUIRED_VARS Jemalloc_LIBRARY Jemalloc_INCLUDE_DIR
    FAIL_MESSAGE "jemalloc is missing: run deps/install.sh")
if(Jemalloc_FOUND AND NOT TARGET Jemalloc::jemalloc)
    add_library(Jemalloc::jemalloc UNKNOWN IMPORTED)
    set_target_properties(Jemalloc::jemalloc PROPERTIES
        IMPORTED_LOCATION ${Jemalloc_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES ${Jemalloc_INCLUDE_DIR})
endif()
mark_as_advanced(Jemalloc_INCLUDE_DIR Jemalloc_LIBRARY)
