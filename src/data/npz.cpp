// Reading and writing .npz files: zip archives of .npy members.
#include <algorithm>
#include <array>
#include <cstring>

#include "core/file.h"
#include "data/file_bytes.h"
#include "data/npy.h"
#include "data/zip.h"

namespace xinfer {
namespace {

constexpr std::string_view kSuffix = ".npy";

Result<Tensor> tensor_from_bytes(std::span<const std::byte> bytes) {
  XINFER_ASSIGN_OR_RETURN(NpyHeader header, parse_npy_header(bytes));
  Tensor tensor(header.dtype, std::move(header.shape));
  if (tensor.size_bytes() > 0) {
    std::memcpy(tensor.data(), bytes.data() + header.data_offset, tensor.size_bytes());
  }
  return tensor;
}

Result<NamedTensors> read_members(const std::filesystem::path& path) {
  XINFER_ASSIGN_OR_RETURN(const std::shared_ptr<MappedFile> file, MappedFile::open(path));
  XINFER_ASSIGN_OR_RETURN(const std::vector<ZipMember> members, list_zip(file->bytes()));
  NamedTensors tensors;
  for (const ZipMember& member : members) {
    if (!member.name.ends_with(kSuffix)) {
      return unsupported("member \"{}\" is no .npy array", member.name);
    }
    XINFER_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, extract_zip(file->bytes(), member));
    Result<Tensor> tensor = tensor_from_bytes(bytes);
    if (!tensor.ok()) {
      return tensor.status().with_context(fmt::format("member \"{}\"", member.name));
    }
    tensors.emplace_back(member.name.substr(0, member.name.size() - kSuffix.size()),
                         *std::move(tensor));
  }
  return tensors;
}

Status write_members(const std::filesystem::path& path, const NamedTensors& tensors) {
  ZipWriter zip;
  std::vector<std::string> texts;
  texts.reserve(2 * tensors.size() + 1);  // Spans into them must stay valid.
  std::vector<std::span<const std::byte>> parts;
  for (const auto& [name, tensor] : tensors) {
    XINFER_ASSIGN_OR_RETURN(std::string header, npy_header_text(tensor));
    texts.push_back(std::move(header));
    const std::array<std::span<const std::byte>, 2> content = {
        std::as_bytes(std::span(texts.back())),
        std::span(static_cast<const std::byte*>(tensor.data()), tensor.size_bytes())};
    XINFER_ASSIGN_OR_RETURN(std::string local, zip.add(name + std::string(kSuffix), content));
    texts.push_back(std::move(local));
    parts.push_back(std::as_bytes(std::span(texts.back())));
    parts.insert(parts.end(), content.begin(), content.end());
  }
  texts.push_back(zip.finish());
  parts.push_back(std::as_bytes(std::span(texts.back())));
  return write_file_atomically(path, parts);
}

Status check_names(const NamedTensors& tensors) {
  std::vector<std::string_view> names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return {};
  return invalid_argument("two arrays are named \"{}\"", *twice);
}

}  // namespace

Result<NamedTensors> read_npz(const std::filesystem::path& path) {
  Result<NamedTensors> tensors = read_members(path);
  if (!tensors.ok()) {
    return tensors.status().with_context(fmt::format("file \"{}\"", path.string()));
  }
  return tensors;
}

Status write_npz(const std::filesystem::path& path, const NamedTensors& tensors) {
  Status status = check_names(tensors);
  if (status.ok()) return write_members(path, tensors);
  return std::move(status).with_context(fmt::format("file \"{}\"", path.string()));
}

}  // namespace xinfer
