// The families' step makers, one for each params table of the plan. Each checks that the operands
// fit its kernel (an engine's bytes may be anything) and precomputes what it can.
#pragma once

#include <memory>
#include <utility>

#include "core/status.h"
#include "runtime/step.h"

namespace xinfer::runtime {

namespace fb = engine::fb;
using StepResult = Result<std::unique_ptr<Step>>;

StepResult make_step_of(const StepSource& source, const fb::Conv& params);
StepResult make_step_of(const StepSource& source, const fb::Gemm& params);
StepResult make_step_of(const StepSource& source, const fb::MatMul& params);
StepResult make_step_of(const StepSource& source, const fb::Pool& params);
StepResult make_step_of(const StepSource& source, const fb::Unary& params);
StepResult make_step_of(const StepSource& source, const fb::ByteTable& params);
StepResult make_step_of(const StepSource& source, const fb::Binary& params);
StepResult make_step_of(const StepSource& source, const fb::QuantizedBinary& params);
StepResult make_step_of(const StepSource& source, const fb::Select& params);
StepResult make_step_of(const StepSource& source, const fb::Clip& params);
StepResult make_step_of(const StepSource& source, const fb::Cast& params);
StepResult make_step_of(const StepSource& source, const fb::Reduce& params);
StepResult make_step_of(const StepSource& source, const fb::ArgReduce& params);
StepResult make_step_of(const StepSource& source, const fb::Transpose& params);
StepResult make_step_of(const StepSource& source, const fb::Slice& params);
StepResult make_step_of(const StepSource& source, const fb::Concat& params);
StepResult make_step_of(const StepSource& source, const fb::Pad& params);
StepResult make_step_of(const StepSource& source, const fb::Gather& params);
StepResult make_step_of(const StepSource& source, const fb::Expand& params);
StepResult make_step_of(const StepSource& source, const fb::Resize& params);
StepResult make_step_of(const StepSource& source, const fb::Softmax& params);
StepResult make_step_of(const StepSource& source, const fb::LayerNorm& params);
StepResult make_step_of(const StepSource& source, const fb::Quantize& params);
StepResult make_step_of(const StepSource& source, const fb::ShapeOf& params);
StepResult make_step_of(const StepSource& source, const fb::ConvertImage& params);

/// A step that is one kernel call: `function(pool)` returns Status.
template <typename Function>
class CallStep final : public Step {
 public:
  CallStep(Function function, const char* kernel)
      : function_(std::move(function)), kernel_(kernel) {}
  Status run(ThreadPool& pool) override { return function_(pool); }
  const char* kernel() const override { return kernel_; }

 private:
  Function function_;
  const char* kernel_;
};

template <typename Function>
StepResult call_step(Function function, const char* kernel = "") {
  return std::unique_ptr<Step>(std::make_unique<CallStep<Function>>(std::move(function), kernel));
}

/// A plan whose step does not fit its operands: only a damaged or forged engine has one.
Status misfit(const char* what);

/// Checks operand counts; optional operands may be absent.
Status check_operands(const StepSource& source, unsigned inputs, unsigned outputs = 1);

}  // namespace xinfer::runtime
