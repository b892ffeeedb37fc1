// Reductions; averages over all pixels of an image take the pooling kernels, INT8 included.
#include "kernels/reduce/reduce.h"

#include <array>

#include "kernels/movement/strided_loop.h"
#include "kernels/pool/pool.h"
#include "kernels/reduce/kinds.h"
#include "runtime/steps/families.h"

namespace xinfer::runtime {
namespace {

/// True if exactly the axes between the first and the last are reduced: [N, spatial…, C].
bool reduces_pixels(const fb::Reduce& params, std::size_t rank) {
  if (rank < 3 || params.axes()->size() != rank - 2) return false;
  for (unsigned i = 0; i < params.axes()->size(); ++i) {
    if (params.axes()->Get(i) != i + 1) return false;
  }
  return true;
}

StepResult make_pixel_average(const StepSource& source, const TensorView* x, const TensorView* y) {
  kernels::PoolShape shape;
  shape.batch = x->dims[0];
  shape.channels = x->channels();
  const std::int64_t pixels = shape.batch == 0 ? 0 : x->pixels() / shape.batch;
  shape.width = {pixels, 1, pixels, 1, 1, 0, 0};
  shape.x_pixel_stride = x->pixel_stride;
  shape.y_pixel_stride = y->pixel_stride;
  if (pixels < 1 || y->size() != shape.batch * shape.channels)
    return misfit("an average's operands");
  kernels::AveragePoolParameters parameters;
  parameters.x_dtype = x->dtype;
  parameters.y_dtype = y->dtype;
  parameters.x_scale = x->scale;
  parameters.y_scale = y->scale;
  const CpuIsa isa = source.isa;
  return call_step(
      [=](ThreadPool& pool) {
        return kernels::average_pool(shape, parameters, x->data, y->data, isa, pool);
      },
      "average_pool");
}

}  // namespace

StepResult make_step_of(const StepSource& source, const fb::Reduce& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  const TensorView* x = source.input(0);
  const TensorView* y = source.output();
  const std::size_t rank = x->dims.size();
  if (params.axes() == nullptr || rank > static_cast<std::size_t>(kernels::kMaxRank) ||
      params.kind() > static_cast<std::uint8_t>(kernels::ReduceKind::kSumSquare)) {
    return misfit("a reduction's attributes");
  }
  const bool pooled_type = x->dtype == DType::kFloat32 || x->scale != 0;
  if (static_cast<kernels::ReduceKind>(params.kind()) == kernels::ReduceKind::kMean &&
      pooled_type && reduces_pixels(params, rank) && x->size() > 0) {
    return make_pixel_average(source, x, y);
  }
  if (x->scale != 0 || x->dtype != y->dtype || !x->is_dense() || !y->is_dense()) {
    return misfit("a reduction's operands");
  }
  std::array<bool, kernels::kMaxRank> reduced = {};
  std::int64_t kept = 1;
  for (std::uint32_t axis : *params.axes()) {
    if (axis >= rank) return misfit("a reduction's axes");
    reduced[axis] = true;
  }
  for (std::size_t axis = 0; axis < rank; ++axis) kept *= reduced[axis] ? 1 : x->dims[axis];
  if (kept != y->size()) return misfit("a reduction's result");
  const auto kind = static_cast<kernels::ReduceKind>(params.kind());
  return call_step(
      [=](ThreadPool& pool) {
        return kernels::reduce(kind, x->dtype, x->dims, std::span(reduced.data(), rank), x->data,
                               y->data, pool);
      },
      kernels::to_string(kind));
}

StepResult make_step_of(const StepSource& source, const fb::ArgReduce& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  const TensorView* x = source.input(0);
  const TensorView* y = source.output();
  if (params.axis() >= x->dims.size() || y->dtype != DType::kInt64 || !x->is_dense()) {
    return misfit("an index reduction's operands");
  }
  std::int64_t outer = 1, inner = 1;
  for (std::uint32_t i = 0; i < x->dims.size(); ++i) {
    if (i < params.axis()) outer *= x->dims[i];
    if (i > params.axis()) inner *= x->dims[i];
  }
  const std::int64_t axis = x->dims[params.axis()];
  if (y->size() != outer * inner) return misfit("an index reduction's result");
  const bool largest = params.max(), last = params.select_last_index();
  return call_step([=](ThreadPool& pool) {
    return kernels::arg_extreme(largest, x->dtype, outer, axis, inner, last, x->data,
                                static_cast<std::int64_t*>(y->data), pool);
  });
}

}  // namespace xinfer::runtime
