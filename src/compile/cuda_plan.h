// A plan for a GPU from the fused graph: lowered, its kernels compiled, ready for the engine file.
#pragma once

#include <filesystem>
#include <memory>

#include "core/status.h"
#include "engine/engine_file.h"
#include "ir/graph.h"
#include "lower/cuda/cuda_target.h"
#include "lower/cuda/lower_cuda.h"
#include "lower/lower.h"
#include "xinfer/builders/engine_builder.h"

namespace xinfer::compile {

struct CudaBuild {
  lower::CudaTarget target;
  std::filesystem::path cubin_folder;  ///< compiled kernels are kept there; empty: nowhere
  int threads = 0;                     ///< that compile kernels; 0: all processors
  bool tuning = true;                  ///< false: the cost model alone chooses
  int tune_on = -1;                    ///< GPU to time candidates on; below 0: no timing
  std::filesystem::path timing_cache;  ///< read and, after timing, written; empty: none
  builders::ProgressCallback progress;
  lower::NodePrecisions precisions;  ///< which float layers are FP16; empty: none
};

/// Appends packed weights and cubins to `blobs`. Each launch and batch point gets the kernel that
/// the timing cache or timing found fastest, else the one that the cost model expects to be.
Result<std::unique_ptr<engine::fb::PlanT>> make_cuda_plan(const ir::Graph& graph,
                                                          const lower::SymbolRanges& symbols,
                                                          const CudaBuild& build,
                                                          engine::BlobWriter& blobs);

/// Where compiled kernels are kept between builds: xinfer/kernels in the user's cache folder
/// (XDG base directories); empty if there is none.
std::filesystem::path default_cubin_folder();

}  // namespace xinfer::compile
