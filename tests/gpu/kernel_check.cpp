// Checks the CUDA kernels over seeded random problems. Two phases, so that the machine with the GPU
// needs neither compiler nor NVRTC:
//   gpu_kernel_check compile FOLDER ARCHITECTURE FIRST_SEED COUNT [FAMILY…]
//   gpu_kernel_check run     FOLDER ARCHITECTURE FIRST_SEED COUNT [FAMILY…]
// or on the processor, with the host's compiler in place of both (emulator/):
//   gpu_kernel_check emulate FOLDER FIRST_SEED COUNT [FAMILY…]
// ARCHITECTURE auto: that of device 0. Without families, all of them. Exit code 0: every kernel
// compiled (ran, and gave what it must); 77: there is no device to run on.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>

#include "device/cuda_device.h"
#include "emulate.h"
#include "gpu_case.h"
#include "program.h"

namespace xinfer::gpu {
namespace {

enum class Verb { kCompile, kRun, kEmulate };

struct Options {
  Verb verb = Verb::kRun;
  std::string folder, architecture;
  std::uint64_t first = 0, count = 0;
  std::vector<std::string> families;
};

std::optional<Options> parse(int argc, char** argv) {
  if (argc < 2) return std::nullopt;
  const std::string verb = argv[1];
  Options options;
  if (verb == "compile") {
    options.verb = Verb::kCompile;
  } else if (verb == "emulate") {
    options.verb = Verb::kEmulate;
  } else if (verb != "run") {
    return std::nullopt;
  }
  const bool emulates = options.verb == Verb::kEmulate;
  const int seeds = emulates ? 3 : 4;  // where the seeds stand
  if (argc < seeds + 2) return std::nullopt;
  options.folder = argv[2];
  options.architecture = emulates ? "sm_90a" : argv[3];
  options.first = std::strtoull(argv[seeds], nullptr, 10);
  options.count = std::strtoull(argv[seeds + 1], nullptr, 10);
  options.families = {argv + seeds + 2, argv + argc};
  if (options.families.empty()) options.families = families();
  for (const std::string& family : options.families) {
    const auto& known = families();
    if (std::find(known.begin(), known.end(), family) == known.end()) return std::nullopt;
  }
  return options;
}

Status check_case(const GpuCase& test, std::uint64_t seed, const Options& options,
                  int multiprocessors) {
  if (options.verb == Verb::kEmulate) {
    return emulator::emulate_case(test, emulator::HostCompiler(options.folder), seed);
  }
  const KernelStore store(options.folder, options.architecture, true);
  return options.verb == Verb::kCompile ? compile_case(test, store)
                                        : run_case(test, store, multiprocessors);
}

// Runs one family; false if a case failed.
bool check_family(const std::string& family, const Options& options, int multiprocessors) {
  constexpr const char* kDone[] = {"compiled", "ran", "emulated"};
  int failures = 0, skipped = 0;
  for (std::uint64_t seed = options.first; seed < options.first + options.count; ++seed) {
    const GpuCase test = make_case(family, seed);
    const bool foreign = test.spec.architecture_specific && options.architecture != "sm_90a";
    if (test.spec.entry.empty() || foreign) {
      ++skipped;
      continue;
    }
    const Status status = check_case(test, seed, options, multiprocessors);
    if (status.ok()) continue;
    ++failures;
    fmt::print("FAILED {} {}: {}\n", test.spec.tactic, test.description, status.message());
    if (status.code() == ErrorCode::kDeviceError) break;  // the context is lost
  }
  fmt::print("{} {}: seeds {} to {}, {} failed, {} without such a kernel\n",
             kDone[static_cast<int>(options.verb)], family, options.first,
             options.first + options.count - 1, failures, skipped);
  std::fflush(stdout);
  return failures == 0;
}

constexpr int kSkipped = 77;  // what ctest is told to take as skipped

std::string architecture_of(int capability) {
  const bool specific = capability == 90 || capability == 100;
  return fmt::format("sm_{}{}", capability, specific ? "a" : "");
}

int run(int argc, char** argv) {
  std::optional<Options> options = parse(argc, argv);
  if (!options) {
    fmt::print(
        "usage: {0} compile|run FOLDER ARCHITECTURE FIRST_SEED COUNT [{1}]...\n"
        "       {0} emulate FOLDER FIRST_SEED COUNT [{1}]...\n",
        argv[0], fmt::join(families(), "|"));
    return 1;
  }
  std::optional<cuda::Context> context;
  std::optional<cuda::ContextScope> scope;
  int multiprocessors = 0;
  if (options->verb == Verb::kRun) {
    if (const Status status = cuda::driver().status(); !status.ok()) {
      fmt::print("skipped: {}\n", status.message());
      return kSkipped;
    }
    context = cuda::Context::open(0).value();
    scope.emplace(*context);
    scope->status().value();
    const cuda::DeviceProperties device = cuda::device_properties(0).value();
    multiprocessors = device.multiprocessors;
    if (options->architecture == "auto") {
      options->architecture = architecture_of(device.compute_capability);
    }
  }
  bool right = true;
  for (const std::string& family : options->families) {
    right = check_family(family, *options, multiprocessors) && right;
  }
  return right ? 0 : 1;
}

}  // namespace
}  // namespace xinfer::gpu

int main(int argc, char** argv) { return xinfer::gpu::run_program(xinfer::gpu::run, argc, argv); }
