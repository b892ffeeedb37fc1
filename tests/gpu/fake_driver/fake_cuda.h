// What tests ask of the fake driver (fake_cuda.cpp), a libcuda.so.1 without a GPU: device memory is
// host memory, kernels only leave a record of their launch. Copies are done at once, except that
// cuMemcpyHtoD returns when it has the bytes and the default stream writes them later, as the real
// one may from pageable memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fake_cuda {

/// A kernel that a stream reached, by itself or as a node of a graph.
struct Launch {
  std::string kernel;
  std::vector<std::uint64_t> arguments;  ///< the first 8 bytes of each
  std::uintptr_t stream = 0;
  bool from_graph = false;
};

/// Launches since the last call of this function.
std::vector<Launch> take_launches();

/// How often a driver function was called since the last `reset_counts`: count("cuGraphLaunch").
int count(const std::string& call);
void reset_counts();

/// Makes the next call of a driver function, after `skip` more, return `result`.
void fail_next(const std::string& call, int result, int skip = 0);

/// Device bytes that one allocation may have at most.
void set_memory_limit(std::size_t bytes);
std::size_t device_bytes_in_use();

/// An address range of the device made of mappings of these sizes (cuMemMap), which the driver
/// knows one by one. They belong to no context and are never given back.
std::uintptr_t map_range(const std::vector<std::size_t>& mappings);

/// A context beside the primary one, as pycuda makes one; current contexts are the driver's.
void* make_context();

}  // namespace fake_cuda
