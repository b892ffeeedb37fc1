// CUDA source to cubin by NVRTC, which is opened at run time and needs no GPU.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace xinfer::jit {

/// A header that the source includes by name.
struct NamedSource {
  std::string_view name;
  std::string_view text;
  std::string_view canonical = {};  ///< canonical_source of the text where it is known already
};

struct Compilation {
  std::string name;                  ///< appears in messages, for example "conv_mma"
  std::string source;                ///< CUDA C++
  std::vector<NamedSource> headers;  ///< what `#include "..."` finds; nothing else is searched
  std::string architecture;          ///< "sm_80", "sm_90a", …
  std::vector<std::string> options;  ///< beyond those of `standard_options`
};

/// Options of every kernel: C++17, no contraction of a*b+c (docs/numerics.md), IEEE division.
std::span<const char* const> standard_options();

/// Folders in which to look for NVRTC before the usual places (wheels, toolkit, library path).
/// Takes effect until NVRTC is first used.
void add_nvrtc_folder(const std::filesystem::path& folder);

/// 1000 * major + 10 * minor of NVRTC, for example 13000: the least CUDA version that the driver
/// must support to load the cubins. Fails with unsupported if NVRTC is absent, saying how to get
/// it.
Result<int> nvrtc_version();

/// Architectures that this NVRTC compiles for and xinfer has kernels for.
bool is_known_architecture(std::string_view architecture);

/// Compiles. A failure carries NVRTC's log. Thread-safe.
Result<std::vector<std::byte>> compile_to_cubin(const Compilation& compilation);

}  // namespace xinfer::jit
