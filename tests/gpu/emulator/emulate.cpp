#include "emulate.h"

#include <dlfcn.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <span>

#include "launch_arguments.h"
#include "machine.h"

namespace xinfer::gpu::emulator {
namespace {

constexpr unsigned kMostSeconds = 300;  // of a child

const LaunchArguments* launched = nullptr;  // what the child's signal handler looks at
int report_to = -1;

/// Finds symbols of a shared object; `status` keeps the first failure.
class Symbols {
 public:
  explicit Symbols(void* library) : library_(library) {}
  template <typename T>
  T* find(const char* name) {
    void* found = dlsym(library_, name);
    if (found == nullptr && status_.ok()) {
      status_ = internal_error("no \"{}\" in the emulated kernel", name);
    }
    return reinterpret_cast<T*>(found);
  }
  const Status& status() const { return status_; }

 private:
  void* library_;
  Status status_;
};

int multiprocessors_of(std::uint64_t seed) {
  constexpr int kCounts[] = {132, 1, 1, 2, 3, 5};  // an H200's, and few, for long walks
  return kCounts[seed % std::size(kCounts)];
}

Result<std::vector<std::uint8_t>> run_here(const GpuCase& test, const std::filesystem::path& object,
                                           std::uint64_t seed) {
  void* library = dlopen(object.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return internal_error("{}", dlerror());
  using Index3 = ::emulated::Index3;
  Symbols symbols(library);
  auto* const services = symbols.find<const ::emulated::Services*>("emulated_services");
  auto* const block_size = symbols.find<Index3>("blockDim");
  auto* const grid_size = symbols.find<Index3>("gridDim");
  Launch launch;
  launch.entry = symbols.find<void(void* const*)>("emulated_entry");
  launch.thread_index = symbols.find<Index3>("threadIdx");
  launch.block_index = symbols.find<Index3>("blockIdx");
  XINFER_RETURN_IF_ERROR(symbols.status());
  *services = &Machine::services();

  XINFER_ASSIGN_OR_RETURN(const LaunchArguments arguments, LaunchArguments::bind(test));
  launched = &arguments;
  launch.slots = arguments.slots();
  launch.blocks = static_cast<int>(test.spec.grid.blocks(test.batch, multiprocessors_of(seed)));
  launch.threads = test.spec.threads;
  launch.cluster_blocks = test.spec.cluster_blocks;
  launch.shared_bytes = static_cast<std::size_t>(test.spec.dynamic_shared_bytes);
  *block_size = {static_cast<unsigned>(launch.threads), 1, 1};
  *grid_size = {static_cast<unsigned>(launch.blocks), 1, 1};
  if (launch.threads % 32 != 0 || launch.blocks % launch.cluster_blocks != 0) {
    return internal_error("{} blocks of {} threads, {} a cluster", launch.blocks, launch.threads,
                          launch.cluster_blocks);
  }
  XINFER_RETURN_IF_ERROR(Machine(launch, seed).run());
  return arguments.output();
}

void report(std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(report_to, bytes.data(), bytes.size());
    if (written <= 0) return;  // a reader that has gone away needs no report
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

// The process ends here, so what is not safe in a handler of a program that goes on is.
void on_signal(int number, siginfo_t* info, void*) {
  Machine& machine = Machine::current();
  const std::string where =
      fmt::format("block {}, thread {}: ", machine.block().index, machine.thread().index);
  // Vectors that are not aligned are no page faults: they come from the processor, without address.
  if ((number == SIGSEGV && info->si_code != SI_KERNEL) || number == SIGBUS) {
    report(where + "accesses " + launched->nearest_operand(info->si_addr));
  } else if (number == SIGALRM) {
    report(fmt::format("still running after {} s", kMostSeconds));
  } else {
    report(where + "accesses memory that is not aligned for its type, or leaves an array");
  }
  _exit(1);
}

void watch_signals() {
  static char stack[64 * 1024];
  stack_t other = {};
  other.ss_sp = stack;
  other.ss_size = sizeof(stack);
  sigaltstack(&other, nullptr);
  struct sigaction action = {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGALRM}) {
    sigaction(number, &action, nullptr);
  }
  alarm(kMostSeconds);
}

[[noreturn]] void run_child(const GpuCase& test, const std::filesystem::path& object,
                            std::uint64_t seed) {
  watch_signals();
  const Result<std::vector<std::uint8_t>> output = run_here(test, object, seed);
  if (output.ok()) {
    report({reinterpret_cast<const char*>(output->data()), output->size()});
  } else {
    report(output.status().message());
  }
  _exit(output.ok() ? 0 : 1);
}

}  // namespace

Result<std::vector<std::uint8_t>> emulated_output(const GpuCase& test, const HostCompiler& compiler,
                                                  std::uint64_t seed) {
  XINFER_ASSIGN_OR_RETURN(const std::filesystem::path object, compiler.shared_object(test.spec));
  int ends[2];
  if (pipe(ends) != 0) return io_error("cannot make a pipe");
  const pid_t child = fork();
  if (child < 0) return io_error("cannot start a process");
  if (child == 0) {
    close(ends[0]);
    report_to = ends[1];
    run_child(test, object, seed);
  }
  close(ends[1]);
  std::string reported;
  char part[4096];
  for (ssize_t count = 0; (count = read(ends[0], part, sizeof(part))) > 0;) {
    reported.append(part, static_cast<std::size_t>(count));
  }
  close(ends[0]);
  int state = 0;
  waitpid(child, &state, 0);
  if (state == 0) return std::vector<std::uint8_t>(reported.begin(), reported.end());
  return internal_error("{}", reported.empty() ? "the emulation ended without a report" : reported);
}

Status emulate_case(const GpuCase& test, const HostCompiler& compiler, std::uint64_t seed) {
  XINFER_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> actual,
                          emulated_output(test, compiler, seed));
  return compare_output(test.expected(), actual);
}

}  // namespace xinfer::gpu::emulator
