#include "program.h"

#include <fmt/format.h>

#include <exception>

namespace xinfer::gpu {

int run_program(int (*run)(int argc, char** argv), int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print("{}\n", error.what());
    return 2;
  }
}

}  // namespace xinfer::gpu
