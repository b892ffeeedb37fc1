// Arithmetic with per-channel constants behind a Conv or MatMul moves into weights and bias.
#pragma once

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::passes {

/// Conv / MatMul with constant weights, then Add, Sub, Mul or Div by a constant that is one number
/// or one number per output channel: folded in double. Also gives an exporter's MatMul + Add its
/// bias.
Status fold_channel_affine(ir::Graph& graph);

}  // namespace xinfer::passes
