// Steps that move elements without looking at them.
#include "kernels/movement/movement.h"

#include <algorithm>
#include <cstring>

#include "runtime/steps/families.h"
#include "runtime/steps/scalar.h"

namespace xinfer::runtime {
namespace {

int element_bytes(const TensorView& view) { return static_cast<int>(size_of(view.dtype)); }

/// A movement keeps dtype; its kernels want dense tensors.
Status check_moves(const TensorView& x, const TensorView& y) {
  if (x.dtype != y.dtype || !x.is_dense() || !y.is_dense() ||
      x.dims.size() > static_cast<std::size_t>(kernels::kMaxRank)) {
    return misfit("a movement's operands");
  }
  return {};
}

template <typename T>
bool has_entries(const flatbuffers::Vector<T>* list, std::size_t count) {
  return list != nullptr && list->size() == count;
}

}  // namespace

StepResult make_step_of(const StepSource& source, const fb::Transpose& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  const TensorView* x = source.input(0);
  const TensorView* y = source.output();
  XINFER_RETURN_IF_ERROR(check_moves(*x, *y));
  const std::size_t rank = x->dims.size();
  if (!has_entries(params.perm(), rank) || y->dims.size() != rank) {
    return misfit("a transpose's permutation");
  }
  std::vector<int> perm;
  std::vector<bool> seen(rank, false);
  for (std::size_t i = 0; i < rank; ++i) {
    const std::uint32_t axis = params.perm()->Get(static_cast<unsigned>(i));
    if (axis >= rank || seen[axis] || y->dims[i] != x->dims[axis]) {
      return misfit("a transpose's permutation");
    }
    seen[axis] = true;
    perm.push_back(static_cast<int>(axis));
  }
  return call_step([=](ThreadPool& pool) {
    kernels::transpose(element_bytes(*x), x->dims, perm, x->data, y->data, pool);
    return Status();
  });
}

StepResult make_step_of(const StepSource& source, const fb::Slice& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  const TensorView* x = source.input(0);
  const TensorView* y = source.output();
  if (x->dtype != y->dtype || !x->is_dense() || x->dims.size() > kernels::kMaxRank) {
    return misfit("a slice's operands");
  }
  const std::size_t rank = x->dims.size();
  if (!has_entries(params.start(), rank) || !has_entries(params.step(), rank) ||
      y->dims.size() != rank) {
    return misfit("a slice's attributes");
  }
  std::vector<std::int64_t> starts, steps(params.step()->begin(), params.step()->end());
  for (std::size_t i = 0; i < rank; ++i) {
    const std::uint32_t dim = params.start()->Get(static_cast<unsigned>(i));
    if (dim >= source.dims.size()) return misfit("a slice's start");
    starts.push_back(source.dims[dim]);
    const std::int64_t last = starts[i] + (y->dims[i] - 1) * steps[i];
    const bool outside = starts[i] < 0 || starts[i] >= x->dims[i] || last < 0 || last >= x->dims[i];
    if (y->size() != 0 && outside) return misfit("a slice outside its tensor");
  }
  return call_step([=](ThreadPool& pool) {
    if (y->size() == 0) return Status();
    kernels::slice(element_bytes(*x), x->dims, starts, steps, y->dims, y->pixel_stride, x->data,
                   y->data, pool);
    return Status();
  });
}

StepResult make_step_of(const StepSource& source, const fb::Concat& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, source.step.inputs()->size()));
  const TensorView* y = source.output();
  const std::uint32_t axis = params.axis();
  if (axis >= y->dims.size() || !y->is_dense() ||
      !has_entries(params.in_place(), source.step.inputs()->size())) {
    return misfit("a concatenation's attributes");
  }
  struct Part {
    const TensorView* x;
    std::int64_t bytes;   ///< of one block
    std::int64_t stride;  ///< from one block of x to the next
    std::int64_t offset;  ///< into a block row of y
  };
  std::int64_t outer = 1, inner = element_bytes(*y);
  for (std::uint32_t i = 0; i < axis; ++i) outer *= y->dims[i];
  for (std::size_t i = axis + 1; i < y->dims.size(); ++i) inner *= y->dims[i];
  std::vector<Part> parts;
  std::int64_t offset = 0;
  for (unsigned i = 0; i < source.step.inputs()->size(); ++i) {
    const TensorView* x = source.input(i);
    if (x->dims.size() != y->dims.size() || x->dtype != y->dtype) {
      return misfit("a concatenation's operands");
    }
    for (std::size_t d = 0; d < x->dims.size(); ++d) {
      if (d != axis && x->dims[d] != y->dims[d]) return misfit("a concatenation's operands");
    }
    const std::int64_t bytes = x->dims[axis] * inner;
    if (!params.in_place()->Get(i)) {
      // A slice of another concatenation is read pixel by pixel.
      if (!x->is_dense() && axis + 1 != x->dims.size()) return misfit("a concatenation of a slice");
      const std::int64_t stride = x->is_dense() ? bytes : x->pixel_stride * element_bytes(*x);
      parts.push_back({x, bytes, stride, offset});
    }
    offset += bytes;
  }
  if (offset != y->dims[axis] * inner) return misfit("a concatenation's sizes");
  return call_step([=](ThreadPool& pool) {
    for (const Part& part : parts) {
      if (part.bytes == 0) continue;
      kernels::copy_blocks(outer, part.bytes, part.x->data, part.stride,
                           static_cast<std::byte*>(y->data) + part.offset, offset, pool);
    }
    return Status();
  });
}

