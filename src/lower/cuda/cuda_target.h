// The GPU that a plan is lowered for; it need not be there.
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"

namespace xinfer::lower {

/// Which tensor core instructions convolutions and products use.
enum class CudaBackend { kAuto, kMma, kWgmma };

struct CudaTarget {
  std::string architecture;  ///< "sm_90a"
  int capability = 80;       ///< 10 * major + minor
  int multiprocessors = 108;
  bool use_wgmma = false;
  int most_candidates = 1;  ///< kernels offered for each layer and batch point

  std::string name() const { return "cuda:" + architecture; }
};

/// The target of an architecture, with the multiprocessors of its usual data centre card unless
/// `multiprocessors` says better. Fails, naming the known ones, for other architectures, and for
/// kWgmma anywhere but on sm_90a.
Result<CudaTarget> make_cuda_target(std::string_view architecture, CudaBackend backend,
                                    int multiprocessors = 0);

/// "sm_90a" for 90: what to build for on a device of that compute capability.
std::string architecture_of(int capability);

/// Reads "auto", "mma" or "wgmma".
Result<CudaBackend> parse_cuda_backend(std::string_view text);

}  // namespace xinfer::lower
