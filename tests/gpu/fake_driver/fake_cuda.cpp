// A libcuda.so.1 for tests on machines without a GPU: one device of compute capability 9.0 whose
// memory is host memory. Functions and values as in the CUDA Driver API reference 13.0, as far as
// xinfer calls them. Kernels do not run; fake_cuda.h tells which were launched, and with what.
#include "fake_cuda.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

namespace {

constexpr int kSuccess = 0, kInvalidValue = 1, kOutOfMemory = 2, kInvalidContext = 201;

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

struct State {
  std::recursive_mutex mutex;
  Context primary{true};
  std::map<std::uintptr_t, Allocation> memory;
  std::map<std::string, int> counts;
  std::map<std::string, Failure> failures;
  std::vector<fake_cuda::Launch> launches;
  std::set<std::unique_ptr<Function>> functions;
  std::set<std::unique_ptr<Context>> contexts;
  std::size_t limit = std::size_t{1} << 36;
};

State& state() {
  static State* the_state = new State;  // outlives every caller's static objects
  return *the_state;
}

thread_local std::vector<Context*> current;

/// Counts the call; not 0 if a test wants it to fail.
int enter(const char* call) {
  const std::lock_guard lock(state().mutex);
  ++state().counts[call];
  const auto it = state().failures.find(call);
  if (it == state().failures.end() || it->second.skip-- > 0) return kSuccess;
  const int result = it->second.result;
  state().failures.erase(it);
  return result;
}

#define ENTER(call) \
  if (const int failed = enter(call); failed != kSuccess) return failed

int allocate(std::uintptr_t* address, std::size_t bytes, bool on_device) {
  if (current.empty()) return kInvalidContext;
  if (bytes > state().limit) return kOutOfMemory;
  void* data = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  const std::lock_guard lock(state().mutex);
  *address = reinterpret_cast<std::uintptr_t>(data);
  state().memory[*address] = {bytes, current.back(), on_device};
  return kSuccess;
}

int release(std::uintptr_t address) {
  const std::lock_guard lock(state().mutex);
  if (state().memory.erase(address) == 0) return kInvalidValue;
  std::free(reinterpret_cast<void*>(address));
  return kSuccess;
}

int copy(std::uintptr_t target, std::uintptr_t source, std::size_t bytes) {
  std::memcpy(reinterpret_cast<void*>(target), reinterpret_cast<const void*>(source), bytes);
  return kSuccess;
}

Node read_node(const Function* function, void** arguments) {
  Node node{function, {}};
  for (int i = 0; i < 16 && arguments[i] != nullptr; ++i) {
    std::uint64_t first = 0;
    std::memcpy(&first, arguments[i], sizeof(first));
    node.arguments.push_back(first);
  }
  return node;
}

void record(const Node& node, const void* stream, bool from_graph) {
  const std::lock_guard lock(state().mutex);
  state().launches.push_back(
      {node.function->name, node.arguments, reinterpret_cast<std::uintptr_t>(stream), from_graph});
}

int attribute_of(int which) {
  switch (which) {
    case 16:
      return 132;  // multiprocessors
    case 13:
      return 1980000;  // clock, kHz
    case 36:
      return 3201000;  // memory clock, kHz
    case 37:
      return 6144;  // memory bus, bits
    case 38:
      return 50 << 20;  // L2 bytes
    case 75:
      return 9;  // compute capability
    case 81:
    case 97:
      return 227 << 10;  // shared memory
    default:
      return 0;
  }
}

}  // namespace

namespace fake_cuda {

std::vector<Launch> take_launches() {
  const std::lock_guard lock(state().mutex);
  return std::exchange(state().launches, {});
}

int count(const std::string& call) {
  const std::lock_guard lock(state().mutex);
  return state().counts[call];
}

void reset_counts() {
  const std::lock_guard lock(state().mutex);
  state().counts.clear();
}

void fail_next(const std::string& call, int result, int skip) {
  const std::lock_guard lock(state().mutex);
  state().failures[call] = {result, skip};
}

void set_memory_limit(std::size_t bytes) { state().limit = bytes; }

std::size_t device_bytes_in_use() {
  const std::lock_guard lock(state().mutex);
  std::size_t bytes = 0;
  for (const auto& [address, allocation] : state().memory) {
    if (allocation.on_device) bytes += allocation.bytes;
  }
  return bytes;
}

void* make_context() {
  const std::lock_guard lock(state().mutex);
  return state().contexts.insert(std::make_unique<Context>()).first->get();
}

}  // namespace fake_cuda

