// The fake driver's streams, events, modules, kernels and graphs: everything is done at once, and
// kernels leave a record of their launch.
#include <cstring>
#include <utility>

#include "fake_state.h"

namespace {

using namespace fake_cuda;

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

}  // namespace

extern "C" {

int cuStreamCreate(Stream** stream, unsigned) {
  ENTER("cuStreamCreate");
  *stream = new Stream;
  return kSuccess;
}
int cuStreamDestroy_v2(Stream* stream) {
  delete stream;
  return kSuccess;
}
int cuStreamSynchronize(Stream* stream) {
  ENTER("cuStreamSynchronize");
  if (stream == nullptr) fake_cuda::finish_default_stream();
  return kSuccess;
}
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
