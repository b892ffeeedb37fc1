// Gathering by 32 bytes. AVX-512 machines use it too: short runs are common, and 64-byte stores at
// odd addresses cross a cache line each.
#include <immintrin.h>

#include "kernels/conv/activation_rows_loops.h"

namespace xinfer::kernels {
namespace {

struct Chunk32 {
  static constexpr int kBytes = 32;

  static __m256i load(const std::byte* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static void store(std::byte* p, __m256i v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
  }
  static void copy(const std::byte* from, std::byte* to) { store(to, load(from)); }
  static void shift(const std::byte* from, std::byte* to) {
    store(to, _mm256_xor_si256(load(from), _mm256_set1_epi8(-128)));
  }
  static void fill(std::uint8_t value, std::byte* to) {
    store(to, _mm256_set1_epi8(static_cast<char>(value)));
  }
  template <bool kSigned>
  static void widen(const std::byte* from, std::byte* to) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    store(to, kSigned ? _mm256_cvtepi8_epi16(v) : _mm256_cvtepu8_epi16(v));
  }
};

}  // namespace

void gather_rows_avx2(const RowSource& source, std::int64_t group, std::int64_t first_pixel,
                      std::int64_t count, std::byte* rows, std::size_t stride_bytes) {
  gather_rows<Chunk32>(source, group, first_pixel, count, rows, stride_bytes);
}

}  // namespace xinfer::kernels
