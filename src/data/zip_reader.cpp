// Reading zip archives: the end record, the central directory, the members.
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "data/zip.h"

namespace xinfer {
namespace {

constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kEnd64Signature = 0x06064b50;
constexpr std::uint32_t kLocator64Signature = 0x07064b50;
constexpr std::uint32_t kEntrySignature = 0x02014b50;
constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kLocator64Bytes = 20;
constexpr std::size_t kEnd64Bytes = 56;
constexpr std::size_t kEntryBytes = 46;
constexpr std::size_t kLocalBytes = 30;
constexpr std::size_t kMaxCommentBytes = 65535;
// Deflate's best case is 1032:1; a member that claims more lies about its size.
constexpr std::uint64_t kMaxDeflateRatio = 1032;

using Bytes = std::span<const std::byte>;

/// Little-endian integer of `size` bytes; the caller has checked that they are there.
std::uint64_t load(Bytes bytes, std::size_t offset, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value |= std::to_integer<std::uint64_t>(bytes[offset + i]) << (8 * i);
  }
  return value;
}

/// True where [offset, offset + size) lies within `bytes`.
bool holds(Bytes bytes, std::uint64_t offset, std::uint64_t size) {
  return offset <= bytes.size() && size <= bytes.size() - offset;
}

struct Directory {
  std::uint64_t offset = 0;
  std::uint64_t count = 0;
};

/// The ZIP64 end record, if a locator stands before the end record at `end`.
Result<Directory> read_end64(Bytes archive, std::size_t end, Directory directory) {
  if (end < kLocator64Bytes) return directory;
  const std::size_t locator = end - kLocator64Bytes;
  if (load(archive, locator, 4) != kLocator64Signature) return directory;
  const std::uint64_t record = load(archive, locator + 8, 8);
  if (!holds(archive, record, kEnd64Bytes) || load(archive, record, 4) != kEnd64Signature) {
    return io_error("damaged zip archive: the ZIP64 end record is missing");
  }
  return Directory{load(archive, record + 48, 8), load(archive, record + 32, 8)};
}

Result<Directory> find_directory(Bytes archive) {
  if (archive.size() < kEndBytes) return io_error("not a zip archive");
  const std::size_t last = archive.size() - kEndBytes;
  const std::size_t first = last > kMaxCommentBytes ? last - kMaxCommentBytes : 0;
  for (std::size_t end = last + 1; end-- > first;) {
    if (load(archive, end, 4) != kEndSignature) continue;
    return read_end64(archive, end, {load(archive, end + 16, 4), load(archive, end + 10, 2)});
  }
  return io_error("not a zip archive, or cut off: its end record is missing");
}

/// Replaces the fields that say "see ZIP64" by those of the ZIP64 extra field.
Status apply_zip64(Bytes extra, ZipMember* member) {
  while (extra.size() >= 4) {
    const std::uint64_t size = load(extra, 2, 2);
    if (!holds(extra, 4, size)) break;
    if (load(extra, 0, 2) == 1) {
      Bytes values = extra.subspan(4, size);
      for (std::uint64_t* field :
           {&member->unpacked_bytes, &member->packed_bytes, &member->header_offset}) {
        if (*field != 0xFFFFFFFF) continue;
        if (values.size() < 8) return io_error("damaged zip archive: short ZIP64 field");
        *field = load(values, 0, 8);
        values = values.subspan(8);
      }
    }
    extra = extra.subspan(4 + size);
  }
  return {};
}

/// The entry at `*offset`, which moves behind it.
Result<ZipMember> read_entry(Bytes archive, std::uint64_t* offset) {
  if (!holds(archive, *offset, kEntryBytes) || load(archive, *offset, 4) != kEntrySignature) {
    return io_error("damaged zip archive: its directory is cut off");
  }
  const Bytes entry = archive.subspan(*offset);
  const std::uint64_t name_bytes = load(entry, 28, 2);
  const std::uint64_t extra_bytes = load(entry, 30, 2);
  const std::uint64_t size = kEntryBytes + name_bytes + extra_bytes + load(entry, 32, 2);
  if (!holds(entry, 0, size)) return io_error("damaged zip archive: its directory is cut off");
  ZipMember member;
  member.name.assign(reinterpret_cast<const char*>(entry.data()) + kEntryBytes, name_bytes);
  if ((load(entry, 8, 2) & 1) != 0) return unsupported("member \"{}\" is encrypted", member.name);
  const std::uint64_t method = load(entry, 10, 2);
  if (method != 0 && method != 8) {
    return unsupported("member \"{}\" is packed by method {}; supported: stored, deflated",
                       member.name, method);
  }
  member.deflated = method == 8;
  member.crc32 = static_cast<std::uint32_t>(load(entry, 16, 4));
  member.packed_bytes = load(entry, 20, 4);
  member.unpacked_bytes = load(entry, 24, 4);
  member.header_offset = load(entry, 42, 4);
  XINFER_RETURN_IF_ERROR(
      apply_zip64(entry.subspan(kEntryBytes + name_bytes, extra_bytes), &member));
  *offset += size;
  return member;
}

/// The packed bytes of a member.
Result<Bytes> packed_bytes(Bytes archive, const ZipMember& member) {
  const std::uint64_t offset = member.header_offset;
  if (!holds(archive, offset, kLocalBytes) || load(archive, offset, 4) != kLocalSignature) {
    return io_error("damaged zip archive: member \"{}\" has no header", member.name);
  }
  const std::uint64_t begin =
      offset + kLocalBytes + load(archive, offset + 26, 2) + load(archive, offset + 28, 2);
  if (!holds(archive, begin, member.packed_bytes)) {
    return io_error("damaged zip archive: member \"{}\" is cut off", member.name);
  }
  return archive.subspan(begin, member.packed_bytes);
}

/// zlib counts in 32 bits: the next piece of `size` bytes.
unsigned int next_piece(std::size_t size) {
  return static_cast<unsigned int>(
      std::min<std::size_t>(size, std::numeric_limits<unsigned int>::max()));
}

/// Raw deflate; true if the stream ends exactly with `out` full.
bool inflate_all(Bytes in, std::span<std::byte> out) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  int result = Z_OK;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  std::size_t in_left = in.size();
  std::size_t out_left = out.size();
  while (result == Z_OK) {
    const unsigned int in_piece = next_piece(in_left);
    const unsigned int out_piece = next_piece(out_left);
    stream.avail_in = in_piece;
    stream.avail_out = out_piece;
    result = inflate(&stream, Z_NO_FLUSH);
    in_left -= in_piece - stream.avail_in;
    out_left -= out_piece - stream.avail_out;
  }
  inflateEnd(&stream);
  return result == Z_STREAM_END && out_left == 0;
}