// The driver's functions. Handles are pointers to the structures above.
extern "C" {

int cuInit(unsigned) { return enter("cuInit"); }
int cuDriverGetVersion(int* version) {
  *version = 12000;
  return kSuccess;
}
int cuGetErrorName(int result, const char** name) {
  *name = result == kOutOfMemory      ? "CUDA_ERROR_OUT_OF_MEMORY"
          : result == kInvalidValue   ? "CUDA_ERROR_INVALID_VALUE"
          : result == kInvalidContext ? "CUDA_ERROR_INVALID_CONTEXT"
                                      : "CUDA_ERROR_FAKE";
  return kSuccess;
}
int cuGetErrorString(int, const char** text) {
  *text = "as the test wants";
  return kSuccess;
}

int cuDeviceGetCount(int* count) {
  *count = 1;
  return kSuccess;
}
int cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return kSuccess;
}
int cuDeviceGetName(char* name, int size, int) {
  std::strncpy(name, "Fake GPU", static_cast<std::size_t>(size));
  return kSuccess;
}
int cuDeviceTotalMem_v2(std::size_t* bytes, int) {
  *bytes = state().limit;
  return kSuccess;
}
int cuDeviceGetAttribute(int* value, int which, int) {
  *value = attribute_of(which);
  return kSuccess;
}
int cuDeviceGetPCIBusId(char* text, int size, int) {
  std::strncpy(text, "0000:01:00.0", static_cast<std::size_t>(size));
  return kSuccess;
}

int cuDevicePrimaryCtxRetain(void** context, int) {
  ENTER("cuDevicePrimaryCtxRetain");
  *context = &state().primary;
  return kSuccess;
}
int cuDevicePrimaryCtxRelease_v2(int) { return enter("cuDevicePrimaryCtxRelease"); }
int cuCtxGetCurrent(void** context) {
  *context = current.empty() ? nullptr : current.back();
  return kSuccess;
}
int cuCtxSetCurrent(void* context) {
  if (!current.empty()) current.pop_back();
  if (context != nullptr) current.push_back(static_cast<Context*>(context));
  return kSuccess;
}
int cuCtxPushCurrent_v2(void* context) {
  ENTER("cuCtxPushCurrent");
  current.push_back(static_cast<Context*>(context));
  return kSuccess;
}
int cuCtxPopCurrent_v2(void** context) {
  if (current.empty()) return kInvalidContext;
  *context = current.back();
  current.pop_back();
  return kSuccess;
}
int cuCtxGetDevice(int* device) {
  *device = 0;
  return current.empty() ? kInvalidContext : kSuccess;
}
int cuCtxSynchronize() { return enter("cuCtxSynchronize"); }

