// NumPy files.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "xinfer/core/tensor.h"

namespace xinfer {

/// The array of a .npy file (C order). Throws Error naming the file.
Tensor load_npy(const std::filesystem::path& path);
/// Writes a .npy file whole or not at all. Throws Error.
void save_npy(const std::filesystem::path& path, const Tensor& tensor);

/// The arrays of a .npz file with their names, in the file's order. Throws Error.
std::vector<std::pair<std::string, Tensor>> load_npz(const std::filesystem::path& path);
/// Writes a .npz file whole or not at all. Throws Error.
void save_npz(const std::filesystem::path& path,
              const std::vector<std::pair<std::string, Tensor>>& tensors);

}  // namespace xinfer
