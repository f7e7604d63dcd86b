# How every folder is built: one library, one unit-test program, the same warnings.

set(CMAKE_CXX_FLAGS_RELEASE "-O2")

find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(fmt REQUIRED)
find_package(GTest REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Boost 1.81.0 EXACT CONFIG REQUIRED COMPONENTS json)

option(WELLHEAD_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)

add_library(wellhead_options INTERFACE)
target_include_directories(wellhead_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(wellhead_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -fno-omit-frame-pointer)
# g++ 12 raises false alarms that come and go with its optimizer: warnings are errors where it does not optimize.
if(CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT WELLHEAD_SANITIZE)
  target_compile_options(wellhead_options INTERFACE -Werror)
endif()
# Coroutine frames of g++ 12 raise false alarms of these two kinds.
target_compile_options(wellhead_options INTERFACE -Wno-maybe-uninitialized -Wno-mismatched-new-delete)
# And its optimizer of std::string's operator+ (GCC bug 105329).
target_compile_options(wellhead_options INTERFACE -Wno-restrict)
target_compile_definitions(wellhead_options INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION)
target_link_libraries(wellhead_options INTERFACE Threads::Threads fmt::fmt)
# All unit-test programs, and all fuzz targets (sanitized builds have them). core: those below the services, which are
# built in half the time.
add_custom_target(unit_tests)
add_custom_target(fuzz_targets)
add_custom_target(core_tests)
if(WELLHEAD_SANITIZE)
  # Neither is instrumented itself: what is called at each edge, and the driver that judges by it.
  add_library(wellhead_coverage STATIC ${CMAKE_SOURCE_DIR}/tools/fuzz/coverage.cc)
  add_library(wellhead_fuzz_driver STATIC ${CMAKE_SOURCE_DIR}/tools/fuzz/driver.cc)
  target_link_libraries(wellhead_fuzz_driver PUBLIC wellhead_coverage)
  target_compile_options(wellhead_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
    -fsanitize-coverage=trace-pc)
  target_link_options(wellhead_options INTERFACE -fsanitize=address,undefined)
  target_link_libraries(wellhead_options INTERFACE wellhead_coverage)
endif()

find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(CCACHE ccache)
  if(CCACHE)
    # Without these a file that uses precompiled headers is never found in the cache.
    set(CMAKE_CXX_COMPILER_LAUNCHER
      env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  endif()
endif()

# wellhead_precompiled(TARGET [test]): the headers that nearly every file includes are parsed once for all targets. Only
# where the compiler optimizes; see precompiled.h. Test programs have their own: they are compiled otherwise (-O0, PIE).
function(wellhead_precompiled target)
  if(CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT WELLHEAD_SANITIZE)
    return()
  endif()
  set(precompiled wellhead_precompiled${ARGN})
  if(NOT TARGET ${precompiled})
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/${precompiled}.cc CONTENT "")
    add_library(${precompiled} OBJECT ${CMAKE_BINARY_DIR}/${precompiled}.cc)
    target_link_libraries(${precompiled} PRIVATE wellhead_options Boost::json)
    target_compile_options(${precompiled} PRIVATE -Winvalid-pch)
    set(headers ${CMAKE_SOURCE_DIR}/cmake/precompiled.h)
    if(ARGN)
      set_target_properties(${precompiled} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
      target_compile_options(${precompiled} PRIVATE -O0 -fPIE)
      target_link_libraries(${precompiled} PRIVATE GTest::gtest GTest::gmock)
      list(APPEND headers <gmock/gmock.h> <gtest/gtest.h>)
    endif()
    target_precompile_headers(${precompiled} PRIVATE ${headers})
  endif()
  target_precompile_headers(${target} REUSE_FROM ${precompiled})
  # The macros must be those of the precompiled headers.
  target_link_libraries(${target} PRIVATE Boost::json)
endfunction()

# wellhead_library(NAME DEPS a b SYSTEM x y)
# The library wellhead_NAME of all *.cc of this folder (and the folders below it), and the test program NAME_test of
# all *_test.cc. A folder below that has its own CMakeLists.txt is left to it. DEPS are wellhead folders, SYSTEM other
# targets or libraries.
function(wellhead_library name)
  cmake_parse_arguments(ARG "" "" "DEPS;SYSTEM;TEST_DEPS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cc)
  file(GLOB_RECURSE nested CONFIGURE_DEPENDS */CMakeLists.txt)
  foreach(file IN LISTS nested)
    get_filename_component(dir ${file} DIRECTORY)
    list(FILTER sources EXCLUDE REGEX "^${dir}/")
  endforeach()
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench|fuzz)\\.cc$")
  # What is below env knows nothing of Asio, which the precompiled headers hold.
  set(coroutines OFF)
  if(name STREQUAL "env" OR "env" IN_LIST ARG_DEPS)
    set(coroutines ON)
  endif()
  set(deps)
  foreach(dep IN LISTS ARG_DEPS)
    list(APPEND deps wellhead_${dep})
  endforeach()
  if(sources)
    add_library(wellhead_${name} STATIC ${sources})
    target_link_libraries(wellhead_${name} PUBLIC wellhead_options ${deps} ${ARG_SYSTEM})
    if(coroutines)
      wellhead_precompiled(wellhead_${name})
    endif()
  else()
    add_library(wellhead_${name} INTERFACE)
    target_link_libraries(wellhead_${name} INTERFACE wellhead_options ${deps} ${ARG_SYSTEM})
  endif()
  if(tests)
    set(test_deps)
    foreach(dep IN LISTS ARG_TEST_DEPS)
      list(APPEND test_deps wellhead_${dep})
    endforeach()
    add_executable(${name}_test ${tests})
    # What is tested is optimized; the tests themselves only take longer to compile.
    target_compile_options(${name}_test PRIVATE -O0)
    target_link_libraries(${name}_test PRIVATE wellhead_${name} ${test_deps} GTest::gtest GTest::gmock GTest::gtest_main)
    if(coroutines)
      wellhead_precompiled(${name}_test test)
    endif()
    add_test(NAME ${name} COMMAND ${name}_test)
    # Sanitizers make everything a few times slower.
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT $<IF:$<BOOL:${WELLHEAD_SANITIZE}>,600,120>)
    add_dependencies(unit_tests ${name}_test)
    wellhead_mark_core(${name} ${name}_test)
  endif()
  if(WELLHEAD_SANITIZE)
    wellhead_fuzz_targets(${name})
  endif()
endfunction()

function(wellhead_mark_core test program)
  if(CMAKE_CURRENT_SOURCE_DIR MATCHES "/src/(base|env|codec|net|api|storage|sql|mqtt)(/|$)")
    set_property(TEST ${test} APPEND PROPERTY LABELS core)
    add_dependencies(core_tests ${program})
  endif()
endfunction()

# A program of each *_fuzz.cc of this folder and those below it, and a test that runs it for some seconds on the seeds
# of tests/fuzz.
set(WELLHEAD_FUZZ_SECONDS 5 CACHE STRING "How long ctest runs each fuzz target")
function(wellhead_fuzz_targets name)
  file(GLOB_RECURSE targets CONFIGURE_DEPENDS *_fuzz.cc)
  foreach(source IN LISTS targets)
    get_filename_component(target ${source} NAME_WE)
    add_executable(${target} ${source})
    target_link_libraries(${target} PRIVATE wellhead_${name} wellhead_fuzz_driver)
    add_test(NAME ${target} COMMAND ${target} --seconds ${WELLHEAD_FUZZ_SECONDS} ${CMAKE_SOURCE_DIR}/tests/fuzz/${target})
    set_tests_properties(${target} PROPERTIES LABELS fuzz TIMEOUT 600)
    add_dependencies(fuzz_targets ${target})
    wellhead_mark_core(${target} ${target})
  endforeach()
endfunction()
