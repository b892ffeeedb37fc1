#include "kernel_store.h"

#include <optional>

#include "jit/kernel_compiler.h"

namespace xinfer::gpu {
namespace {

// The NVRTC that fills the folder; the machine with the GPU needs none.
constexpr int kNvrtcVersion = 13000;

}  // namespace

Result<std::vector<std::byte>> KernelStore::cubin(const kernels::cuda::KernelSpec& spec) const {
  XINFER_ASSIGN_OR_RETURN(jit::Compilation compilation, jit::compilation_of(spec, architecture_));
  if (bounded_waits_) compilation.options.push_back("-DXI_BOUNDED_WAITS");
  if (std::optional<std::vector<std::byte>> found = cache_.find(compilation, kNvrtcVersion)) {
    return *found;
  }
  return cache_.get(compilation);
}

}  // namespace xinfer::gpu
