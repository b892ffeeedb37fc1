#include "jit/kernel_compiler.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "core/thread_pool.h"
#include "jit/kernel_sources.h"

namespace xinfer::jit {

using kernels::cuda::KernelSpec;

Result<Compilation> compilation_of(const KernelSpec& spec, const std::string& architecture) {
  Compilation compilation;
  compilation.name = spec.entry;
  compilation.source = kernels::cuda::translation_unit(spec);
  XINFER_ASSIGN_OR_RETURN(compilation.headers, sources_of(spec.source));
  compilation.headers.push_back({"layer.cuh", spec.layer});
  compilation.architecture = architecture;
  return compilation;
}

namespace {

/// The kernels to compile, taken one by one by any number of threads.
class Queue {
 public:
  Queue(std::span<const KernelSpec* const> specs, const KernelBuild& build, const CubinCache& cache)
      : specs_(specs), build_(build), cache_(cache), cubins_(specs.size()) {}

  /// Works until nothing is left or something has failed; `is_caller` reports the progress.
  void work(bool is_caller) {
    for (std::size_t i = next_++; i < specs_.size() && !failed_; i = next_++) {
      Result<std::vector<std::byte>> cubin = compile(*specs_[i]);
      if (cubin.ok()) {
        cubins_[i] = *std::move(cubin);
      } else {
        fail(cubin.status().with_context(specs_[i]->tactic));
      }
      const int done = ++done_;
      if (is_caller && build_.progress) build_.progress(done, static_cast<int>(specs_.size()));
    }
  }

  Result<std::vector<std::vector<std::byte>>> take() {
    if (failed_) return failure_;
    return std::move(cubins_);
  }

 private:
  Result<std::vector<std::byte>> compile(const KernelSpec& spec) const {
    XINFER_ASSIGN_OR_RETURN(const Compilation compilation,
                            compilation_of(spec, build_.architecture));
    return cache_.get(compilation);
  }

  void fail(Status status) {
    const std::lock_guard lock(mutex_);
    if (!failed_) failure_ = std::move(status);
    failed_ = true;
  }

  std::span<const KernelSpec* const> specs_;
  const KernelBuild& build_;
  const CubinCache& cache_;
  std::vector<std::vector<std::byte>> cubins_;
  std::atomic<std::size_t> next_{0};
  std::atomic<int> done_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  Status failure_;
};

}  // namespace

Result<std::vector<std::vector<std::byte>>> compile_kernels(
    std::span<const KernelSpec* const> specs, const KernelBuild& build, const CubinCache& cache) {
  const int wanted = build.threads > 0 ? build.threads : available_processors();
  const int threads = std::min(wanted, std::max(1, static_cast<int>(specs.size())));
  Queue queue(specs, build, cache);
  std::vector<std::thread> helpers;
  for (int i = 1; i < threads; ++i) helpers.emplace_back([&queue] { queue.work(false); });
  queue.work(true);
  for (std::thread& helper : helpers) helper.join();
  return queue.take();
}

}  // namespace xinfer::jit
