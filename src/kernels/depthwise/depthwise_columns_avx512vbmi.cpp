// Column kernels for AVX-512 with VNNI and VBMI; depthwise_columns.h says what they compute.
//
// Registers: twelve vectors of unpacked pixels (three columns), the constants of 64 channels
// (eight) and the four sums of an output line. Weights are read from L1.
#include <immintrin.h>

#include "kernels/conv/accumulator_store_avx512.h"
#include "kernels/depthwise/depthwise_columns.h"

namespace xinfer::kernels {
namespace {

/// Four lines of one pixel of each lane, unpacked.
struct Column {
  __m512i quarters[4];
};

template <int kLanes>
inline __m512i load_lanes(const std::byte* const (&at)[kLanes]) {
  const auto bytes16 = [&](int lane) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at[lane]));
  };
  const auto bytes32 = [&](int lane) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at[lane]));
  };
  if constexpr (kLanes == 1) {
    return _mm512_loadu_si512(at[0]);
  } else if constexpr (kLanes == 2) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(bytes32(0)), bytes32(1), 1);
  } else {
    __m512i v = _mm512_castsi128_si512(bytes16(0));
    v = _mm512_inserti32x4(v, bytes16(1), 1);
    v = _mm512_inserti32x4(v, bytes16(2), 2);
    return _mm512_inserti32x4(v, bytes16(3), 3);
  }
}

/// Requantises, clamps, looks up and stores 64 sums.
template <int kLanes>
class Finish {
 public:
  Finish(const DepthwiseColumnCall& call, std::int64_t lane_pixels)
      : call_(call),
        lane_pixels_(lane_pixels),
        mask_(kLanes == 1 && call.block->channels == 64 ? ~0ull
                                                        : (1ull << call.block->channels) - 1),
        low_(_mm512_set1_epi8(call.low)),
        high_(_mm512_set1_epi8(call.high)) {
    for (int j = 0; j < 4; ++j) {
      multiplier_[j] = _mm512_loadu_ps(call.block->multiplier + 16 * j);
      bias_[j] = _mm512_loadu_ps(call.block->bias + 16 * j);
    }
  }

  void operator()(const __m512i (&sums)[4], std::byte* y, std::int64_t pixel) const {
    __m512i rounded[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      rounded[j] = _mm512_cvtps_epi32(
          _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[j]), multiplier_[j], bias_[j]));
    }
    // The packs undo the unpacking: 64 bytes in order.
    const __m512i words0 = _mm512_packs_epi32(rounded[0], rounded[1]);
    const __m512i words1 = _mm512_packs_epi32(rounded[2], rounded[3]);
    const __m512i bytes = call_.y_signed ? clamped<true>(_mm512_packs_epi16(words0, words1))
                                         : clamped<false>(_mm512_packus_epi16(words0, words1));
    store(call_.table == nullptr ? bytes : ByteTable(call_.table)(bytes), y, pixel);
  }

 private:
  template <bool kSigned>
  __m512i clamped(__m512i bytes) const {
    return call_.clamps ? clamp_bytes<kSigned>(bytes, low_, high_) : bytes;
  }

  void store(__m512i bytes, std::byte* y, std::int64_t pixel) const {
    std::byte* to = y + pixel * call_.y_pixel;
    if constexpr (kLanes == 1) {
      _mm512_mask_storeu_epi8(to, mask_, bytes);
    } else if constexpr (kLanes == 2) {
      const auto mask = static_cast<__mmask32>(mask_);
      _mm256_mask_storeu_epi8(to, mask, _mm512_castsi512_si256(bytes));
      if (pixel + lane_pixels_ < call_.out_w) {
        _mm256_mask_storeu_epi8(to + lane_pixels_ * call_.y_pixel, mask,
                                _mm512_extracti64x4_epi64(bytes, 1));
      }
    } else {
      const auto mask = static_cast<__mmask16>(mask_);
      const std::int64_t step = lane_pixels_ * call_.y_pixel;
      _mm_mask_storeu_epi8(to, mask, _mm512_castsi512_si128(bytes));
      if ((pixel += lane_pixels_) >= call_.out_w) return;
      _mm_mask_storeu_epi8(to + step, mask, _mm512_extracti32x4_epi32(bytes, 1));
      if ((pixel += lane_pixels_) >= call_.out_w) return;
      _mm_mask_storeu_epi8(to + 2 * step, mask, _mm512_extracti32x4_epi32(bytes, 2));
      if ((pixel += lane_pixels_) >= call_.out_w) return;
      _mm_mask_storeu_epi8(to + 3 * step, mask, _mm512_extracti32x4_epi32(bytes, 3));
    }
  }

  const DepthwiseColumnCall& call_;
  std::int64_t lane_pixels_;
  __mmask64 mask_;
  __m512i low_, high_;
  __m512 multiplier_[4], bias_[4];
};

/// Reads columns of input pixels: column c of lane l is pixel l * lane_step + c - pad_left.
template <int kLines, bool kSigned, int kLanes>
class Columns {
 public:
  Columns(const DepthwiseColumnCall& call, std::int64_t lane_step)
      : call_(call),
        lane_step_(lane_step),
        first_inside_(call.pad_left),
        end_inside_(call.in_w + call.pad_left - (kLanes - 1) * lane_step) {}

  Column operator()(std::int64_t c) const {
    __m512i v[4];
    if (c >= first_inside_ && c < end_inside_) [[likely]] {
      const std::int64_t at = (c - call_.pad_left) * call_.x_pixel;
#pragma GCC unroll 4
      for (int line = 0; line < kLines; ++line) {
        const std::byte* pixels[kLanes];
        for (int lane = 0; lane < kLanes; ++lane) {
          pixels[lane] = call_.lines[line] + at + lane * lane_step_ * call_.x_pixel;
        }
        v[line] = load_lanes<kLanes>(pixels);
      }
    } else {
      load_border(c, v);
    }
    if constexpr (kLines == 3) v[3] = v[0];  // its weights are zero
    return unpacked(v);
  }

