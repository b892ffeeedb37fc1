// Reading and writing .npy files.
#include "data/npy.h"

#include <array>

#include "core/file.h"
#include "data/file_bytes.h"

namespace xinfer {
namespace {

Result<Tensor> map_npy(const std::filesystem::path& path) {
  XINFER_ASSIGN_OR_RETURN(const std::shared_ptr<MappedFile> file, MappedFile::open(path));
  XINFER_ASSIGN_OR_RETURN(NpyHeader header, parse_npy_header(file->bytes()));
  std::byte* elements = file->bytes().data() + header.data_offset;
  if (header.data_offset % size_of(header.dtype) != 0) {
    return Tensor::view(header.dtype, std::move(header.shape), elements).clone();
  }
  // The tensor keeps the mapping alive.
  return Tensor::adopt(header.dtype, std::move(header.shape),
                       std::shared_ptr<void>(file, elements));
}

}  // namespace

Result<Tensor> read_npy(const std::filesystem::path& path) {
  Result<Tensor> tensor = map_npy(path);
  if (!tensor.ok()) return tensor.status().with_context(fmt::format("file \"{}\"", path.string()));
  return tensor;
}

Status write_npy(const std::filesystem::path& path, const Tensor& tensor) {
  Result<std::string> header = npy_header_text(tensor);
  if (!header.ok()) return header.status().with_context(fmt::format("file \"{}\"", path.string()));
  const std::array<std::span<const std::byte>, 2> parts = {
      std::as_bytes(std::span(*header)),
      std::span(static_cast<const std::byte*>(tensor.data()), tensor.size_bytes())};
  return write_file_atomically(path, parts);
}

}  // namespace xinfer
