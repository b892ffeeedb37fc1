// An engine as a file: plan and weights in, bytes out, and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "core/status.h"
#include "engine/engine_generated.h"
#include "engine/mapped_file.h"

namespace xinfer::engine {

/// CudaVariant.kernel where there is nothing to launch.
inline constexpr std::uint32_t kNoKernel = 0xFFFFFFFF;

/// Collects weights, tables and cubins for the blob section; equal bytes are stored once.
class BlobWriter {
 public:
  BlobWriter() = default;
  /// Goes on behind the blobs of an engine, which keep their places.
  explicit BlobWriter(std::span<const std::byte> blobs);
  /// Appends `bytes` at the next aligned offset, or finds them.
  fb::Blob add(std::span<const std::byte> bytes);
  template <typename T>
  fb::Blob add(std::span<const T> values) {
    return add(std::as_bytes(values));
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  std::multimap<std::uint64_t, fb::Blob> by_hash_;
};

/// The whole file. Deterministic: equal metadata and blobs give equal bytes.
std::string serialize(const fb::EngineT& engine, const BlobWriter& blobs);

/// A loaded, verified engine; immutable and shared between threads. Weights are used where they lie
/// in the file's mapping.
class EngineFile {
 public:
  static Result<std::shared_ptr<const EngineFile>> load(const std::filesystem::path& path);
  /// Keeps a copy of `bytes`, which may have any alignment.
  static Result<std::shared_ptr<const EngineFile>> load(std::span<const std::byte> bytes,
                                                        const std::string& origin = "engine");

  const fb::Engine& engine() const { return *engine_; }
  std::span<const std::byte> blobs() const { return blobs_; }
  /// The whole file as it was loaded.
  std::span<const std::byte> bytes() const { return bytes_.data; }
  const std::string& origin() const { return origin_; }

  /// A blob's bytes; its range has been checked at load.
  const std::byte* blob(const fb::Blob& blob) const { return blobs_.data() + blob.offset(); }

 private:
  static Result<std::shared_ptr<const EngineFile>> open(Bytes bytes, const std::string& origin);

  Bytes bytes_;
  std::string origin_;
  std::span<const std::byte> blobs_;
  const fb::Engine* engine_ = nullptr;
};

/// The attachment of that name, or null.
const fb::Attachment* find_attachment(const EngineFile& file, const std::string& name);

/// The bytes of `file` with `content` attached under a name that no attachment of it has.
Result<std::string> attach(const EngineFile& file, const std::string& name,
                           std::span<const std::byte> content);

}  // namespace xinfer::engine
