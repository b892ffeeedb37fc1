// Elementwise steps on plain element types.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/elementwise/binary.h"
#include "kernels/elementwise/cast.h"
#include "kernels/elementwise/select.h"
#include "kernels/elementwise/unary.h"
#include "runtime/steps/families.h"
#include "runtime/steps/scalar.h"

namespace xinfer::runtime {
namespace {

using DimSpan = std::span<const std::int64_t>;

Status check_dense(const StepSource& source) {
  for (unsigned i = 0; i < source.step.inputs()->size(); ++i) {
    if (source.input(i) != nullptr && !source.input(i)->is_dense()) {
      return misfit("an elementwise step on a slice");
    }
  }
  return source.output()->is_dense() ? Status() : misfit("an elementwise step into a slice");
}

/// A function into a slice, pixel by pixel.
Status unary_pixels(kernels::Unary function, const TensorView& x, const TensorView& y, float alpha,
                    float beta, CpuIsa isa, ThreadPool& pool) {
  constexpr std::int64_t kGrainElements = 1 << 13;
  const std::int64_t channels = y.dims.back();
  if (y.size() == 0) return Status();
  const std::int64_t pixels = y.size() / channels;
  const auto loop = kernels::unary_loop_f32(function, isa);
  if (y.dtype != DType::kFloat32 || loop == nullptr) {
    const auto bytes = static_cast<std::int64_t>(size_of(y.dtype));
    for (std::int64_t i = 0; i < pixels; ++i) {
      XINFER_RETURN_IF_ERROR(kernels::unary(
          function, y.dtype, static_cast<const std::byte*>(x.data) + i * channels * bytes,
          static_cast<std::byte*>(y.data) + i * y.pixel_stride * bytes, channels, alpha, beta, isa,
          pool));
    }
    return Status();
  }
  pool.parallel_ranges(
      static_cast<std::size_t>(pixels), static_cast<std::size_t>(kGrainElements / channels + 1),
      [&](std::size_t begin, std::size_t end) {
        for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
          loop(static_cast<const float*>(x.data) + i * channels,
               static_cast<float*>(y.data) + i * y.pixel_stride, channels, alpha, beta);
        }
      });
  return Status();
}

/// Bounds of a clip as elements of the tensor's type; an infinite bound is no bound.
class ClipBounds {
 public:
  ClipBounds(DType dtype, double low, double high)
      : has_low_(low != -std::numeric_limits<double>::infinity()),
        has_high_(high != std::numeric_limits<double>::infinity()) {
    store_scalar(dtype, low, &low_);
    store_scalar(dtype, high, &high_);
  }
  const void* low() const { return has_low_ ? &low_ : nullptr; }
  const void* high() const { return has_high_ ? &high_ : nullptr; }

 private:
  bool has_low_, has_high_;
  std::uint64_t low_ = 0, high_ = 0;
};

}  // namespace

StepResult make_step_of(const StepSource& source, const fb::Unary& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  const TensorView* x = source.input(0);
  const TensorView* y = source.output();
  if (!x->is_dense()) return misfit("a function of a slice");
  if (x->dims != y->dims || x->dtype != y->dtype) return misfit("a function's operands");
  if (params.function() >= kernels::kUnaryCount) return misfit("an unknown function");
  const auto function = static_cast<kernels::Unary>(params.function());
  const float alpha = params.alpha(), beta = params.beta();
  const CpuIsa isa = source.isa;
  return call_step(
      [=](ThreadPool& pool) {
        if (!y->is_dense()) return unary_pixels(function, *x, *y, alpha, beta, isa, pool);
        return kernels::unary(function, x->dtype, x->data, y->data, x->size(), alpha, beta, isa,
                              pool);
      },
      kernels::to_string(function));
}

StepResult make_step_of(const StepSource& source, const fb::Clip& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  XINFER_RETURN_IF_ERROR(check_dense(source));
  const TensorView* x = source.input(0);
  const TensorView* y = source.output();
  if (x->dims != y->dims || x->dtype != y->dtype) return misfit("a clip's operands");
  const ClipBounds bounds(x->dtype, params.low(), params.high());
  return call_step([=](ThreadPool& pool) {
    return kernels::clip(x->dtype, x->data, y->data, x->size(), bounds.low(), bounds.high(), pool);
  });
}

StepResult make_step_of(const StepSource& source, const fb::Cast&) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  XINFER_RETURN_IF_ERROR(check_dense(source));
  const TensorView* x = source.input(0);
  const TensorView* y = source.output();
  if (x->dims != y->dims) return misfit("a cast's operands");
  return call_step([=](ThreadPool& pool) {
    kernels::cast(x->dtype, x->data, y->dtype, y->data, x->size(), pool);
    return Status();
  });
}

StepResult make_step_of(const StepSource& source, const fb::Binary& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 2));
  XINFER_RETURN_IF_ERROR(check_dense(source));
  const TensorView* a = source.input(0);
  const TensorView* b = source.input(1);
  const TensorView* y = source.output();
  const auto function = static_cast<kernels::Binary>(params.function());
  XINFER_ASSIGN_OR_RETURN(const kernels::StridedLoop<3> loop,
                          kernels::broadcast<2>({DimSpan(a->dims), DimSpan(b->dims)}));
  if (loop.size() != y->size()) return misfit("an elementwise step's result");
  if (function == kernels::Binary::kPow && (a->dtype != b->dtype || a->dtype != DType::kFloat32)) {
    return call_step([=](ThreadPool& pool) {
      return kernels::power(a->dtype, b->dtype, loop, a->data, b->data, y->data, pool);
    });
  }
  if (a->dtype != b->dtype) return misfit("an elementwise step on two types");
  const CpuIsa isa = source.isa;
  const bool clips = params.clip();
  const ClipBounds bounds(y->dtype, params.low(), params.high());
  return call_step(
      [=](ThreadPool& pool) -> Status {
        XINFER_RETURN_IF_ERROR(
            kernels::binary(function, a->dtype, loop, a->data, b->data, y->data, isa, pool));
        if (!clips) return {};
        return kernels::clip(y->dtype, y->data, y->data, y->size(), bounds.low(), bounds.high(),
                             pool);
      },
      kernels::to_string(function));
}

StepResult make_step_of(const StepSource& source, const fb::Select&) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 3));
  XINFER_RETURN_IF_ERROR(check_dense(source));
  const TensorView* condition = source.input(0);
  const TensorView* a = source.input(1);
  const TensorView* b = source.input(2);
  const TensorView* y = source.output();
  if (condition->dtype != DType::kBool || a->dtype != y->dtype || b->dtype != y->dtype) {
    return misfit("a selection's operands");
  }
  XINFER_ASSIGN_OR_RETURN(
      const kernels::StridedLoop<4> loop,
      kernels::broadcast<3>({DimSpan(condition->dims), DimSpan(a->dims), DimSpan(b->dims)}));
  if (loop.size() != y->size()) return misfit("a selection's result");
  return call_step([=](ThreadPool& pool) {
    kernels::select(static_cast<int>(size_of(y->dtype)), loop,
                    static_cast<const bool*>(condition->data), a->data, b->data, y->data, pool);
    return Status();
  });
}

}  // namespace xinfer::runtime
