// A convolution layer as CUDA kernels see it, and the candidate kernels that compute it.
#pragma once

#include <cstdint>
#include <vector>

#include "core/status.h"
#include "kernels/conv/conv.h"
#include "kernels/cuda/conv_layout.h"
#include "kernels/cuda/kernel_spec.h"

namespace xinfer::kernels::cuda {

/// One layer. `shape.batch` is not read: every kernel serves every batch. Tensors are NHWC; input
/// pixels and the input's base are 16-byte aligned and hold channels up to the next granule (their
/// values do not matter for INT8; for float types they must be finite).
struct ConvProblem {
  ConvShape shape;
  DType input = DType::kUInt8;  ///< weights: int8 for INT8 inputs, otherwise the input's type
  /// Pointers are not read, except that multiplier is null or not (INT8 needs it).
  Epilogue epilogue;
  /// Channels that the layer writes, from shape.out_channels up to y's channel pitch: those behind
  /// out_channels are padding that this layer owns and are written as zeros. 0: out_channels.
  std::int64_t stored_channels = 0;
  int output_align = 16;    ///< bytes that the output's address is a multiple of (power of two)
  int residual_align = 16;  ///< the same for every residual
};

/// Tile sizes of the mma.sync kernel.
struct MmaTactic {
  int tile_m = 128;  ///< output pixels of a block
  int tile_n = 64;   ///< weight rows of a block
  int tile_k = 64;   ///< bytes of K in a slice
  int warps_m = 4;
  int warps_n = 1;
  int stages = 4;
  int min_blocks = 2;  ///< blocks that must fit on a multiprocessor
};

/// Tile sizes and roles of the persistent wgmma kernel (sm_90a). A block has `groups` consumer
/// groups of `group_warpgroups` warpgroups; each group computes whole tiles of 64 * m_blocks *
/// group_warpgroups pixels times tile_n weight rows, the groups taking turns (ping-pong), one
/// multiplying while the other finishes.
struct WgmmaTactic {
  int m_blocks = 2;  ///< 64-pixel blocks of one warpgroup: 1, 2 or 4
  int tile_n = 128;  ///< 16 … 256
  int tile_k = 128;  ///< bytes: 32, 64 or 128
  int stages = 5;
  int groups = 2;                 ///< consumer groups that take turns; 1: no ping-pong
  int group_warpgroups = 1;       ///< 1 … 3
  bool resident_weights = false;  ///< all of K of one channel tile stays in shared memory
  bool copy_out = false;          ///< outputs leave through shared memory and the copy engine
  int residual_stages = 0;        ///< ring of residual tiles brought in by the copy engine
  int swizzle_m = 1;              ///< pixel tiles that share a pass over the channel tiles
};

/// Tile of the wgmma kernel that keeps an input tile with its borders in shared memory (sm_90a;
/// stride 1, pixels of 16, 32, 64 or 128 bytes).
struct HaloTactic {
  int rows = 4;      ///< output rows of a tile; rows * (out_w + kernel_w - 1) <= 64 * m_blocks
  int m_blocks = 4;  ///< 64-position blocks of a warpgroup: 1, 2 or 4
  int tile_n = 64;
  int stages = 4;
};

/// Tile of the wgmma kernel that passes over the channels of such input tiles in chunks (sm_90a;
/// stride 1). As in WgmmaTactic, `turns` groups of warpgroups take tiles in turn.
struct HaloChunksTactic {
  int rows = 4;  ///< rows * (out_w + kernel_w - 1) <= 64 * m_blocks * group_warpgroups
  int m_blocks = 1;
  int group_warpgroups = 2;
  int turns = 1;  ///< turns * group_warpgroups: at most 3
  int tile_n = 32;
  int chunk_bytes = 128;  ///< of channels: 64 or 128
  int stages = 2;         ///< chunks of pixels: at least 2
  int weight_stages = 4;  ///< taps of weights: at least 2; 0: all of them stay in shared memory
};

/// Tile of the wgmma kernel for small batches (sm_90a): 64 pixels times tile_n channels, K shared
/// by the `split` blocks of a cluster and their `warpgroups` warpgroups, all of it in shared
/// memory.
struct LatencyTactic {
  int tile_n = 32;  ///< 16 … 128
  int tile_k = 128;
  int split = 1;  ///< 1, 2, 4 or 8
  int warpgroups = 1;
};

/// Kernels for one tactic. Fail with unsupported if the tactic cannot compute the problem.
Result<KernelSpec> mma_conv(const ConvProblem& problem, const MmaTactic& tactic);
Result<KernelSpec> wgmma_conv(const ConvProblem& problem, const WgmmaTactic& tactic);
Result<KernelSpec> halo_conv(const ConvProblem& problem, const HaloTactic& tactic);
Result<KernelSpec> halo_chunks_conv(const ConvProblem& problem, const HaloChunksTactic& tactic);
Result<KernelSpec> latency_conv(const ConvProblem& problem, const LatencyTactic& tactic);
/// The only kernel for float32 inputs.
Result<KernelSpec> float_conv(const ConvProblem& problem);

/// What the cost model knows about the device.
struct ConvTarget {
  int capability = 80;
  int multiprocessors = 108;
  bool allow_wgmma = true;
};

/// The kernels worth timing for this batch, the one expected to be fastest first; at most `count`.
Result<std::vector<KernelSpec>> conv_candidates(const ConvProblem& problem,
                                                const ConvTarget& target, std::int64_t batch,
                                                int count);

}  // namespace xinfer::kernels::cuda