int cuMemAlloc_v2(std::uintptr_t* address, std::size_t bytes) {
  ENTER("cuMemAlloc");
  return allocate(address, bytes, true);
}
int cuMemFree_v2(std::uintptr_t address) {
  ENTER("cuMemFree");
  return release(address);
}
int cuMemHostAlloc(void** data, std::size_t bytes, unsigned) {
  ENTER("cuMemHostAlloc");
  std::uintptr_t address = 0;
  const int result = allocate(&address, bytes, false);
  *data = reinterpret_cast<void*>(address);
  return result;
}
int cuMemFreeHost(void* data) { return release(reinterpret_cast<std::uintptr_t>(data)); }
int cuMemGetInfo_v2(std::size_t* free_bytes, std::size_t* total) {
  *total = state().limit;
  *free_bytes = state().limit - fake_cuda::device_bytes_in_use();
  return kSuccess;
}
int cuPointerGetAttribute(void* value, int which, std::uintptr_t address) {
  const std::lock_guard lock(state().mutex);
  auto it = state().memory.upper_bound(address);
  if (it == state().memory.begin()) return kInvalidValue;
  --it;
  if (address >= it->first + it->second.bytes) return kInvalidValue;
  const Allocation& allocation = it->second;
  if (which == 1) *static_cast<void**>(value) = allocation.context;
  if (which == 2) *static_cast<unsigned*>(value) = allocation.on_device ? 2 : 1;
  if (which == 9) *static_cast<int*>(value) = 0;
  return kSuccess;
}
int cuMemcpyHtoD_v2(std::uintptr_t target, const void* source, std::size_t bytes) {
  ENTER("cuMemcpyHtoD");
  return copy(target, reinterpret_cast<std::uintptr_t>(source), bytes);
}
int cuMemcpyDtoH_v2(void* target, std::uintptr_t source, std::size_t bytes) {
  ENTER("cuMemcpyDtoH");
  return copy(reinterpret_cast<std::uintptr_t>(target), source, bytes);
}
int cuMemcpyDtoD_v2(std::uintptr_t target, std::uintptr_t source, std::size_t bytes) {
  ENTER("cuMemcpyDtoD");
  return copy(target, source, bytes);
}
int cuMemcpy(std::uintptr_t target, std::uintptr_t source, std::size_t bytes) {
  ENTER("cuMemcpy");
  return copy(target, source, bytes);
}
int cuMemcpyAsync(std::uintptr_t target, std::uintptr_t source, std::size_t bytes, void*) {
  ENTER("cuMemcpyAsync");
  return copy(target, source, bytes);
}
int cuMemcpyHtoDAsync_v2(std::uintptr_t target, const void* source, std::size_t bytes, void*) {
  ENTER("cuMemcpyHtoDAsync");
  return copy(target, reinterpret_cast<std::uintptr_t>(source), bytes);
}
int cuMemcpyDtoHAsync_v2(void* target, std::uintptr_t source, std::size_t bytes, void*) {
  ENTER("cuMemcpyDtoHAsync");
  return copy(reinterpret_cast<std::uintptr_t>(target), source, bytes);
}
int cuMemcpyDtoDAsync_v2(std::uintptr_t target, std::uintptr_t source, std::size_t bytes, void*) {
  ENTER("cuMemcpyDtoDAsync");
  return copy(target, source, bytes);
}
int cuMemsetD8Async(std::uintptr_t target, unsigned char value, std::size_t count, void*) {
  ENTER("cuMemsetD8Async");
  std::memset(reinterpret_cast<void*>(target), value, count);
  return kSuccess;
}
int cuMemsetD16Async(std::uintptr_t target, unsigned short value, std::size_t count, void*) {
  for (std::size_t i = 0; i < count; ++i) reinterpret_cast<unsigned short*>(target)[i] = value;
  return kSuccess;
}
int cuMemsetD32Async(std::uintptr_t target, unsigned value, std::size_t count, void*) {
  for (std::size_t i = 0; i < count; ++i) reinterpret_cast<unsigned*>(target)[i] = value;
  return kSuccess;
}

int cuStreamCreate(Stream** stream, unsigned) {
  ENTER("cuStreamCreate");
  *stream = new Stream;
  return kSuccess;
}
int cuStreamDestroy_v2(Stream* stream) {
  delete stream;
  return kSuccess;
}
int cuStreamSynchronize(Stream*) { return enter("cuStreamSynchronize"); }
int cuStreamQuery(Stream*) { return enter("cuStreamQuery"); }
int cuStreamWaitEvent(Stream*, void*, unsigned) { return enter("cuStreamWaitEvent"); }
int cuStreamBeginCapture_v2(Stream* stream, int) {
  ENTER("cuStreamBeginCapture");
  stream->capturing = new Graph;
  return kSuccess;
}
int cuStreamEndCapture(Stream* stream, Graph** graph) {
  ENTER("cuStreamEndCapture");
  *graph = std::exchange(stream->capturing, nullptr);
  return kSuccess;
}
int cuStreamGetCaptureInfo_v2(Stream* stream, int* status, std::uint64_t*, void**,
                              const void* const** nodes, std::size_t* count) {
  ENTER("cuStreamGetCaptureInfo");
  *status = stream->capturing != nullptr ? 1 : 0;
  *count = stream->capturing != nullptr && !stream->capturing->nodes.empty() ? 1 : 0;
  if (*count == 1) stream->last_node = stream->capturing->nodes.back().get();
  *nodes = &stream->last_node;
  return kSuccess;
}

