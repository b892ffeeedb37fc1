// How a chain is cut, and when it is worth being one.
#pragma once

#include <cstdint>

#include "kernels/chain/chain.h"

namespace xinfer::kernels {

struct ChainTactic {
  std::int64_t tile_lines = 1;  ///< output lines of a tile
  int parts = 1;                ///< for threads
};

/// Bytes of an expanded image from which on a chain is worth it on this processor, unless AMX
/// multiplies.
double least_chained_bytes(int threads);

/// For a chain of which can_chain is true.
ChainTactic choose_chain_tactic(const Chain& chain, int threads);

}  // namespace xinfer::kernels
