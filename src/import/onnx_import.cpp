#include "import/onnx_import.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/logging.h>

#include <fstream>
#include <limits>

#include "import/importer.h"
#include "xinfer/core/error.h"

namespace xinfer {
namespace {

namespace fs = std::filesystem;

/// protobuf's own limit of a message.
constexpr std::size_t kMaxModelBytes = std::numeric_limits<int>::max();

Result<onnx::ModelProto> parse_model(std::span<const std::byte> bytes) {
  if (bytes.size() > kMaxModelBytes) {
    return unsupported(
        "the model has {} bytes; one ONNX file holds at most 2 GiB (larger weights go to external "
        "files)",
        bytes.size());
  }
  // protobuf would print what it thinks of a broken file.
  const google::protobuf::LogSilencer silence;
  onnx::ModelProto model;
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                                static_cast<int>(bytes.size()));
  if (!model.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage()) {
    return invalid_model("not an ONNX model: the bytes are truncated or damaged");
  }
  return model;
}

Result<ir::Graph> convert(const onnx::ModelProto& model, const fs::path& folder,
                          const ImportOptions& options, std::vector<std::string>* warnings) {
  std::vector<std::string> ignored;
  try {
    return import::import_model(model, folder, options, warnings ? *warnings : ignored);
  } catch (const Error& error) {  // tensors report exhausted memory by exception
    return Status(error.code(), error.what());
  }
}

Result<std::vector<std::byte>> read_file(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return io_error("no such file");
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) return io_error("{}", error.message());
  if (size > kMaxModelBytes) return unsupported("{} bytes; ONNX files have at most 2 GiB", size);
  std::vector<std::byte> bytes(size);
  std::ifstream stream(path, std::ios::binary);
  if (!stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size))) {
    return io_error("cannot be read");
  }
  return bytes;
}

/// The bytes are gone when the model is there: they are as large as its weights.
Result<onnx::ModelProto> parse_file(const fs::path& path) {
  XINFER_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, read_file(path));
  return parse_model(bytes);
}

}  // namespace

Result<ir::Graph> import_onnx(std::span<const std::byte> bytes, const ImportOptions& options,
                              std::vector<std::string>* warnings) {
  XINFER_ASSIGN_OR_RETURN(const onnx::ModelProto model, parse_model(bytes));
  return convert(model, {}, options, warnings);
}

Result<ir::Graph> import_onnx(const fs::path& path, const ImportOptions& options,
                              std::vector<std::string>* warnings) {
  const auto model = parse_file(path);
  if (!model.ok()) return model.status().with_context(path.string());
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  auto graph = convert(*model, folder, options, warnings);
  if (!graph.ok()) return graph.status().with_context(path.string());
  if (graph->name.empty()) graph->name = path.stem().string();
  return graph;
}

}  // namespace xinfer
