# Everything that xinfer borrows. scripts/packages.txt pins the Debian packages behind it.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Protobuf REQUIRED)
find_package(CLI11 REQUIRED)
if(XINFER_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()

# These Debian packages carry no CMake configuration of their own.
find_path(XINFER_XXHASH_INCLUDE xxhash.h REQUIRED)
find_path(XINFER_FLATBUFFERS_INCLUDE flatbuffers/flatbuffers.h REQUIRED)
find_program(XINFER_FLATC flatc REQUIRED)

