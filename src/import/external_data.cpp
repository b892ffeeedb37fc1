#include "import/external_data.h"

#include <algorithm>
#include <charconv>
#include <fstream>

namespace xinfer::import {
namespace {

namespace fs = std::filesystem;

struct Location {
  fs::path file;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;
};

Result<std::uint64_t> parse_number(const onnx::TensorProto& proto, const std::string& key,
                                   const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return invalid_model("tensor \"{}\": external {} \"{}\" is no number", proto.name(), key, text);
  }
  return value;
}

Result<Location> parse_location(const onnx::TensorProto& proto) {
  Location location;
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location") location.file = entry.value();
    if (entry.key() == "offset") {
      XINFER_ASSIGN_OR_RETURN(location.offset, parse_number(proto, "offset", entry.value()));
    }
    if (entry.key() == "length") {
      XINFER_ASSIGN_OR_RETURN(location.length, parse_number(proto, "length", entry.value()));
    }
  }
  if (location.file.empty()) {
    return invalid_model("tensor \"{}\" is external but names no file", proto.name());
  }
  return location;
}

bool lies_below(const fs::path& file, const fs::path& folder) {
  const auto [in_folder, in_file] =
      std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
  return in_folder == folder.end() && in_file != file.end();
}

/// The real path of the file, refused if it leaves the model's folder.
Result<fs::path> resolve(const onnx::TensorProto& proto, const fs::path& folder,
                         const fs::path& file) {
  std::error_code error;
  const fs::path root = fs::canonical(folder, error);
  if (error) return io_error("folder \"{}\": {}", folder.string(), error.message());
  const fs::path resolved = fs::canonical(root / file, error);
  if (file.is_absolute() || (!error && !lies_below(resolved, root))) {
    return invalid_model("tensor \"{}\": external file \"{}\" lies outside the model's folder",
                         proto.name(), file.string());
  }
  if (error || !fs::is_regular_file(resolved, error)) {
    return io_error("tensor \"{}\": external file \"{}\" is not there", proto.name(),
                    file.string());
  }
  return resolved;
}

}  // namespace

Result<std::string> read_external_data(const onnx::TensorProto& proto, const fs::path& folder,
                                       std::size_t size_bytes) {
  if (folder.empty()) {
    return unsupported(
        "tensor \"{}\" lies in a file beside the model; import the model by its path",
        proto.name());
  }
  XINFER_ASSIGN_OR_RETURN(const Location location, parse_location(proto));
  XINFER_ASSIGN_OR_RETURN(const fs::path path, resolve(proto, folder, location.file));
  if (location.length.value_or(size_bytes) != size_bytes) {
    return invalid_model("tensor \"{}\": external length is {}, its shape needs {} bytes",
                         proto.name(), *location.length, size_bytes);
  }
  std::error_code error;
  const std::uintmax_t file_size = fs::file_size(path, error);
  if (error || location.offset > file_size || file_size - location.offset < size_bytes) {
    return invalid_model("tensor \"{}\": external file \"{}\" ends before byte {} + {}",
                         proto.name(), location.file.string(), location.offset, size_bytes);
  }
  std::string bytes(size_bytes, '\0');
  std::ifstream stream(path, std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(location.offset));
  if (!stream.read(bytes.data(), static_cast<std::streamsize>(size_bytes))) {
    return io_error("tensor \"{}\": external file \"{}\" could not be read", proto.name(),
                    location.file.string());
  }
  return bytes;
}

}  // namespace xinfer::import
