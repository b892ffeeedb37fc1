// NumPy's array files: .npy (one array, format versions 1 to 3) and .npz (a zip of them).
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"
#include "xinfer/core/tensor.h"

namespace xinfer {

/// What the header of a .npy file says.
struct NpyHeader {
  DType dtype = DType::kFloat32;
  Shape shape;
  std::size_t data_offset = 0;  ///< Bytes before the first element.
};

/// Reads the header and checks that the elements fit into `bytes` exactly. Refused as unsupported:
/// big-endian, structured, string and object arrays, and Fortran order of two or more dimensions.
Result<NpyHeader> parse_npy_header(std::span<const std::byte> bytes);

/// The array of a .npy file, mapped into memory copy-on-write: pages are read as they are touched,
/// writing to the tensor never changes the file. Messages name the file.
Result<Tensor> read_npy(const std::filesystem::path& path);

/// Writes format version 1, C order, replacing the file at once. bfloat16 is unsupported by NumPy.
Status write_npy(const std::filesystem::path& path, const Tensor& tensor);

/// Arrays with their names, in the file's order.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// All arrays of a .npz file (stored or deflated members). A name is the member's without ".npy".
Result<NamedTensors> read_npz(const std::filesystem::path& path);

/// Writes stored (uncompressed) members, as numpy.savez does, replacing the file at once. Names
/// must differ from each other. At most 4 GiB a file.
Status write_npz(const std::filesystem::path& path, const NamedTensors& tensors);

/// The header of a tensor's .npy form, padded so that the data begins at a multiple of 64 bytes.
Result<std::string> npy_header_text(const Tensor& tensor);

}  // namespace xinfer