int cuEventCreate(void** event, unsigned) {
  ENTER("cuEventCreate");
  *event = new char;
  return kSuccess;
}
int cuEventDestroy_v2(void* event) {
  delete static_cast<char*>(event);
  return kSuccess;
}
int cuEventRecord(void*, void*) { return enter("cuEventRecord"); }
int cuEventQuery(void*) { return enter("cuEventQuery"); }
int cuEventSynchronize(void*) { return enter("cuEventSynchronize"); }
int cuEventElapsedTime(float* milliseconds, void*, void*) {
  *milliseconds = 1.0f;
  return kSuccess;
}

int cuModuleLoadData(void** module, const void*) {
  ENTER("cuModuleLoadData");
  *module = &state();
  return kSuccess;
}
int cuModuleUnload(void*) { return enter("cuModuleUnload"); }
int cuModuleGetFunction(const Function** function, void*, const char* name) {
  const std::lock_guard lock(state().mutex);
  *function = state().functions.insert(std::make_unique<Function>(Function{name})).first->get();
  return kSuccess;
}
int cuFuncGetAttribute(int* value, int, const Function*) {
  *value = 0;
  return kSuccess;
}
int cuFuncSetAttribute(const Function*, int, int) { return enter("cuFuncSetAttribute"); }
int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const Function*, int, std::size_t) {
  *blocks = 1;
  return kSuccess;
}

int cuGraphInstantiateWithFlags(Exec** exec, const Graph* graph, unsigned long long) {
  ENTER("cuGraphInstantiate");
  *exec = new Exec{graph, {}};
  for (const auto& node : graph->nodes) (*exec)->now[node.get()] = *node;
  return kSuccess;
}
int cuGraphLaunch(const Exec* exec, Stream* stream) {
  ENTER("cuGraphLaunch");
  for (const auto& node : exec->graph->nodes) record(exec->now.at(node.get()), stream, true);
  return kSuccess;
}
int cuGraphDestroy(Graph* graph) {
  delete graph;
  return kSuccess;
}
int cuGraphExecDestroy(Exec* exec) {
  delete exec;
  return kSuccess;
}

struct NodeParams {  // CUDA_KERNEL_NODE_PARAMS_v2
  const Function* function;
  unsigned grid[3], block[3], shared_bytes;
  void** arguments;
};
int cuGraphExecKernelNodeSetParams_v2(Exec* exec, const Node* node, const NodeParams* params) {
  ENTER("cuGraphExecKernelNodeSetParams");
  const auto it = exec->now.find(node);
  if (it == exec->now.end() || it->second.function != params->function) return kInvalidValue;
  it->second = read_node(params->function, params->arguments);
  return kSuccess;
}

struct LaunchConfig {  // CUlaunchConfig
  unsigned grid[3], block[3], shared_bytes;
  Stream* stream;
};
int cuLaunchKernelEx(const LaunchConfig* config, const Function* function, void** arguments,
                     void**) {
  ENTER("cuLaunchKernelEx");
  Node node = read_node(function, arguments);
  if (config->stream != nullptr && config->stream->capturing != nullptr) {
    config->stream->capturing->nodes.push_back(std::make_unique<Node>(std::move(node)));
  } else {
    record(node, config->stream, false);
  }
  return kSuccess;
}

int cuTensorMapEncodeTiled(std::uint64_t* map, int, std::uint32_t, std::uint64_t address,
                           const void*, const void*, const void*, const void*, int, int, int, int) {
  ENTER("cuTensorMapEncodeTiled");
  map[0] = address;
  return kSuccess;
}
int cuTensorMapEncodeIm2col(std::uint64_t* map, int, std::uint32_t, std::uint64_t address,
                            const void*, const void*, const void*, const void*, std::uint32_t,
                            std::uint32_t, const void*, int, int, int, int) {
  ENTER("cuTensorMapEncodeIm2col");
  map[0] = address;
  return kSuccess;
}

}  // extern "C"
