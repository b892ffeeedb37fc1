// What the parts of the fake driver share. Handles are pointers to these structures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "fake_cuda.h"

namespace fake_cuda {

inline constexpr int kSuccess = 0, kInvalidValue = 1, kOutOfMemory = 2, kInvalidContext = 201;

struct Context {
  bool primary = false;
};
struct Function {
  std::string name;
};
struct Node {
  const Function* function = nullptr;
  std::vector<std::uint64_t> arguments;
};
struct Graph {
  std::vector<std::unique_ptr<Node>> nodes;
};
struct Exec {
  const Graph* graph = nullptr;
  std::map<const Node*, Node> now;  ///< what the nodes hold after updates
};
struct Stream {
  Graph* capturing = nullptr;
  const void* last_node = nullptr;
};
struct Allocation {
  std::size_t bytes = 0;
  Context* context = nullptr;
  bool on_device = false;
};
struct Failure {
  int result = 0, skip = 0;
};
/// Bytes that the driver has taken over and not yet written.
struct Staged {
  std::uintptr_t target = 0;
  std::vector<std::byte> bytes;
};

struct State {
  std::recursive_mutex mutex;
  Context primary{true};
  std::map<std::uintptr_t, Allocation> memory;
  std::map<std::string, int> counts;
  std::map<std::string, Failure> failures;
  std::vector<fake_cuda::Launch> launches;
  std::set<std::unique_ptr<Function>> functions;
  std::set<std::unique_ptr<Context>> contexts;
  std::vector<Staged> staged;  ///< by cuMemcpyHtoD, for the default stream to write
  std::size_t limit = std::size_t{1} << 36;
};

State& state();

/// Writes what was staged: the default stream has got there.
void finish_default_stream();

/// Counts the call; not 0 if a test wants it to fail.
int enter(const char* call);

}  // namespace fake_cuda

/// Opens a driver function: counts the call, and returns what a test wants it to fail with.
#define ENTER(call) \
  if (const int failed = fake_cuda::enter(call); failed != fake_cuda::kSuccess) return failed
