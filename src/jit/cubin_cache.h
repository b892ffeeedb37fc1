// Compiled kernels kept on disk, so that the same source is compiled once.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/status.h"
#include "jit/nvrtc.h"

namespace xinfer::jit {

/// 32 hexadecimal digits over everything that determines a cubin: tokens of source and headers
/// (canonical_source.h), architecture, options and NVRTC's version.
std::string compilation_key(const Compilation& compilation, int nvrtc_version);

/// A folder of cubins named by their key, each preceded by its hash: a damaged file counts as
/// absent. Written under a temporary name and renamed, so any number of processes may share it.
class CubinCache {
 public:
  /// An empty path keeps nothing.
  explicit CubinCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// The cubin from the folder, if it is there, as that NVRTC version made it. Needs no NVRTC.
  std::optional<std::vector<std::byte>> find(const Compilation& compilation,
                                             int nvrtc_version) const;

  /// The cubin from the folder, or compiled and put there. A folder that cannot be written is no
  /// failure.
  Result<std::vector<std::byte>> get(const Compilation& compilation) const;

  /// Keeps a cubin that this version of NVRTC made; nothing happens where that is not possible.
  void put(const Compilation& compilation, int nvrtc_version,
           const std::vector<std::byte>& cubin) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace xinfer::jit
