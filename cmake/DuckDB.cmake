# The target DuckDB::DuckDB: libduckdb.so and duckdb.h as tools/setup/duckdb.sh lays them down. `make setup` runs that
# script; a bare cmake run does it here, so that a build from a clean clone needs no second command.

execute_process(COMMAND ${CMAKE_SOURCE_DIR}/tools/setup/duckdb.sh RESULT_VARIABLE duckdb_failed)
if(duckdb_failed)
  message(FATAL_ERROR "tools/setup/duckdb.sh failed; see above")
endif()
set(DUCKDB_ROOT ${CMAKE_SOURCE_DIR}/build/third_party/duckdb)

add_library(DuckDB::DuckDB SHARED IMPORTED GLOBAL)
set_target_properties(DuckDB::DuckDB PROPERTIES
  IMPORTED_LOCATION ${DUCKDB_ROOT}/lib/libduckdb.so
  IMPORTED_NO_SONAME TRUE
  INTERFACE_INCLUDE_DIRECTORIES ${DUCKDB_ROOT}/include
  INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${DUCKDB_ROOT}/include)