std::uint32_t checksum(Bytes bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

Result<std::vector<ZipMember>> list_zip(Bytes archive) {
  XINFER_ASSIGN_OR_RETURN(const Directory directory, find_directory(archive));
  std::vector<ZipMember> members;
  std::uint64_t offset = directory.offset;
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    XINFER_ASSIGN_OR_RETURN(ZipMember member, read_entry(archive, &offset));
    members.push_back(std::move(member));
  }
  return members;
}

Result<std::vector<std::byte>> extract_zip(Bytes archive, const ZipMember& member) {
  XINFER_ASSIGN_OR_RETURN(const Bytes packed, packed_bytes(archive, member));
  const bool plausible = member.deflated ? member.unpacked_bytes / kMaxDeflateRatio <= packed.size()
                                         : member.unpacked_bytes == packed.size();
  if (!plausible) {
    return io_error("damaged zip archive: member \"{}\" claims {} bytes from {}", member.name,
                    member.unpacked_bytes, packed.size());
  }
  std::vector<std::byte> bytes(member.unpacked_bytes);
  if (!member.deflated) {
    std::copy(packed.begin(), packed.end(), bytes.begin());
  } else if (!inflate_all(packed, bytes)) {
    return io_error("damaged zip archive: member \"{}\" does not unpack", member.name);
  }
  if (checksum(bytes) != member.crc32) {
    return io_error("damaged zip archive: member \"{}\" has a wrong checksum", member.name);
  }
  return bytes;
}

}  // namespace xinfer
