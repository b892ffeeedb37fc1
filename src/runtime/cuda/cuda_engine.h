// What all contexts of an engine share on a device: weights in its memory, and loaded kernels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "core/status.h"
#include "device/cuda_device.h"
#include "device/cuda_memory.h"
#include "device/cuda_module.h"
#include "engine/engine_file.h"
#include "kernels/cuda/kernel_spec.h"

namespace xinfer::runtime {

class CudaEngine {
 public:
  struct LoadedKernel {
    kernels::cuda::KernelSpec spec;
    cuda::Kernel function;
  };

  /// The first plan of the file among those that fit device `ordinal` best. Fails with
  /// incompatible_engine, naming what the file holds, if none does.
  static Result<const engine::fb::Plan*> choose_plan(const engine::EngineFile& file, int ordinal);

  /// Uploads the weights and loads the kernels of `plan`, one of the file's (null: choose_plan's),
  /// unless a context of the same file on the same device has done so already.
  static Result<std::shared_ptr<const CudaEngine>> open(
      std::shared_ptr<const engine::EngineFile> file, int ordinal,
      const engine::fb::Plan* plan = nullptr);
  ~CudaEngine();

  const engine::fb::Plan& plan() const { return *plan_; }
  const cuda::Context& context() const { return context_; }
  const cuda::DeviceProperties& device() const { return device_; }
  const LoadedKernel& kernel(unsigned index) const { return kernels_[index]; }

  /// The device address of a part of the blob section; 0 if it was not uploaded.
  cuda::DevicePointer address_of(std::size_t offset, std::size_t size_bytes) const;

 private:
  CudaEngine(std::shared_ptr<const engine::EngineFile> file, const engine::fb::Plan* plan,
             cuda::Context context, cuda::DeviceProperties device)
      : file_(std::move(file)),
        plan_(plan),
        context_(std::move(context)),
        device_(std::move(device)) {}

  Status upload();
  Status load_kernels();
  void keep(std::size_t offset, std::size_t size_bytes);

  struct Part {
    std::size_t size_bytes = 0;
    std::size_t position = 0;  ///< in weights_
  };

  std::shared_ptr<const engine::EngineFile> file_;
  const engine::fb::Plan* plan_;
  cuda::Context context_;
  cuda::DeviceProperties device_;
  std::map<std::size_t, Part> parts_;  ///< by offset in the blob section
  cuda::Buffer weights_;
  std::vector<cuda::Module> modules_;
  std::vector<LoadedKernel> kernels_;
};

/// The plan of `file` that a GPU of this compute capability runs best; null if there is none.
/// Kernels for sm_90a run on 9.0 alone, those for sm_80 on every 8.x.
const engine::fb::Plan* find_cuda_plan(const engine::EngineFile& file, int compute_capability);

}  // namespace xinfer::runtime
