// Writing zip archives of stored members, without ZIP64.
#include <zlib.h>

#include "data/zip.h"

namespace xinfer {
namespace {

constexpr std::uint64_t kMaxArchiveBytes = 0xFFFFFFFE;
constexpr std::uint16_t kVersion = 20;        // Deflate and folders; all that stored members need.
constexpr std::uint16_t kUtf8Names = 0x0800;  // General purpose flag.
constexpr std::uint16_t kFirstDate = 0x0021;  // 1 January 1980: the same arrays, the same bytes.

/// Appends integers little-endian.
class Record {
 public:
  Record& u16(std::uint64_t value) { return append(value, 2); }
  Record& u32(std::uint64_t value) { return append(value, 4); }
  std::string text() const { return text_; }

 private:
  Record& append(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) text_ += static_cast<char>(value >> (8 * i) & 0xFF);
    return *this;
  }
  std::string text_;
};

}  // namespace

Result<std::string> ZipWriter::add(const std::string& name,
                                   std::span<const std::span<const std::byte>> parts) {
  std::uint64_t size = 0;
  unsigned long crc = 0;
  for (const std::span<const std::byte> part : parts) {
    size += part.size();
    crc = crc32_z(crc, reinterpret_cast<const Bytef*>(part.data()), part.size());
  }
  if (name.size() > 0xFFFF || count_ == 0xFFFF) {
    return unsupported("zip member \"{}\": a name of {} bytes as member {}; at most 65535 of both",
                       name, name.size(), count_ + 1);
  }
  // What both headers share.
  Record common;
  common.u16(kVersion).u16(kUtf8Names).u16(0).u16(0).u16(kFirstDate);
  common.u32(crc).u32(size).u32(size).u16(name.size()).u16(0);
  const std::string local = Record().u32(0x04034b50).text() + common.text() + name;
  const std::string entry = Record().u32(0x02014b50).u16(kVersion).text() + common.text() +
                            Record().u16(0).u16(0).u16(0).u32(0).u32(offset_).text() + name;
  const std::uint64_t end = offset_ + local.size() + size;
  if (size > kMaxArchiveBytes || end + directory_.size() + entry.size() > kMaxArchiveBytes) {
    return unsupported("zip member \"{}\" would make the archive larger than 4 GiB", name);
  }
  offset_ = end;
  directory_ += entry;
  ++count_;
  return local;
}

std::string ZipWriter::finish() const {
  Record end;
  end.u32(0x06054b50).u16(0).u16(0).u16(count_).u16(count_);
  end.u32(directory_.size()).u32(offset_).u16(0);
  return directory_ + end.text();
}

}  // namespace xinfer
