# How a folder of src/ becomes a library and its test.

set(XINFER_WARNINGS -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual)
if(XINFER_WERROR)
  list(APPEND XINFER_WARNINGS -Werror)
endif()

# Flags that every target shares: numerics.md forbids contraction of a*b+c.
add_library(xinfer_flags INTERFACE)
target_compile_options(xinfer_flags INTERFACE ${XINFER_WARNINGS} -ffp-contract=off)
target_include_directories(xinfer_flags INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>)

# xinfer_add_library(<folder> SOURCES … [DEPS …]): an object library named xinfer_<folder>.
function(xinfer_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(xinfer_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(xinfer_${name} PUBLIC xinfer_flags ${ARG_DEPS})
endfunction()

# xinfer_isa_sources(<flags> <file>…): the files of the current folder that need an instruction set.
function(xinfer_isa_sources flags)
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "${flags}")
endfunction()
set(XINFER_FLAGS_AVX2 -mavx2 -mfma -mf16c)
set(XINFER_FLAGS_AVXVNNI -mavx2 -mfma -mf16c -mavxvnni)
set(XINFER_FLAGS_AVX512VNNI -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mfma -mf16c
    -mprefer-vector-width=512)
set(XINFER_FLAGS_AMX ${XINFER_FLAGS_AVX512VNNI} -mamx-tile -mamx-int8)

# xinfer_add_test(<name> SOURCES … [DEPS …] [LABELS …]): one GoogleTest binary, one ctest per binary.
function(xinfer_add_test name)
  if(NOT XINFER_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE xinfer_flags ${ARG_DEPS} GTest::gtest_main GTest::gmock)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 900)
  if(ARG_LABELS)
    set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}")
  endif()
endfunction()
