// Compiled kernels on the device: loading a cubin, finding its entry, launching it.
#pragma once

#include <span>
#include <string>

#include "core/status.h"
#include "device/cuda_driver.h"
#include "device/cuda_stream.h"

namespace xinfer::cuda {

/// How a kernel is launched, beside its arguments.
struct LaunchShape {
  unsigned blocks = 1;
  unsigned threads = 1;
  unsigned dynamic_shared_bytes = 0;
  unsigned cluster_blocks = 1;  ///< blocks of one cluster (sm_90 and up)
  /// The kernel calls griddepcontrol.wait itself and may start before its predecessor ends
  /// (programmatic dependent launch, sm_90 and up).
  bool overlaps_predecessor = false;
};

/// One entry function. Valid while its Module lives.
class Kernel {
 public:
  Kernel() = default;
  Kernel(FunctionHandle handle, std::string name) : handle_(handle), name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  Result<int> attribute(FunctionAttribute which) const;
  /// Permits that much dynamic shared memory; needed above 48 KiB.
  Status allow_dynamic_shared_bytes(unsigned size_bytes) const;
  /// Blocks of this kernel that one multiprocessor holds at a time.
  Result<int> blocks_per_multiprocessor(const LaunchShape& shape) const;
  /// `arguments` point at the values, in the order of the kernel's parameters.
  Status launch(const Stream& stream, const LaunchShape& shape,
                std::span<void* const> arguments) const;
  /// Gives `node` of `graph`, a launch of this kernel, other arguments.
  Status update(const Graph& graph, GraphNodeHandle node, const LaunchShape& shape,
                std::span<void* const> arguments) const;

 private:
  FunctionHandle handle_ = nullptr;
  std::string name_;
};

/// A cubin loaded into the current context.
class Module {
 public:
  /// Fails with incompatible_engine if the cubin is for another architecture or newer than the
  /// driver.
  static Result<Module> load(std::span<const std::byte> cubin);
  Module(Module&& other) noexcept;
  Module& operator=(Module&& other) noexcept;
  ~Module();

  Result<Kernel> kernel(const std::string& entry) const;

 private:
  explicit Module(ModuleHandle handle) : handle_(handle) {}
  ModuleHandle handle_ = nullptr;
};

}  // namespace xinfer::cuda
