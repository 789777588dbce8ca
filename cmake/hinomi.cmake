# The rules that every target of the project shares, and the two functions that make targets:
#
#   hinomi_library(shipper/codec SOURCES cri.cc DEPENDS base)     one static library per folder
#   hinomi_test(shipper/codec SOURCES cri_test.cc [DEPENDS ...])  its unit tests, one ctest entry each
#
# A library is named by its folder; DEPENDS takes such names as well as targets of other packages.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

option(HINOMI_TESTS "build the tests" ON)
option(HINOMI_BENCH "build the benchmarks" OFF)
option(HINOMI_FUZZ "build the fuzz targets with libFuzzer (clang)" OFF)
option(HINOMI_PLANTED_BUGS "compile in the bugs that the simulation has to find (base/planted_bug.h)" OFF)
set(HINOMI_SANITIZE "" CACHE STRING "list for -fsanitize=, such as address,undefined")

# Executables lie where people look for them: build/PRESET/hinomi.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})

add_compile_options(-Wall -Wextra -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  add_compile_options(-Wno-restrict)  # GCC 12 sees overlaps in std::string that are none (its bug 105329)
endif()
if(NOT HINOMI_SANITIZE)
  add_compile_options(-Wframe-larger-than=16384)  # the HTTP server's threads have stacks of 100 kB
endif()
add_compile_definitions(SPDLOG_COMPILED_LIB SPDLOG_FMT_EXTERNAL)
if(HINOMI_PLANTED_BUGS)
  add_compile_definitions(HINOMI_PLANTED_BUGS)
endif()
if(HINOMI_SANITIZE)
  add_compile_options(-fsanitize=${HINOMI_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HINOMI_SANITIZE})
  if(HINOMI_SANITIZE MATCHES address)
    add_link_options(-no-pie)  # each of many small tests is a process: half of its start was relocation
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    add_compile_options(-fno-sanitize=pointer-overflow)  # RapidJSON adds nothing to a null pointer
  endif()
endif()
if(HINOMI_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # What one clone has compiled serves the next: no path of this one enters the key or the objects.
  add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(simdjson REQUIRED)
find_package(CURL REQUIRED)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(crypto REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(isal REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
# Any newer one will do as well; before 2.6.1 it cannot do SCRAM against Kafka 4.
pkg_check_modules(rdkafka REQUIRED IMPORTED_TARGET rdkafka>=2.0.2)
pkg_check_modules(protobuf REQUIRED IMPORTED_TARGET protobuf-lite)
find_library(ABSL_TIME_LIBRARY absl_time REQUIRED)
find_library(ABSL_TIME_ZONE_LIBRARY absl_time_zone REQUIRED)
find_library(GRPC_CPP_LIBRARY grpc++ REQUIRED)  # its pkg-config file names half of Abseil
find_library(GRPC_LIBRARY grpc REQUIRED)
find_library(GPR_LIBRARY gpr REQUIRED)
find_library(ABSL_LIBRARY absl_synchronization REQUIRED)  # its headers use it inline
find_program(PROTOC protoc REQUIRED)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
find_library(CIVETWEB_LIBRARY civetweb REQUIRED)
if(HINOMI_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()

# hinomi_target(folder, out): the target that a folder's library is.
function(hinomi_target folder out)
  string(REPLACE "/" "_" name "hinomi_${folder}")
  set(${out} ${name} PARENT_SCOPE)
endfunction()

# Links names of folders and targets of packages alike.
function(hinomi_link target)
  foreach(name ${ARGN})
    hinomi_target(${name} ours)
    if(TARGET ${ours})
      target_link_libraries(${target} PUBLIC ${ours})
    else()
      target_link_libraries(${target} PUBLIC ${name})
    endif()
  endforeach()
endfunction()

function(hinomi_library folder)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  hinomi_target(${folder} target)
  add_library(${target} STATIC ${ARG_SOURCES})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR})
  hinomi_link(${target} ${ARG_DEPENDS})
endfunction()

function(hinomi_test folder)
  if(NOT HINOMI_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  hinomi_target(${folder} library)
  set(target ${library}_test)
  add_executable(${target} ${ARG_SOURCES})
  hinomi_link(${target} ${folder} ${ARG_DEPENDS} GTest::gmock_main)
  gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${folder}: "
    PROPERTIES LABELS unit TIMEOUT 60)
endfunction()

# hinomi_embed(out.cc kFiles FILE...): out.cc defines kFiles, the files' names and bytes, as base/embedded_file.h has
# them; it is written anew when a file changes.
function(hinomi_embed output name)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -D "OUTPUT=${output}" -D "NAME=${name}" -D "FILES=${ARGN}" -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${ARGN} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
endfunction()
