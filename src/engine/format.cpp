#include "engine/format.h"

#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/aligned_buffer.h"

namespace xinfer::engine {
namespace {

constexpr char kMagic[8] = {'X', 'I', 'N', 'F', 'E', 'R', '\r', '\n'};

std::uint64_t hash_of(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::uint64_t header_hash(const FileHeader& header) {
  return XXH3_64bits(&header, offsetof(FileHeader, header_hash));
}

Status incompatible(const std::string& origin, const std::string& what) {
  return Status(ErrorCode::kIncompatibleEngine, origin + ": " + what);
}

bool inside(std::uint64_t offset, std::uint64_t size, std::uint64_t file_bytes) {
  return offset % kBlobAlignment == 0 && offset <= file_bytes && size <= file_bytes - offset;
}

/// Alignment gaps are no hiding place: every byte that no hash covers is zero.
bool gaps_are_zero(std::span<const std::byte> file, const FileHeader& header) {
  const auto is_zero = [&](std::uint64_t begin, std::uint64_t end) {
    for (std::uint64_t i = begin; i < end; ++i) {
      if (file[i] != std::byte{0}) return false;
    }
    return begin <= end;
  };
  return is_zero(sizeof(header), header.metadata_offset) &&
         is_zero(header.metadata_offset + header.metadata_bytes, header.blobs_offset) &&
         header.blobs_offset + header.blobs_bytes == file.size();
}

}  // namespace

Result<FileParts> open_frame(std::span<const std::byte> file, const std::string& origin) {
  FileHeader header;
  if (file.size() < sizeof(header.magic) || std::memcmp(file.data(), kMagic, sizeof(kMagic)) != 0) {
    return incompatible(origin, "not an xinfer engine file");
  }
  if (file.size() < sizeof(header)) {
    return incompatible(origin,
                        fmt::format("truncated: {} bytes are no whole header", file.size()));
  }
  std::memcpy(&header, file.data(), sizeof(header));
  if (header.format_version != kFormatVersion) {
    return incompatible(
        origin, fmt::format("engine format {}; this xinfer reads format {}: build the engine again",
                            header.format_version, kFormatVersion));
  }
  if (header.header_hash != header_hash(header) || header.header_bytes != sizeof(header)) {
    return incompatible(origin, "damaged: the header does not match its hash");
  }
  if (header.file_bytes != file.size()) {
    return incompatible(origin, fmt::format("truncated or overlong: {} bytes, the header says {}",
                                            file.size(), header.file_bytes));
  }
  if (!inside(header.metadata_offset, header.metadata_bytes, file.size()) ||
      !inside(header.blobs_offset, header.blobs_bytes, file.size())) {
    return incompatible(origin, "damaged: a section lies outside the file");
  }
  if (!gaps_are_zero(file, header)) {
    return incompatible(origin, "damaged: stray bytes between the sections");
  }
  FileParts parts;
  parts.metadata = file.subspan(header.metadata_offset, header.metadata_bytes);
  parts.blobs = file.subspan(header.blobs_offset, header.blobs_bytes);
  if (hash_of(parts.metadata) != header.metadata_hash) {
    return incompatible(origin, "damaged: the metadata does not match its hash");
  }
  if (hash_of(parts.blobs) != header.blobs_hash) {
    return incompatible(origin, "damaged: the weights do not match their hash");
  }
  return parts;
}

std::string make_frame(std::span<const std::byte> metadata, std::span<const std::byte> blobs) {
  FileHeader header = {};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.format_version = kFormatVersion;
  header.header_bytes = sizeof(header);
  header.metadata_offset = align_up(sizeof(header), kBlobAlignment);
  header.metadata_bytes = metadata.size();
  header.metadata_hash = hash_of(metadata);
  header.blobs_offset = align_up(header.metadata_offset + metadata.size(), kBlobAlignment);
  header.blobs_bytes = blobs.size();
  header.blobs_hash = hash_of(blobs);
  header.file_bytes = header.blobs_offset + blobs.size();
  header.header_hash = header_hash(header);

  std::string file(header.file_bytes, '\0');
  std::memcpy(file.data(), &header, sizeof(header));
  if (!metadata.empty()) {
    std::memcpy(file.data() + header.metadata_offset, metadata.data(), metadata.size());
  }
  if (!blobs.empty()) std::memcpy(file.data() + header.blobs_offset, blobs.data(), blobs.size());
  return file;
}

}  // namespace xinfer::engine
