// The state of one lowering: tensors made so far, in which layouts, and the steps.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/status.h"
#include "engine/engine_file.h"
#include "ir/graph.h"
#include "lower/layout.h"

namespace xinfer::lower {

namespace fb = engine::fb;

/// Index into Plan.tensors; kNoTensor where an optional operand is absent.
using TensorId = std::int32_t;
inline constexpr TensorId kNoTensor = -1;

/// How prepared weights become blobs.
enum class WeightForm {
  kCpuPacked,  ///< as kernels/conv packs them
  kRows,       ///< [out_channels, taps, channels of a group]: a device packs them later
};

/// Builds a fb::PlanT node by node. The lower_*.cpp files hold the handlers of the op groups; they
/// ask for operands in the layout that their kernel wants and get conversions made on demand.
class Lowering {
 public:
  Lowering(const ir::Graph& graph, engine::BlobWriter& blobs,
           WeightForm weight_form = WeightForm::kCpuPacked);

  const ir::Graph& graph() const { return graph_; }
  WeightForm weight_form() const { return weight_form_; }
  engine::BlobWriter& blobs() { return blobs_; }
  fb::PlanT& plan() { return *plan_; }
  const fb::PlanT& plan() const { return *plan_; }
  std::unique_ptr<fb::PlanT> take_plan() { return std::move(plan_); }

  // --- operands ---
  /// The value's tensor in `layout`; adds a transposing step the first time it is asked for.
  /// Constants are transposed now and stored as blobs.
  TensorId operand(ir::ValueId value, Layout layout);
  /// As `operand`, with size-1 axes put before the shape until it has `rank` axes (broadcasting).
  TensorId operand_of_rank(ir::ValueId value, std::size_t rank, Layout layout);
  /// As `operand`, but never the caller's own input memory, which has no readable margin behind it.
  TensorId kernel_operand(ir::ValueId value, Layout layout);
  /// The layout in which the value was produced.
  Layout native_layout(ir::ValueId value) const;
  bool is_wanted_channels_last(ir::ValueId value) const {
    return wanted_channels_last_[static_cast<std::size_t>(value)];
  }

  // --- results ---
  /// Makes the tensor of a node's output.
  TensorId define(ir::ValueId value, Layout layout);
  /// Lets `value` share the bytes of tensor `source` (reshape).
  void define_alias(ir::ValueId value, Layout layout, TensorId source);
  /// An unnamed tensor in the arena.
  TensorId add_tensor(DType dtype, float scale, const ir::SymbolicShape& physical_shape);
  /// A tensor that shares the bytes of another under other dimensions.
  TensorId add_alias(TensorId source, const ir::SymbolicShape& physical_shape);
  /// Adds a step; returns it for further settings.
  template <typename Params>
  fb::StepT& add_step(const ir::Node& node, Params params, std::vector<TensorId> inputs,
                      std::vector<TensorId> outputs) {
    fb::StepT& step = add_bare_step(node.name, std::move(inputs), std::move(outputs));
    step.params.Set(std::move(params));
    step.origins = node.origins.empty() ? std::vector<std::string>{node.name} : node.origins;
    return step;
  }

  // --- dimensions and blobs ---
  /// The expression's entry in Plan.dims.
  std::uint32_t dim(const ir::Dim& dim);
  std::vector<std::uint32_t> dims(const ir::SymbolicShape& shape);
  fb::Blob add_floats(const std::vector<float>& values);

  /// Dimensions of a tensor as symbolic expressions, physical order.
  const ir::SymbolicShape& shape_of(TensorId tensor) const {
    return shapes_[static_cast<std::size_t>(tensor)];
  }
  /// The tensor whose bytes this one uses (itself if it is no alias).
  TensorId owner(TensorId tensor) const { return owners_[static_cast<std::size_t>(tensor)]; }

  /// Makes an arena tensor without aliases the channels [channel_offset, …) of another, whose bytes
  /// it uses from now on.
  void make_view(TensorId tensor, TensorId whole, std::int64_t channel_offset);

  /// Graph inputs become bindings; constants wait until they are used.
  void add_inputs();
  /// Makes every graph output a tensor in the caller's memory.
  Status add_outputs();

 private:
  struct Placement {
    std::array<TensorId, 2> tensors = {kNoTensor, kNoTensor};  ///< by Layout
    Layout native = Layout::kPlain;
  };

  Placement& placement(ir::ValueId value) { return placements_[static_cast<std::size_t>(value)]; }
  fb::StepT& add_bare_step(const std::string& name, std::vector<TensorId> inputs,
                           std::vector<TensorId> outputs);
  TensorId add_constant(const ir::Value& value, const Tensor& tensor,
                        const ir::SymbolicShape& shape);
  TensorId convert(ir::ValueId value, Layout layout);
  TensorId copy(TensorId source, const std::string& name);
  fb::DimNode dim_node(fb::DimOp op, std::int64_t value, std::uint32_t a, std::uint32_t b);
  std::uint32_t add_dim(const fb::DimNode& node);
  bool is_read_later(TensorId tensor) const;

  const ir::Graph& graph_;
  engine::BlobWriter& blobs_;
  WeightForm weight_form_;
  std::unique_ptr<fb::PlanT> plan_;
  std::vector<Placement> placements_;
  std::vector<bool> wanted_channels_last_;
  std::vector<ir::SymbolicShape> shapes_;
  std::vector<TensorId> owners_;
  std::map<TensorId, TensorId> margin_copies_;
  std::map<std::string, std::uint32_t> dim_by_text_;
  std::map<std::string, std::uint32_t> symbols_;
};

}  // namespace xinfer::lower
