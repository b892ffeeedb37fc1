#include "jit/cubin_cache.h"

#include <unistd.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "jit/canonical_source.h"

namespace xinfer::jit {
namespace {

namespace fs = std::filesystem;

// Bytes in front of a cubin: its XXH3-64.
constexpr std::size_t kPrefixBytes = sizeof(XXH64_hash_t);

// Lengths first, so that no two lists of texts feed the same bytes.
void feed(XXH3_state_t* state, std::string_view text) {
  const std::uint64_t size = text.size();
  XXH3_128bits_update(state, &size, sizeof(size));
  XXH3_128bits_update(state, text.data(), text.size());
}

}  // namespace

std::string compilation_key(const Compilation& compilation, int nvrtc_version) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  feed(&state, canonical_source(compilation.source));
  feed(&state, compilation.architecture);
  for (const NamedSource& header : compilation.headers) {
    feed(&state, header.name);
    if (header.canonical.empty()) {
      feed(&state, canonical_source(header.text));
    } else {
      feed(&state, header.canonical);
    }
  }
  for (const char* option : standard_options()) feed(&state, option);
  for (const std::string& option : compilation.options) feed(&state, option);
  feed(&state, std::to_string(nvrtc_version));
  const XXH128_hash_t hash = XXH3_128bits_digest(&state);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::optional<std::vector<std::byte>> CubinCache::find(const Compilation& compilation,
                                                       int nvrtc_version) const {
  const std::string key = compilation_key(compilation, nvrtc_version);
  std::ifstream file(folder_ / (key + ".cubin"), std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.size() <= kPrefixBytes) return std::nullopt;
  XXH64_hash_t expected = 0;
  std::memcpy(&expected, bytes.data(), kPrefixBytes);
  const std::size_t size = bytes.size() - kPrefixBytes;
  if (XXH3_64bits(bytes.data() + kPrefixBytes, size) != expected) return std::nullopt;
  std::vector<std::byte> cubin(size);
  std::memcpy(cubin.data(), bytes.data() + kPrefixBytes, size);
  return cubin;
}

void CubinCache::put(const Compilation& compilation, int nvrtc_version,
                     const std::vector<std::byte>& cubin) const {
  const std::string key = compilation_key(compilation, nvrtc_version);
  std::error_code error;
  fs::create_directories(folder_, error);
  static std::atomic<int> counter{0};
  const fs::path temporary = folder_ / fmt::format("{}.{}.{}", key, getpid(), counter++);
  const XXH64_hash_t hash = XXH3_64bits(cubin.data(), cubin.size());
  {
    std::ofstream file(temporary, std::ios::binary);
    file.write(reinterpret_cast<const char*>(&hash), kPrefixBytes);
    file.write(reinterpret_cast<const char*>(cubin.data()),
               static_cast<std::streamsize>(cubin.size()));
    if (!file) {
      fs::remove(temporary, error);
      return;
    }
  }
  fs::rename(temporary, folder_ / (key + ".cubin"), error);
}

Result<std::vector<std::byte>> CubinCache::get(const Compilation& compilation) const {
  if (folder_.empty()) return compile_to_cubin(compilation);
  XINFER_ASSIGN_OR_RETURN(const int version, nvrtc_version());
  if (std::optional<std::vector<std::byte>> cached = find(compilation, version)) return *cached;
  XINFER_ASSIGN_OR_RETURN(std::vector<std::byte> cubin, compile_to_cubin(compilation));
  put(compilation, version, cubin);
  return cubin;
}

}  // namespace xinfer::jit
