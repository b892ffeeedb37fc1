#include "lower/lowering.h"

#include <algorithm>
#include <cstring>

#include "lower/constants.h"

namespace xinfer::lower {
Lowering::Lowering(const ir::Graph& graph, engine::BlobWriter& blobs, WeightForm weight_form)
    : graph_(graph),
      blobs_(blobs),
      weight_form_(weight_form),
      plan_(std::make_unique<fb::PlanT>()),
      placements_(graph.value_count()),
      wanted_channels_last_(lower::wanted_channels_last(graph)) {
  plan_->target = "cpu";
}

// --- dimensions ---------------------------------------------------------------------------------

fb::DimNode Lowering::dim_node(fb::DimOp op, std::int64_t value, std::uint32_t a, std::uint32_t b) {
  return fb::DimNode(value, a, b, op);
}

std::uint32_t Lowering::add_dim(const fb::DimNode& node) {
  plan_->dims.push_back(node);
  return static_cast<std::uint32_t>(plan_->dims.size() - 1);
}

std::uint32_t Lowering::dim(const ir::Dim& expression) {
  const std::string text = expression.to_string();
  if (const auto it = dim_by_text_.find(text); it != dim_by_text_.end()) return it->second;
  using Kind = ir::Dim::Atom::Kind;
  const auto atom_index = [&](const ir::Dim::Atom& atom) -> std::uint32_t {
    if (atom.kind == Kind::kSymbol) {
      const auto [it, added] =
          symbols_.try_emplace(atom.name, static_cast<std::uint32_t>(plan_->symbols.size()));
      if (added) plan_->symbols.push_back(atom.name);
      return add_dim(dim_node(fb::DimOp::Symbol, it->second, 0, 0));
    }
    const std::uint32_t a = dim(atom.a), b = dim(atom.b);
    const fb::DimOp op = atom.kind == Kind::kFloorDiv ? fb::DimOp::FloorDiv
                         : atom.kind == Kind::kMin    ? fb::DimOp::Min
                                                      : fb::DimOp::Max;
    return add_dim(dim_node(op, 0, a, b));
  };
  const auto constant = [&](std::int64_t value) {
    return add_dim(dim_node(fb::DimOp::Constant, value, 0, 0));
  };
  std::uint32_t sum = 0;
  bool first_term = true;
  for (const ir::Dim::Term& term : expression.terms()) {
    std::uint32_t product = 0;
    bool first_factor = term.coefficient == 1 && !term.atoms.empty();
    if (!first_factor) product = constant(term.coefficient);
    for (const auto& atom : term.atoms) {
      const std::uint32_t factor = atom_index(*atom);
      product = first_factor ? factor : add_dim(dim_node(fb::DimOp::Mul, 0, product, factor));
      first_factor = false;
    }
    sum = first_term ? product : add_dim(dim_node(fb::DimOp::Add, 0, sum, product));
    first_term = false;
  }
  if (first_term) sum = constant(0);
  dim_by_text_[text] = sum;
  return sum;
}

std::vector<std::uint32_t> Lowering::dims(const ir::SymbolicShape& shape) {
  std::vector<std::uint32_t> result;
  for (const ir::Dim& d : shape) result.push_back(dim(d));
  return result;
}

fb::Blob Lowering::add_floats(const std::vector<float>& values) {
  return blobs_.add(std::span<const float>(values));
}

// --- tensors ------------------------------------------------------------------------------------

TensorId Lowering::add_tensor(DType dtype, float scale, const ir::SymbolicShape& physical_shape) {
  auto tensor = std::make_unique<fb::TensorT>();
  tensor->dtype = static_cast<std::uint8_t>(dtype);
  tensor->scale = scale;
  tensor->dims = dims(physical_shape);
  tensor->storage = fb::Storage::Arena;
  plan_->tensors.push_back(std::move(tensor));
  shapes_.push_back(physical_shape);
  owners_.push_back(static_cast<TensorId>(owners_.size()));
  return owners_.back();
}

TensorId Lowering::add_alias(TensorId source, const ir::SymbolicShape& physical_shape) {
  const auto& from = *plan_->tensors[static_cast<std::size_t>(source)];
  const TensorId alias = add_tensor(static_cast<DType>(from.dtype), from.scale, physical_shape);
  auto& tensor = *plan_->tensors[static_cast<std::size_t>(alias)];
  const auto& base = *plan_->tensors[static_cast<std::size_t>(source)];
  tensor.storage = base.storage;
  tensor.binding = base.binding;
  tensor.offset = base.offset;
  owners_[static_cast<std::size_t>(alias)] = owner(source);
  return alias;
}

void Lowering::make_view(TensorId tensor, TensorId whole, std::int64_t channel_offset) {
  auto& view = *plan_->tensors[static_cast<std::size_t>(tensor)];
  view.view_of = whole;
  view.channel_offset = static_cast<std::uint64_t>(channel_offset);
  owners_[static_cast<std::size_t>(tensor)] = whole;
}

TensorId Lowering::add_constant(const ir::Value& value, const Tensor& data,
                                const ir::SymbolicShape& shape) {
  const TensorId id = add_tensor(value.dtype, value.scale, shape);
  auto& tensor = *plan_->tensors[static_cast<std::size_t>(id)];
  tensor.storage = fb::Storage::Constant;
  tensor.offset =
      blobs_.add(std::span(static_cast<const std::byte*>(data.data()), data.size_bytes())).offset();
  return id;
}

Layout Lowering::native_layout(ir::ValueId value) const {
  return placements_[static_cast<std::size_t>(value)].native;
}

TensorId Lowering::define(ir::ValueId id, Layout layout) {
  const ir::Value& value = graph_.value(id);
  const TensorId tensor = add_tensor(value.dtype, value.scale, physical_shape(value.shape, layout));
  plan_->tensors[static_cast<std::size_t>(tensor)]->names = {value.name};
  placement(id).native = layout;
  placement(id).tensors[static_cast<std::size_t>(layout)] = tensor;
  return tensor;
}

void Lowering::define_alias(ir::ValueId id, Layout layout, TensorId source) {
  const ir::Value& value = graph_.value(id);
  const TensorId alias = add_alias(source, physical_shape(value.shape, layout));
  auto& tensors = plan_->tensors;
  tensors[static_cast<std::size_t>(owner(source))]->names.push_back(value.name);
  placement(id).native = layout;
  placement(id).tensors[static_cast<std::size_t>(layout)] = alias;
}

TensorId Lowering::operand(ir::ValueId id, Layout layout) {
  if (id == ir::kNoValue) return kNoTensor;
  Placement& placed = placement(id);
  TensorId& tensor = placed.tensors[static_cast<std::size_t>(layout)];
  if (tensor == kNoTensor) {
    const TensorId made = convert(id, layout);
    placement(id).tensors[static_cast<std::size_t>(layout)] = made;
    return made;
  }
  return tensor;
}

TensorId Lowering::convert(ir::ValueId id, Layout layout) {
  const ir::Value& value = graph_.value(id);
  const ir::SymbolicShape shape = physical_shape(value.shape, layout);
  if (value.is_constant()) {
    const auto rank = static_cast<std::int64_t>(value.shape.size());
    return add_constant(value, permuted(*value.constant, axes_in_memory(rank, layout)), shape);
  }
  const Placement& placed = placement(id);
  const TensorId source = placed.tensors[static_cast<std::size_t>(placed.native)];
  if (layouts_coincide(value.shape)) return add_alias(source, shape);

  const auto rank = static_cast<std::int64_t>(value.shape.size());
  fb::TransposeT transpose;
  for (std::int64_t axis : axes_in_memory(rank, layout)) {
    transpose.perm.push_back(static_cast<std::uint32_t>(physical_axis(axis, rank, placed.native)));
  }
  const TensorId result = add_tensor(value.dtype, value.scale, shape);
  fb::StepT& step =
      add_bare_step(value.name + (layout == Layout::kPlain ? " to plain" : " to channels last"),
                    {source}, {result});
  step.params.Set(std::move(transpose));
  return result;
}

TensorId Lowering::operand_of_rank(ir::ValueId id, std::size_t rank, Layout layout) {
  const ir::Value& value = graph_.value(id);
  if (value.shape.size() == rank) return operand(id, layout);
  ir::SymbolicShape extended(rank - value.shape.size(), ir::Dim(1));
  extended.insert(extended.end(), value.shape.begin(), value.shape.end());
  if (value.is_constant()) {
    Shape dims(rank - value.shape.size(), 1);
    dims.insert(dims.end(), value.constant->shape().begin(), value.constant->shape().end());
    return add_constant(value,
                        permuted(value.constant->reshaped(dims),
                                 axes_in_memory(static_cast<std::int64_t>(rank), layout)),
                        physical_shape(extended, layout));
  }
  const TensorId plain = operand(id, Layout::kPlain);
  if (layout == Layout::kPlain || layouts_coincide(extended)) {
    return add_alias(plain, physical_shape(extended, layout));
  }
  fb::TransposeT transpose;
  for (std::int64_t axis : axes_in_memory(static_cast<std::int64_t>(rank), layout)) {
    transpose.perm.push_back(static_cast<std::uint32_t>(axis));
  }
  const TensorId result = add_tensor(value.dtype, value.scale, physical_shape(extended, layout));
  add_bare_step(value.name + " to channels last", {add_alias(plain, extended)}, {result})
      .params.Set(std::move(transpose));
  return result;
}

TensorId Lowering::copy(TensorId source, const std::string& name) {
  const auto& from = *plan_->tensors[static_cast<std::size_t>(source)];
  const TensorId result = add_tensor(static_cast<DType>(from.dtype), from.scale, shape_of(source));
  fb::TransposeT identity;
  for (std::uint32_t axis = 0; axis < shape_of(source).size(); ++axis) {
    identity.perm.push_back(axis);
  }
  add_bare_step(name, {source}, {result}).params.Set(std::move(identity));
  return result;
}

TensorId Lowering::kernel_operand(ir::ValueId id, Layout layout) {
  const TensorId tensor = operand(id, layout);
  if (tensor == kNoTensor) return tensor;
  if (plan_->tensors[static_cast<std::size_t>(tensor)]->storage != fb::Storage::Input) {
    return tensor;
  }
  const auto [it, added] = margin_copies_.try_emplace(tensor, kNoTensor);
  if (added) it->second = copy(tensor, graph_.value(id).name + " copied");
  return it->second;
}

// --- steps --------------------------------------------------------------------------------------

fb::StepT& Lowering::add_bare_step(const std::string& name, std::vector<TensorId> inputs,
                                   std::vector<TensorId> outputs) {
  auto step = std::make_unique<fb::StepT>();
  step->name = name;
  step->inputs = std::move(inputs);
  step->outputs = std::move(outputs);
  plan_->steps.push_back(std::move(step));
  return *plan_->steps.back();
}

void Lowering::add_inputs() {
  for (std::size_t i = 0; i < graph_.inputs().size(); ++i) {
    const TensorId tensor = define(graph_.inputs()[i], Layout::kPlain);
    auto& made = *plan_->tensors[static_cast<std::size_t>(tensor)];
    made.storage = fb::Storage::Input;
    made.binding = static_cast<std::uint32_t>(i);
  }
}

bool Lowering::is_read_later(TensorId tensor) const {
  for (const auto& step : plan_->steps) {
    for (TensorId input : step->inputs) {
      if (input != kNoTensor && owner(input) == owner(tensor)) return true;
    }
  }
  return false;
}

Status Lowering::add_outputs() {
  std::vector<bool> is_output(plan_->tensors.size() + graph_.outputs().size() * 4, false);
  for (std::size_t i = 0; i < graph_.outputs().size(); ++i) {
    const ir::GraphOutput& output = graph_.outputs()[i];
    TensorId tensor = operand(output.value, Layout::kPlain);
    // A kernel writes the caller's memory directly if nobody else needs the bytes: caller's memory
    // has no readable margin, and two outputs may share one value.
    const auto& made = *plan_->tensors[static_cast<std::size_t>(tensor)];
    const bool own = owner(tensor) == tensor && made.storage == fb::Storage::Arena &&
                     !is_read_later(tensor) && !is_output[static_cast<std::size_t>(tensor)];
    if (!own) tensor = copy(tensor, output.name + " copied");
    is_output.resize(std::max(is_output.size(), plan_->tensors.size()));
    is_output[static_cast<std::size_t>(tensor)] = true;
    auto& target = *plan_->tensors[static_cast<std::size_t>(tensor)];
    target.storage = fb::Storage::Output;
    target.binding = static_cast<std::uint32_t>(i);
  }
  return {};
}

}  // namespace xinfer::lower