StepResult make_step_of(const StepSource& source, const fb::Pad& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  const TensorView* x = source.input(0);
  const TensorView* y = source.output();
  XINFER_RETURN_IF_ERROR(check_moves(*x, *y));
  const std::size_t rank = x->dims.size();
  if (!has_entries(params.pads_begin(), rank) || !has_entries(params.pads_end(), rank) ||
      y->dims.size() != rank) {
    return misfit("a padding's attributes");
  }
  const std::vector<std::int64_t> begins(params.pads_begin()->begin(), params.pads_begin()->end());
  const std::vector<std::int64_t> ends(params.pads_end()->begin(), params.pads_end()->end());
  for (std::size_t i = 0; i < rank; ++i) {
    if (y->dims[i] != begins[i] + x->dims[i] + ends[i]) return misfit("a padding's sizes");
  }
  const auto mode = static_cast<kernels::PadMode>(params.mode());
  std::uint64_t value = 0;  // one element of the tensor's type
  const double real = y->scale != 0 ? params.value() / y->scale : params.value();
  store_scalar(y->dtype, real, &value);
  return call_step([=](ThreadPool& pool) {
    kernels::pad(element_bytes(*x), mode, x->dims, begins, ends, &value, x->data, y->data, pool);
    return Status();
  });
}

StepResult make_step_of(const StepSource& source, const fb::Gather& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 2));
  const TensorView* x = source.input(0);
  const TensorView* indices = source.input(1);
  const TensorView* y = source.output();
  XINFER_RETURN_IF_ERROR(check_moves(*x, *y));
  if (params.axis() >= x->dims.size()) return misfit("a gather's axis");
  std::int64_t outer = 1, inner = 1;
  for (std::uint32_t i = 0; i < x->dims.size(); ++i) {
    if (i < params.axis()) outer *= x->dims[i];
    if (i > params.axis()) inner *= x->dims[i];
  }
  const std::int64_t axis = x->dims[params.axis()], count = indices->size();
  if (y->size() != outer * count * inner) return misfit("a gather's operands");
  const int bytes = element_bytes(*x);
  if (indices->dtype == DType::kInt32) {
    return call_step([=](ThreadPool& pool) {
      return kernels::gather(bytes, outer, axis, inner, count,
                             static_cast<const std::int32_t*>(indices->data), x->data, y->data,
                             pool);
    });
  }
  if (indices->dtype != DType::kInt64) return misfit("a gather's indices");
  return call_step([=](ThreadPool& pool) {
    return kernels::gather(bytes, outer, axis, inner, count,
                           static_cast<const std::int64_t*>(indices->data), x->data, y->data, pool);
  });
}

StepResult make_step_of(const StepSource& source, const fb::Expand&) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  const TensorView* x = source.input(0);
  const TensorView* y = source.output();
  XINFER_RETURN_IF_ERROR(check_moves(*x, *y));
  if (x->dims.size() != y->dims.size()) return misfit("an expansion's operands");
  for (std::size_t i = 0; i < x->dims.size(); ++i) {
    if (x->dims[i] != y->dims[i] && x->dims[i] != 1) return misfit("an expansion's operands");
  }
  return call_step([=](ThreadPool& pool) {
    kernels::expand(element_bytes(*x), x->dims, y->dims, x->data, y->data, pool);
    return Status();
  });
}

StepResult make_step_of(const StepSource& source, const fb::ShapeOf& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 0));
  const TensorView* y = source.output();
  if (!has_entries(params.dims(), static_cast<std::size_t>(y->size())) ||
      y->dtype != DType::kInt64) {
    return misfit("a shape's result");
  }
  std::vector<std::int64_t> values;
  for (std::uint32_t dim : *params.dims()) {
    if (dim >= source.dims.size()) return misfit("a shape's dimension");
    values.push_back(source.dims[dim]);
  }
  return call_step([=](ThreadPool&) {
    std::memcpy(y->data, values.data(), values.size() * sizeof(values[0]));
    return Status();
  });
}

}  // namespace xinfer::runtime
