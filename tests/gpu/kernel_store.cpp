#include "kernel_store.h"

#include <optional>

#include "jit/kernel_sources.h"

namespace xinfer::gpu {
namespace {

// The NVRTC that fills the folder; the machine with the GPU needs none.
constexpr int kNvrtcVersion = 13000;

}  // namespace

Result<jit::Compilation> compilation_of(const kernels::cuda::KernelSpec& spec,
                                        const std::string& architecture) {
  jit::Compilation compilation;
  compilation.name = spec.entry;
  compilation.source = kernels::cuda::translation_unit(spec);
  XINFER_ASSIGN_OR_RETURN(compilation.headers, jit::sources_of(spec.source));
  compilation.headers.push_back({"layer.cuh", spec.layer});
  compilation.architecture = architecture;
  return compilation;
}

Result<std::vector<std::byte>> KernelStore::cubin(const kernels::cuda::KernelSpec& spec) const {
  XINFER_ASSIGN_OR_RETURN(jit::Compilation compilation, compilation_of(spec, architecture_));
  if (bounded_waits_) compilation.options.push_back("-DXI_BOUNDED_WAITS");
  if (std::optional<std::vector<std::byte>> found = cache_.find(compilation, kNvrtcVersion)) {
    return *found;
  }
  return cache_.get(compilation);
}

}  // namespace xinfer::gpu
