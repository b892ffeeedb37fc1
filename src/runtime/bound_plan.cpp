#include "runtime/bound_plan.h"

#include <algorithm>
#include <utility>

#include "engine/dim_program.h"

namespace xinfer::runtime {

using engine::fb::Binding;
using engine::fb::DimOp;
using engine::fb::Storage;

namespace {

std::string dims_text(const Binding& binding) {
  std::string text = "[";
  for (const auto* dim : *binding.dims()) text += (text.size() > 1 ? ", " : "") + dim->str();
  return text + "]";
}

/// Whether its sizes can be computed with: products of damaged dimensions may overflow.
bool has_countable_bytes(const TensorView& view, std::uint64_t pixel_stride) {
  constexpr std::uint64_t kMostElements = std::uint64_t{1} << 56;
  std::uint64_t pixels = 1, elements = 0;
  for (std::size_t i = 0; i + 1 < view.dims.size(); ++i) {
    const auto dim = static_cast<std::uint64_t>(std::max<std::int64_t>(view.dims[i], 1));
    if (__builtin_mul_overflow(pixels, dim, &pixels)) return false;
  }
  const auto row =
      std::max({pixel_stride, static_cast<std::uint64_t>(view.channels()), std::uint64_t{1}});
  return !__builtin_mul_overflow(pixels, row, &elements) && elements <= kMostElements;
}

/// The tensor that stands for input `binding` in the plan: the first; later ones are reshapes.
const engine::fb::Tensor* input_tensor(const engine::fb::Plan& plan, unsigned binding) {
  for (const engine::fb::Tensor* tensor : *plan.tensors()) {
    if (tensor->storage() == Storage::Input && tensor->binding() == binding &&
        tensor->view_of() < 0) {
      return tensor;
    }
  }
  return nullptr;
}

}  // namespace

Result<std::vector<std::int64_t>> BoundPlan::solve_symbols(std::span<const Shape> shapes) const {
  const auto& inputs = *file_->engine().inputs();
  if (shapes.size() != inputs.size()) {
    return invalid_argument("{} inputs given; the engine has {}", shapes.size(), inputs.size());
  }
  std::vector<std::int64_t> symbols(plan_.symbols()->size(), -1);
  for (unsigned i = 0; i < inputs.size(); ++i) {
    const Binding& binding = *inputs[i];
    const Shape& shape = shapes[i];
    if (shape.size() != binding.dims()->size()) {
      return invalid_argument("input \"{}\" has shape {}; the engine expects {}",
                              binding.name()->str(), to_string(shape), dims_text(binding));
    }
    const engine::fb::Tensor* tensor = input_tensor(plan_, i);
    for (unsigned axis = 0; axis < shape.size(); ++axis) {
      const std::int64_t low = binding.min()->Get(axis), high = binding.max()->Get(axis);
      if (shape[axis] < low || shape[axis] > high) {
        return invalid_argument(
            "input \"{}\" has shape {}: dimension {} ({}) is {}; the engine was built for {}{}",
            binding.name()->str(), to_string(shape), axis, binding.dims()->Get(axis)->str(),
            shape[axis], low, low == high ? "" : fmt::format(" to {}", high));
      }
      if (tensor == nullptr) continue;  // an input that nothing reads
      const engine::fb::DimNode* node = plan_.dims()->Get(tensor->dims()->Get(axis));
      if (node->op() != DimOp::Symbol) continue;
      std::int64_t& symbol = symbols[static_cast<std::size_t>(node->value())];
      if (symbol >= 0 && symbol != shape[axis]) {
        return invalid_argument(
            "input \"{}\" has shape {}: dimension \"{}\" is {} there and {} elsewhere",
            binding.name()->str(), to_string(shape),
            plan_.symbols()->Get(static_cast<unsigned>(node->value()))->str(), shape[axis], symbol);
      }
      symbol = shape[axis];
    }
  }
  for (std::int64_t& symbol : symbols) symbol = std::max<std::int64_t>(symbol, 0);
  return symbols;
}

bool BoundPlan::is_bound_to(std::span<const Shape> shapes) const {
  return !tensors_.empty() &&
         std::equal(shapes.begin(), shapes.end(), shapes_.begin(), shapes_.end());
}

Status BoundPlan::bind(std::span<const Shape> shapes) {
  shapes_.clear();
  XINFER_ASSIGN_OR_RETURN(const std::vector<std::int64_t> symbols, solve_symbols(shapes));
  XINFER_ASSIGN_OR_RETURN(dims_, engine::evaluate_dims(*plan_.dims(), symbols));
  offsets_ = memory_.largest_batch > 0 ? pack_offsets(shapes[0][0]) : PackedOffsets();
  XINFER_RETURN_IF_ERROR(place_tensors(shapes));
  shapes_.assign(shapes.begin(), shapes.end());
  return {};
}

PackedOffsets BoundPlan::pack_offsets(std::int64_t batch) const {
  std::vector<std::size_t> planned;
  for (const engine::fb::Tensor* tensor : *plan_.tensors()) {
    if (tensor->storage() == Storage::Arena && tensor->view_of() < 0) {
      planned.push_back(tensor->offset());
    }
  }
  return {std::move(planned), memory_.arena_bytes, batch, memory_.largest_batch};
}

Status BoundPlan::place_tensors(std::span<const Shape> shapes) {
  tensors_.assign(plan_.tensors()->size(), {});
  output_shapes_.assign(file_->engine().outputs()->size(), {});
  // Views take addresses and strides from tensors that may come behind them.
  for (const bool views : {false, true}) {
    for (unsigned i = 0; i < plan_.tensors()->size(); ++i) {
      if ((plan_.tensors()->Get(i)->view_of() >= 0) == views) {
        XINFER_RETURN_IF_ERROR(place_tensor(i));
      }
    }
  }
  for (unsigned i = 0; i < plan_.tensors()->size(); ++i) {
    const engine::fb::Tensor& tensor = *plan_.tensors()->Get(i);
    if (tensor.storage() == Storage::Output) output_shapes_[tensor.binding()] = tensors_[i].dims;
    const bool whole_input =
        tensor.storage() == Storage::Input && &tensor == input_tensor(plan_, tensor.binding());
    if (whole_input && tensors_[i].dims != shapes[tensor.binding()]) {
      return invalid_argument("input \"{}\" has shape {}; the model needs {}",
                              file_->engine().inputs()->Get(tensor.binding())->name()->str(),
                              to_string(shapes[tensor.binding()]), to_string(tensors_[i].dims));
    }
  }
  return {};
}

Status BoundPlan::place_tensor(unsigned index) {
  const engine::fb::Tensor& tensor = *plan_.tensors()->Get(index);
  TensorView& view = tensors_[index];
  view.dtype = static_cast<DType>(tensor.dtype());
  view.scale = tensor.scale();
  for (std::uint32_t dim : *tensor.dims()) {
    if (dims_[dim] < 0) {
      return invalid_argument("the input shapes are too small: a tensor would have dimension {}",
                              dims_[dim]);
    }
    view.dims.push_back(dims_[dim]);
  }
  view.pixel_stride = view.channels();
  if (!has_countable_bytes(view, tensor.pixel_stride())) {
    return failure(ErrorCode::kIncompatibleEngine, "{}: damaged: a tensor of too many elements: {}",
                   file_->origin(), to_string(view.dims));
  }
  if (tensor.view_of() >= 0) {
    const TensorView& base = tensors_[static_cast<std::size_t>(tensor.view_of())];
    const auto stride = static_cast<std::uint64_t>(base.pixel_stride);
    const bool same_pixels = view.size() == 0 || view.pixels() == base.pixels();
    if (view.dtype != base.dtype || !same_pixels || tensor.channel_offset() > stride ||
        static_cast<std::uint64_t>(view.channels()) > stride - tensor.channel_offset()) {
      return failure(ErrorCode::kIncompatibleEngine, "{}: damaged: a slice lies outside its tensor",
                     file_->origin());
    }
    view.pixel_stride = base.pixel_stride;
    view.data = base.data == nullptr ? nullptr
                                     : static_cast<std::byte*>(base.data) +
                                           tensor.channel_offset() * size_of(view.dtype);
    return {};
  }
  if (tensor.pixel_stride() != 0) {
    if (static_cast<std::int64_t>(tensor.pixel_stride()) < view.channels()) {
      return failure(ErrorCode::kIncompatibleEngine, "{}: damaged: a tensor's rows overlap",
                     file_->origin());
    }
    view.pixel_stride = static_cast<std::int64_t>(tensor.pixel_stride());
  }
  return place_owner(tensor, view);
}

Status BoundPlan::place_owner(const engine::fb::Tensor& tensor, TensorView& view) {
  const std::size_t bytes = view.extent_bytes();
  const auto damaged = [&](const char* where) {
    return failure(ErrorCode::kIncompatibleEngine,
                   "{}: damaged: a tensor of {} bytes does not fit into {}", file_->origin(), bytes,
                   where);
  };
  if (tensor.storage() == Storage::Arena) {
    if (tensor.offset() > memory_.arena_bytes) return damaged("the arena");
    const std::size_t offset = offsets_(tensor.offset());
    if (offset > memory_.arena_bytes || bytes > memory_.arena_bytes - offset) {
      return damaged("the arena");
    }
    view.data = memory_.arena + offset;
  } else if (tensor.storage() == Storage::Constant) {
    view.data = memory_.constant(tensor.offset(), bytes);
    if (view.data == nullptr) return damaged("the weights");
  } else {
    // The caller's memory is not known yet: set_addresses replaces this before anything runs.
    view.data = memory_.arena;
  }
  return {};
}

bool BoundPlan::touches_bindings(unsigned step) const {
  const auto is_binding = [&](std::int32_t index) {
    if (index < 0) return false;
    const engine::fb::Tensor* tensor = plan_.tensors()->Get(static_cast<unsigned>(index));
    if (tensor->view_of() >= 0) tensor = plan_.tensors()->Get(tensor->view_of());
    return tensor->storage() == Storage::Input || tensor->storage() == Storage::Output;
  };
  const engine::fb::Step& s = *plan_.steps()->Get(step);
  return std::any_of(s.inputs()->begin(), s.inputs()->end(), is_binding) ||
         std::any_of(s.outputs()->begin(), s.outputs()->end(), is_binding);
}

Result<bool> BoundPlan::set_addresses(std::span<const void* const> inputs,
                                      std::span<void* const> outputs) {
  bool changed = false;
  for (unsigned i = 0; i < tensors_.size(); ++i) {
    const engine::fb::Tensor& tensor = *plan_.tensors()->Get(i);
    if (tensor.view_of() >= 0) continue;
    void* data = tensor.storage() == Storage::Input    ? const_cast<void*>(inputs[tensor.binding()])
                 : tensor.storage() == Storage::Output ? outputs[tensor.binding()]
                                                       : tensors_[i].data;
    changed = changed || data != tensors_[i].data;
    tensors_[i].data = data;
  }
  if (!changed) return false;
  for (unsigned i = 0; i < tensors_.size(); ++i) {
    if (plan_.tensors()->Get(i)->view_of() >= 0) {
      tensors_[i] = {};
      XINFER_RETURN_IF_ERROR(place_tensor(i));
    }
  }
  return true;
}

}  // namespace xinfer::runtime