 private:
  [[gnu::noinline]] void load_border(std::int64_t c, __m512i (&v)[4]) const {
    for (int line = 0; line < kLines; ++line) {
      const std::byte* pixels[kLanes];
      for (int lane = 0; lane < kLanes; ++lane) {
        const std::int64_t x = lane * lane_step_ + c - call_.pad_left;
        const bool inside = x >= 0 && x < call_.in_w;
        pixels[lane] = inside ? call_.lines[line] + x * call_.x_pixel : call_.zeros;
      }
      v[line] = load_lanes<kLanes>(pixels);
    }
  }

  static Column unpacked(__m512i (&v)[4]) {
    if constexpr (kSigned) {
      const __m512i shift = _mm512_set1_epi8(-128);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) v[i] = _mm512_xor_si512(v[i], shift);
    }
    const __m512i low01 = _mm512_unpacklo_epi8(v[0], v[1]);
    const __m512i high01 = _mm512_unpackhi_epi8(v[0], v[1]);
    const __m512i low23 = _mm512_unpacklo_epi8(v[2], v[3]);
    const __m512i high23 = _mm512_unpackhi_epi8(v[2], v[3]);
    return {{_mm512_unpacklo_epi16(low01, low23), _mm512_unpackhi_epi16(low01, low23),
             _mm512_unpacklo_epi16(high01, high23), _mm512_unpackhi_epi16(high01, high23)}};
  }

  const DepthwiseColumnCall& call_;
  std::int64_t lane_step_;
  std::int64_t first_inside_, end_inside_;
};

/// Sums of one output line at one pixel of each lane.
template <bool kSigned>
inline void add_columns(const DepthwiseColumnBlock& block, int line, int lines, const Column& c0,
                        const Column& c1, const Column& c2, __m512i (&sums)[4]) {
  const std::int8_t* w = block.weights + line * kColumnWeights;
  const std::int64_t next = lines * kColumnWeights;
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const auto weights = [&](int kx) { return _mm512_load_si512(w + kx * next + 64 * j); };
    __m512i sum = kSigned ? _mm512_load_si512(block.start + 16 * j) : _mm512_setzero_si512();
    sum = _mm512_dpbusd_epi32(sum, c0.quarters[j], weights(0));
    sum = _mm512_dpbusd_epi32(sum, c1.quarters[j], weights(1));
    sums[j] = _mm512_dpbusd_epi32(sum, c2.quarters[j], weights(2));
  }
}

/// kRows: output lines, 1 or 2. A test for the second inside the loop would cost a third.
template <bool kSigned, int kLanes, int kRows>
void compute_stride1(const DepthwiseColumnCall& call) {
  const std::int64_t pixels = (call.out_w + kLanes - 1) / kLanes;
  const Columns<4, kSigned, kLanes> column(call, pixels);
  const Finish<kLanes> finish(call, pixels);
  const auto compute = [&](std::int64_t pixel, const Column& c0, const Column& c1,
                           const Column& c2) {
#pragma GCC unroll 2
    for (int line = 0; line < kRows; ++line) {
      __m512i sums[4];
      add_columns<kSigned>(*call.block, line, 2, c0, c1, c2, sums);
      finish(sums, call.y[line], pixel);
    }
  };
  Column a = column(0), b = column(1), c;
  for (std::int64_t pixel = 0;;) {
    c = column(pixel + 2);
    compute(pixel, a, b, c);
    if (++pixel == pixels) break;
    a = column(pixel + 2);
    compute(pixel, b, c, a);
    if (++pixel == pixels) break;
    b = column(pixel + 2);
    compute(pixel, c, a, b);
    if (++pixel == pixels) break;
  }
}

template <bool kSigned, int kLanes>
void run_stride1(const DepthwiseColumnCall& call) {
  call.y[1] != nullptr ? compute_stride1<kSigned, kLanes, 2>(call)
                       : compute_stride1<kSigned, kLanes, 1>(call);
}

template <bool kSigned, int kLanes>
void run_stride2(const DepthwiseColumnCall& call) {
  const std::int64_t pixels = (call.out_w + kLanes - 1) / kLanes;
  const Columns<3, kSigned, kLanes> column(call, 2 * pixels);
  const Finish<kLanes> finish(call, pixels);
  Column first = column(0);
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
    const Column second = column(2 * pixel + 1);
    const Column third = column(2 * pixel + 2);
    __m512i sums[4];
    add_columns<kSigned>(*call.block, 0, 1, first, second, third, sums);
    finish(sums, call.y[0], pixel);
    first = third;
  }
}

template <bool kSigned, int kLanes>
DepthwiseColumnKernel kernel_of(int stride) {
  return stride == 1 ? run_stride1<kSigned, kLanes> : run_stride2<kSigned, kLanes>;
}

template <bool kSigned>
DepthwiseColumnKernel kernel_of(int stride, int lanes) {
  return lanes == 1   ? kernel_of<kSigned, 1>(stride)
         : lanes == 2 ? kernel_of<kSigned, 2>(stride)
                      : kernel_of<kSigned, 4>(stride);
}

}  // namespace

DepthwiseColumnKernel depthwise_column_kernel_avx512vbmi(int stride, bool x_signed, int lanes) {
  return x_signed ? kernel_of<true>(stride, lanes) : kernel_of<false>(stride, lanes);
}

}  // namespace xinfer::kernels
