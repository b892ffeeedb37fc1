// The inner loops of 8-bit resizing in plain C++, and the choice among the sets.
#include <algorithm>

#include "data/resample_passes.h"
#include "data/resample_weights.h"

namespace xinfer {
namespace {

constexpr std::int32_t kHalf = 1 << (kWeightBits - 1);

std::uint8_t to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
}

template <int kChannels>
void horizontal(const std::uint8_t* in, const PassWeights& weights, std::uint8_t* out) {
  const std::int32_t* w = weights.weights;
  for (int i = 0; i < weights.size; ++i, w += weights.taps, out += kChannels) {
    const std::uint8_t* pixel = in + kChannels * std::ptrdiff_t{weights.firsts[i]};
    std::int32_t sums[kChannels];
    std::fill_n(sums, kChannels, kHalf);
    for (int k = 0; k < weights.counts[i]; ++k, pixel += kChannels) {
      for (int c = 0; c < kChannels; ++c) sums[c] += pixel[c] * w[k];
    }
    for (int c = 0; c < kChannels; ++c) out[c] = to_byte(sums[c]);
  }
}

void vertical(const ColumnsOfRows& in, const std::int32_t* weights, int count, std::uint8_t* out) {
  for (std::size_t x = 0; x < in.bytes; ++x) {
    std::int32_t sum = kHalf;
    const std::uint8_t* pixel = in.first + x;
    for (int k = 0; k < count; ++k, pixel += in.stride) sum += *pixel * weights[k];
    out[x] = to_byte(sum);
  }
}

}  // namespace

const ResamplePasses kResamplePassesPortable = {horizontal<3>, horizontal<1>, vertical};

const ResamplePasses& resample_passes(CpuIsa isa) {
  return includes(isa, CpuIsa::kAvx2) ? kResamplePassesAvx2 : kResamplePassesPortable;
}

}  // namespace xinfer
