// Depth-first execution of an inverted residual: expansion 1x1 -> depthwise -> projection 1x1, or
// the depthwise layer with one of them.
//
// Layer by layer the expanded image is written to L2 or beyond and read back. A chain computes a
// few lines of it, straight into the bordered lines that the depthwise kernel reads, the depthwise
// lines behind them and the projection of those, before the next ones. Every value is computed by
// the same kernels and epilogues as layer by layer: equal bytes. Threads take ranges of output
// lines and compute the expanded lines at their seams twice.
#pragma once

#include <memory>
#include <optional>

#include "kernels/conv/conv.h"

namespace xinfer::kernels {

/// A convolution of a chain with the arguments that it has on its own.
struct ChainLayer {
  ConvShape shape;
  ConvType type = ConvType::kF32;
  ConvArguments arguments;
};

/// Each layer's x is the y of the layer before it, which nobody else reads; chains write no byte of
/// those. The first x shares no memory with y.
struct Chain {
  ChainLayer expand;
  ChainLayer depthwise;
  std::optional<ChainLayer> project;

  const ChainLayer& last() const { return project ? *project : depthwise; }
};

/// Whether these layers can run as a chain: they fit, and only the last adds residuals.
bool can_chain(const Chain& chain);

/// Whether a chain is expected to be faster than its layers one by one. `threads` is the size of
/// the pool.
bool is_worth_chaining(const Chain& chain, CpuIsa isa, int threads);

/// Makes a chain ready that can be one. `rebind` takes the expansion's x and the last one's y and
/// epilogue.
Result<std::unique_ptr<Convolution>> make_chain(const Chain& chain, CpuIsa isa, int threads);

}  // namespace xinfer::kernels
