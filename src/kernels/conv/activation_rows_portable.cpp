// Gathering by 16 bytes (SSE2 is part of x86-64).
#include <emmintrin.h>

#include "kernels/conv/activation_rows_loops.h"

namespace xinfer::kernels {
namespace {

struct Chunk16 {
  static constexpr int kBytes = 16;

  static __m128i load(const std::byte* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }
  static void store(std::byte* p, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }
  static void copy(const std::byte* from, std::byte* to) { store(to, load(from)); }
  static void shift(const std::byte* from, std::byte* to) {
    store(to, _mm_xor_si128(load(from), _mm_set1_epi8(-128)));
  }
  static void fill(std::uint8_t value, std::byte* to) {
    store(to, _mm_set1_epi8(static_cast<char>(value)));
  }
  template <bool kSigned>
  static void widen(const std::byte* from, std::byte* to) {
    const __m128i v = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
    const __m128i high = kSigned ? _mm_cmpgt_epi8(_mm_setzero_si128(), v) : _mm_setzero_si128();
    store(to, _mm_unpacklo_epi8(v, high));
  }
};

}  // namespace

void gather_rows_portable(const RowSource& source, std::int64_t group, std::int64_t first_pixel,
                          std::int64_t count, std::byte* rows, std::size_t stride_bytes) {
  gather_rows<Chunk16>(source, group, first_pixel, count, rows, stride_bytes);
}

}  // namespace xinfer::kernels
