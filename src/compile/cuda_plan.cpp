#include "compile/cuda_plan.h"

#include <cstdlib>
#include <map>
#include <tuple>
#include <vector>

#include "jit/kernel_compiler.h"
#include "lower/cuda/late_waits.h"
#include "lower/cuda/replaced_launches.h"
#include "tune/tune.h"

namespace xinfer::compile {
namespace {

namespace fb = engine::fb;
using kernels::cuda::KernelSpec;

/// The kernels that a plan takes, each once.
class ChosenKernels {
 public:
  /// The kernel's number.
  std::uint32_t add(const KernelSpec& spec) {
    const auto number = static_cast<std::uint32_t>(specs_.size());
    const auto [it, added] =
        numbers_.try_emplace(std::tuple(spec.source, spec.layer, spec.tactic), number);
    if (added) specs_.push_back(&spec);
    return it->second;
  }
  const std::vector<const KernelSpec*>& specs() const { return specs_; }

 private:
  std::map<std::tuple<std::string, std::string, std::string>, std::uint32_t> numbers_;
  std::vector<const KernelSpec*> specs_;
};

/// Adds the kernel of every batch point; neighbours with the same one become a single variant.
void choose_variants(const std::vector<lower::BatchPoint>& points, ChosenKernels& kernels,
                     fb::CudaT& launch) {
  for (const lower::BatchPoint& point : points) {
    const std::uint32_t kernel =
        point.left_out ? engine::kNoKernel : kernels.add(point.candidates.front());
    if (!launch.variants.empty() && launch.variants.back()->kernel == kernel) {
      launch.variants.back()->largest_batch = point.largest_batch;
      continue;
    }
    auto variant = std::make_unique<fb::CudaVariantT>();
    variant->largest_batch = point.largest_batch;
    variant->kernel = kernel;
    launch.variants.push_back(std::move(variant));
  }
}

/// Kernels offered to tuning for each launch and batch point.
constexpr int kTunedCandidates = 8;

jit::KernelBuild kernel_build(const CudaBuild& build) {
  jit::KernelBuild kernels;
  kernels.architecture = build.target.architecture;
  kernels.threads = build.threads;
  if (build.progress) {
    kernels.progress = [&build](int done, int total) {
      build.progress({"compile " + build.target.name(), done, total});
    };
  }
  return kernels;
}

Status choose_fastest(const CudaBuild& build, const jit::CubinCache& cubins,
                      lower::OpenCudaPlan& open) {
  tune::TimingCache timings;
  if (!build.timing_cache.empty()) {
    XINFER_ASSIGN_OR_RETURN(timings, tune::TimingCache::load(build.timing_cache));
  }
  return tune::tune({build.tune_on, kernel_build(build), &cubins, &timings, build.timing_cache},
                    open);
}

}  // namespace

Result<std::unique_ptr<fb::PlanT>> make_cuda_plan(const ir::Graph& graph,
                                                  const lower::SymbolRanges& symbols,
                                                  const CudaBuild& build,
                                                  engine::BlobWriter& blobs) {
  // Without a GPU here, decisions still come from the timing cache and from what is shipped.
  const bool tuned = build.tuning || !build.timing_cache.empty();
  lower::CudaTarget target = build.target;
  if (tuned) target.most_candidates = kTunedCandidates;
  XINFER_ASSIGN_OR_RETURN(lower::OpenCudaPlan open,
                          lower::lower_cuda(graph, symbols, target, blobs, build.precisions));
  const jit::CubinCache cubin_cache(build.cubin_folder);
  if (tuned) XINFER_RETURN_IF_ERROR(choose_fastest(build, cubin_cache, open));
  lower::leave_out_replaced(open);
  lower::choose_late_waits(open);
  ChosenKernels kernels;
  for (std::size_t i = 0; i < open.launches.size(); ++i) {
    choose_variants(open.launches[i].points, kernels, *open.plan->steps[i]->params.AsCuda());
  }
  XINFER_ASSIGN_OR_RETURN(const auto cubins,
                          jit::compile_kernels(kernels.specs(), kernel_build(build), cubin_cache));
  for (std::size_t i = 0; i < cubins.size(); ++i) {
    const fb::Blob cubin = blobs.add(std::span<const std::byte>(cubins[i]));
    open.plan->kernels.push_back(lower::write_kernel(*kernels.specs()[i], cubin));
  }
  return std::move(open.plan);
}

std::filesystem::path default_cubin_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0') {
    return std::filesystem::path(cache) / "xinfer" / "kernels";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    return std::filesystem::path(home) / ".cache" / "xinfer" / "kernels";
  }
  return {};
}

}  // namespace xinfer::compile
