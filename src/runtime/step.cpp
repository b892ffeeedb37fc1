#include "runtime/step.h"

#include "runtime/steps/families.h"

namespace xinfer::runtime {

Status misfit(const char* what) {
  return failure(ErrorCode::kIncompatibleEngine, "damaged engine: {}", what);
}

Status check_operands(const StepSource& source, unsigned inputs, unsigned outputs) {
  for (unsigned i = 0; i < inputs; ++i) {
    if (source.input(i) == nullptr) return misfit("an operand is missing");
  }
  for (unsigned i = 0; i < outputs; ++i) {
    if (source.output(i) == nullptr) return misfit("a result is missing");
  }
  return {};
}

namespace {

template <typename Params>
StepResult make_from(const StepSource& source) {
  return make_step_of(source, *static_cast<const Params*>(source.step.params()));
}

}  // namespace

Result<std::unique_ptr<Step>> make_step(const StepSource& source) {
  switch (source.step.params_type()) {
    case fb::Params::Conv:
      return make_from<fb::Conv>(source);
    case fb::Params::Gemm:
      return make_from<fb::Gemm>(source);
    case fb::Params::MatMul:
      return make_from<fb::MatMul>(source);
    case fb::Params::Pool:
      return make_from<fb::Pool>(source);
    case fb::Params::Unary:
      return make_from<fb::Unary>(source);
    case fb::Params::ByteTable:
      return make_from<fb::ByteTable>(source);
    case fb::Params::Binary:
      return make_from<fb::Binary>(source);
    case fb::Params::QuantizedBinary:
      return make_from<fb::QuantizedBinary>(source);
    case fb::Params::Select:
      return make_from<fb::Select>(source);
    case fb::Params::Clip:
      return make_from<fb::Clip>(source);
    case fb::Params::Cast:
      return make_from<fb::Cast>(source);
    case fb::Params::Reduce:
      return make_from<fb::Reduce>(source);
    case fb::Params::ArgReduce:
      return make_from<fb::ArgReduce>(source);
    case fb::Params::Transpose:
      return make_from<fb::Transpose>(source);
    case fb::Params::Slice:
      return make_from<fb::Slice>(source);
    case fb::Params::Concat:
      return make_from<fb::Concat>(source);
    case fb::Params::Pad:
      return make_from<fb::Pad>(source);
    case fb::Params::Gather:
      return make_from<fb::Gather>(source);
    case fb::Params::Expand:
      return make_from<fb::Expand>(source);
    case fb::Params::Resize:
      return make_from<fb::Resize>(source);
    case fb::Params::Softmax:
      return make_from<fb::Softmax>(source);
    case fb::Params::LayerNorm:
      return make_from<fb::LayerNorm>(source);
    case fb::Params::Quantize:
      return make_from<fb::Quantize>(source);
    case fb::Params::ShapeOf:
      return make_from<fb::ShapeOf>(source);
    case fb::Params::ConvertImage:
      return make_from<fb::ConvertImage>(source);
    case fb::Params::Cuda:  // CudaProgram runs those
    case fb::Params::NONE:
      break;
  }
  return misfit("a step of an unknown kind");
}

}  // namespace xinfer::runtime
