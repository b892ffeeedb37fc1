#include "engine/engine_file.h"

#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/aligned_buffer.h"
#include "engine/format.h"
#include "engine/validate.h"

namespace xinfer::engine {

BlobWriter::BlobWriter(std::span<const std::byte> blobs)
    : bytes_(reinterpret_cast<const char*>(blobs.data()), blobs.size()) {}

fb::Blob BlobWriter::add(std::span<const std::byte> bytes) {
  const std::uint64_t hash = XXH3_64bits(bytes.data(), bytes.size());
  for (auto [it, end] = by_hash_.equal_range(hash); it != end; ++it) {
    const fb::Blob& known = it->second;
    if (known.size() == bytes.size() &&
        std::memcmp(bytes_.data() + known.offset(), bytes.data(), bytes.size()) == 0) {
      return known;
    }
  }
  const std::size_t offset = align_up(bytes_.size(), kBlobAlignment);
  bytes_.resize(offset);
  bytes_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const fb::Blob blob(offset, bytes.size());
  by_hash_.emplace(hash, blob);
  return blob;
}

std::string serialize(const fb::EngineT& engine, const BlobWriter& blobs) {
  flatbuffers::FlatBufferBuilder builder(1 << 16);
  builder.Finish(fb::Engine::Pack(builder, &engine));
  // Kernels may read up to kBufferMargin bytes behind the last weight.
  std::string blob_bytes = blobs.bytes();
  blob_bytes.resize(align_up(blob_bytes.size(), kBlobAlignment) + kBufferMargin);
  return make_frame(std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize())),
                    std::as_bytes(std::span(blob_bytes)));
}

const fb::Attachment* find_attachment(const EngineFile& file, const std::string& name) {
  if (file.engine().attachments() == nullptr) return nullptr;
  for (const fb::Attachment* attachment : *file.engine().attachments()) {
    if (attachment->name()->string_view() == name) return attachment;
  }
  return nullptr;
}

Result<std::string> attach(const EngineFile& file, const std::string& name,
                           std::span<const std::byte> content) {
  if (find_attachment(file, name) != nullptr) {
    return invalid_argument("{} has an attachment \"{}\" already", file.origin(), name);
  }
  const std::unique_ptr<fb::EngineT> engine(file.engine().UnPack());
  BlobWriter blobs(file.blobs());
  auto attachment = std::make_unique<fb::AttachmentT>();
  attachment->name = name;
  attachment->content = blobs.add(content);
  engine->attachments.push_back(std::move(attachment));
  return serialize(*engine, blobs);
}

Result<std::shared_ptr<const EngineFile>> EngineFile::load(const std::filesystem::path& path) {
  XINFER_ASSIGN_OR_RETURN(Bytes bytes, map_file(path));
  return open(std::move(bytes), path.string());
}

Result<std::shared_ptr<const EngineFile>> EngineFile::load(std::span<const std::byte> bytes,
                                                           const std::string& origin) {
  return open(copy_bytes(bytes), origin);
}

Result<std::shared_ptr<const EngineFile>> EngineFile::open(Bytes bytes, const std::string& origin) {
  XINFER_ASSIGN_OR_RETURN(const FileParts parts, open_frame(bytes.data, origin));
  flatbuffers::Verifier verifier(reinterpret_cast<const std::uint8_t*>(parts.metadata.data()),
                                 parts.metadata.size(), /*max_depth=*/64,
                                 /*max_tables=*/10'000'000);
  if (!verifier.VerifyBuffer<fb::Engine>(nullptr)) {
    return Status(ErrorCode::kIncompatibleEngine, origin + ": damaged: the metadata is malformed");
  }
  auto file = std::make_shared<EngineFile>();
  file->bytes_ = std::move(bytes);
  file->origin_ = origin;
  file->blobs_ = parts.blobs;
  file->engine_ = flatbuffers::GetRoot<fb::Engine>(parts.metadata.data());
  XINFER_RETURN_IF_ERROR(validate(*file->engine_, parts.blobs.size(), origin));
  return std::shared_ptr<const EngineFile>(std::move(file));
}

}  // namespace xinfer::engine
