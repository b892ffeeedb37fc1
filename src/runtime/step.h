// A step of a plan made ready for bound shapes: one kernel call with everything precomputed.
#pragma once

#include <memory>
#include <span>

#include "core/cpu_isa.h"
#include "core/status.h"
#include "core/thread_pool.h"
#include "engine/engine_file.h"
#include "runtime/tensor_view.h"

namespace xinfer::runtime {

struct StepSource;

/// Made when shapes are bound, then run any number of times without allocating. `run` cannot fail
/// but for what depends on data (an index out of range), which it reports.
class Step {
 public:
  virtual ~Step() = default;
  virtual Status run(ThreadPool& pool) = 0;
  /// The kernel variant in use, for profiles; "" where there is only one.
  virtual const char* kernel() const { return ""; }
  /// True if addresses were baked in, so that the step must be rebound when they change. Other
  /// steps read TensorView::data when they run.
  virtual bool holds_addresses() const { return false; }
  /// Takes the addresses that `source` has now in place of those baked in; shapes and all else are
  /// as they were. False where the step must be made again for that.
  virtual Result<bool> rebind(const StepSource& /*source*/) { return false; }
};

/// What a step is made from. References stay valid as long as the step.
struct StepSource {
  const engine::EngineFile& file;
  const engine::fb::Step& step;
  std::span<const TensorView> tensors;  ///< of the whole plan
  std::span<const std::int64_t> dims;   ///< values of Plan.dims
  CpuIsa isa;
  int threads;
  std::span<std::byte> workspace;
  /// Whether the step's stored tactics were timed on this processor.
  bool tactics_hold = false;

  /// Input or output number `i`; null where an optional one is absent.
  const TensorView* input(unsigned i) const {
    return i < step.inputs()->size() ? find(step.inputs()->Get(i)) : nullptr;
  }
  const TensorView* output(unsigned i = 0) const {
    return i < step.outputs()->size() ? find(step.outputs()->Get(i)) : nullptr;
  }
  template <typename T>
  const T* blob(const engine::fb::Blob* blob) const {
    return blob == nullptr || blob->size() == 0 ? nullptr
                                                : reinterpret_cast<const T*>(file.blob(*blob));
  }

 private:
  const TensorView* find(std::int32_t index) const {
    return index < 0 ? nullptr : &tensors[static_cast<std::size_t>(index)];
  }
};

/// Makes any step ready; dispatches on its parameters to the families in runtime/steps/.
Result<std::unique_ptr<Step>> make_step(const StepSource& source);

}  // namespace xinfer::runtime
