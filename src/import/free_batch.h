// Freeing the batch of a model that was exported with a batch of 1.
//
// Every value is a stack of samples; the batch is then one factor of one axis, and the elements of
// one sample lie apart by what stands before that factor (its prefix) in row-major order. A Reshape
// keeps row-major order, so its target is right for every batch exactly if the batch goes where the
// same prefix stands before it: [batch, 48, 44, 44] to [24, 2, 1936] becomes [24*batch, 2, 1936],
// and [2, 24*batch, 1936] to [2, 1, 24, 44, 44] becomes [2, batch, 24, 44, 44].
#pragma once

#include <optional>
#include <set>
#include <string>

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::import {

class FreeBatch {
 public:
  static constexpr const char* kSymbol = "batch";

  /// True once an input's batch was freed.
  bool active() const { return active_; }
  void activate() { active_ = true; }

  static bool depends_on_batch(const ir::Dim& dim);
  static bool depends_on_batch(const ir::SymbolicShape& shape);
  /// The shape for a batch of 1.
  static ir::SymbolicShape single(const ir::SymbolicShape& shape);

  /// The target of a Reshape of `from` that was written for a batch of 1, with the batch put into
  /// its place; nothing if that place cannot be proven.
  std::optional<ir::SymbolicShape> place(const ir::Graph& graph, ir::ValueId from,
                                         ir::SymbolicShape target) const;

  /// Learns where the batch lies in the outputs of a new node. Fails if the node mixes samples:
  /// then the model cannot serve other batches.
  Status observe(const ir::Graph& graph, ir::NodeId node);

  Status check_output(const std::string& name, const ir::Value& value) const;

 private:
  struct Place {
    std::size_t axis;
    ir::Dim prefix;  ///< product of everything before the batch
  };
  /// Nothing if the batch is in no axis, in several, or not the outermost factor of its axis.
  std::optional<Place> find(const ir::Graph& graph, ir::ValueId id) const;
  bool keeps_order(const ir::Graph& graph, const ir::Node& node, std::size_t axis,
                   const ir::SymbolicShape& shape) const;

  bool active_ = false;
  /// Values whose batch shares an axis with other factors and is known to be the outermost.
  std::set<ir::ValueId> outermost_;
};

}  // namespace xinfer::import
