#include "quant/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "core/cpu_isa.h"
#include "quant/histogram_scan.h"

namespace xinfer::quant {
namespace {

constexpr int kExponentShift = 23;
constexpr std::uint32_t kSignBit = 0x80000000u;
constexpr std::uint32_t kInfinityBits = 0x7f800000u;
constexpr std::uint32_t kRecentLimit = UINT32_MAX;

static_assert(Histogram::kBinsPerOctave == 1u << (kExponentShift - scan::kShift));
static_assert(Histogram::kBinsPerOctave * Histogram::kOctaves == scan::kRingMask + 1);

scan::ScanFunction best_scan() {
  if (supports(CpuIsa::kAvx512Vnni)) return scan::scan_avx512;
  if (supports(CpuIsa::kAvx2)) return scan::scan_avx2;
  return scan::scan_portable;
}

/// Any -0 becomes +0, so that the extrema do not depend on which zero came first.
float without_negative_zero(float x) { return x == 0.0f ? 0.0f : x; }

struct Extrema {
  float min;
  float max;
};

/// Of a scanned, non-empty block without NaN.
Extrema extrema_of(const scan::Block& block) {
  const bool any_negative = (block.largest_unsigned & kSignBit) != 0;
  const bool any_positive = block.largest_signed >= 0;
  // Among negative patterns the largest is the value farthest from zero, the smallest the nearest.
  const std::uint32_t low = any_negative ? block.largest_unsigned : block.smallest_unsigned;
  const std::uint32_t high =
      any_positive ? static_cast<std::uint32_t>(block.largest_signed) : block.smallest_unsigned;
  return {without_negative_zero(std::bit_cast<float>(low)),
          without_negative_zero(std::bit_cast<float>(high))};
}

bool holds_non_finite(const scan::Block& block) {
  const bool negative = (block.largest_unsigned & ~kSignBit) >= kInfinityBits &&
                        (block.largest_unsigned & kSignBit) != 0;
  const bool positive = block.largest_signed >= static_cast<std::int32_t>(kInfinityBits);
  return negative || positive;
}

std::int32_t octave_of(float magnitude) {
  return static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(magnitude) >> kExponentShift);
}

}  // namespace

struct Histogram::Slices {
  std::int64_t first_sample;
  std::int64_t samples;
  std::size_t size;

  std::int64_t sample_of(std::size_t index) const {
    return first_sample +
           static_cast<std::int64_t>(static_cast<double>(index) * static_cast<double>(samples) /
                                     static_cast<double>(size));
  }
};

void Histogram::observe(std::span<const float> values, std::int64_t first_sample,
                        std::int64_t samples) {
  if (recent_.empty()) recent_.resize(kRing);
  const Slices slices{first_sample, samples, values.size()};
  for (std::size_t begin = 0; begin < values.size(); begin += scan::kBlock) {
    const auto block = values.subspan(begin, std::min(scan::kBlock, values.size() - begin));
    if (count_block(block)) continue;
    count_block(set_aside_non_finite(block, begin, slices));
  }
}

/// Counts the NaNs and infinities of `block` and returns the rest.
std::vector<float> Histogram::set_aside_non_finite(std::span<const float> block, std::size_t offset,
                                                   const Slices& slices) {
  std::vector<float> finite;
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (std::isfinite(block[i])) {
      finite.push_back(block[i]);
      continue;
    }
    ++(std::isnan(block[i]) ? nan_count_ : infinity_count_);
    const std::int64_t sample = slices.sample_of(offset + i);
    first_bad_sample_ = std::min(first_bad_sample_.value_or(sample), sample);
  }
  return finite;
}

/// Counts at most scan::kBlock values; false, and nothing done, if one of them is not finite.
bool Histogram::count_block(std::span<const float> block) {
  static const scan::ScanFunction scan_block = best_scan();
  if (block.empty()) return true;
  std::uint32_t bins[scan::kBlock + scan::kSlack];
  scan::Block found;
  scan_block(block.data(), block.size(), floor_bits(), bins, &found);
  if (holds_non_finite(found)) return false;

  const Extrema extrema = extrema_of(found);
  include_extrema(extrema.min, extrema.max);
  const float block_amax = std::max(-extrema.min, extrema.max);
  if (block_amax > 0.0f && octave_of(block_amax) > top_octave_) {
    raise_top_to(octave_of(block_amax));
    found = scan::Block();
    scan_block(block.data(), block.size(), floor_bits(), bins, &found);
  }
  finite_ += block.size();
  nonzero_ += found.nonzero;
  tiny_ += found.nonzero - found.counted;
  count_bins({bins, found.counted});
  return true;
}

void Histogram::count_bins(std::span<const std::uint32_t> bins) {
  if (recent_total_ + bins.size() > kRecentLimit) widen_counts();
  recent_total_ += bins.size();
  std::uint32_t* const counts = recent_.data();
  std::size_t i = 0;
  // One load fetches two bins: the loop is bound by its loads and stores (0.55 -> 0.35 ns a value
  // on Zen 4). A second table against runs of equal bins costs more than it saves.
  for (; i + 2 <= bins.size(); i += 2) {
    std::uint64_t pair;
    std::memcpy(&pair, bins.data() + i, sizeof(pair));
    ++counts[static_cast<std::uint32_t>(pair)];
    ++counts[pair >> 32];
  }
  if (i < bins.size()) ++counts[bins[i]];
}

void Histogram::include_extrema(float low, float high) {
  min_ = finite_ == 0 ? low : std::min(min_, low);
  max_ = finite_ == 0 ? high : std::max(max_, high);
}

/// Moves the window up; octaves that fall out of it become `tiny_`, as they would have been from
/// the start had the largest value come first.
void Histogram::raise_top_to(std::int32_t octave) {
  if (top_octave_ >= 0) {
    const std::uint32_t old_lowest = lowest_octave();
    const std::uint32_t old_top = static_cast<std::uint32_t>(top_octave_);
    top_octave_ = octave;
    for (std::uint32_t o = old_lowest; o < lowest_octave() && o <= old_top; ++o) drop_octave(o);
  }
  top_octave_ = octave;
}

void Histogram::drop_octave(std::uint32_t octave) {
  const std::uint32_t first = octave * kBinsPerOctave;
  for (std::uint32_t bin = first; bin < first + kBinsPerOctave; ++bin) {
    tiny_ += bin_count(bin);
    const std::uint32_t slot = bin & scan::kRingMask;
    recent_total_ -= recent_[slot];
    recent_[slot] = 0;
    if (!wide_.empty()) wide_[slot] = 0;
  }
}

void Histogram::widen_counts() {
  if (wide_.empty()) wide_.resize(kRing);
  for (std::size_t slot = 0; slot < kRing; ++slot) wide_[slot] += recent_[slot];
  std::fill(recent_.begin(), recent_.end(), 0u);
  recent_total_ = 0;
}

std::uint32_t Histogram::lowest_octave() const {
  const std::int32_t lowest = top_octave_ - static_cast<std::int32_t>(kOctaves) + 1;
  return static_cast<std::uint32_t>(std::max(lowest, 0));
}

std::uint32_t Histogram::floor_bits() const {
  return std::max(lowest_octave() << kExponentShift, 1u);
}

std::uint64_t Histogram::bin_count(std::uint32_t bin) const {
  const std::uint32_t slot = bin & scan::kRingMask;
  return recent_[slot] + (wide_.empty() ? 0 : wide_[slot]);
}

Histogram Histogram::from_counts(const MagnitudeCounts& counts) {
  Histogram result;
  result.recent_.resize(kRing);
  result.nan_count_ = counts.nans;
  result.infinity_count_ = counts.infinities;
  result.first_bad_sample_ = counts.first_bad_sample;
  result.min_ = without_negative_zero(counts.min);
  result.max_ = without_negative_zero(counts.max);
  if (result.amax() > 0.0f) result.top_octave_ = octave_of(result.amax());
  // Subnormal magnitudes of bin 0 lie in the window like others: only zero itself is apart.
  const std::size_t lowest_bin = std::size_t{result.lowest_octave()} * kBinsPerOctave;
  for (std::size_t bin = 0; bin < counts.bins.size(); ++bin) {
    const std::uint64_t count = counts.bins[bin];
    if (count == 0) continue;
    result.nonzero_ += count;
    if (bin < lowest_bin) {
      result.tiny_ += count;
    } else {
      result.add_to_bin(static_cast<std::uint32_t>(bin), count);
    }
  }
  result.finite_ = result.nonzero_ + counts.zeros;
  return result;
}

void Histogram::merge(const Histogram& other) {
  nan_count_ += other.nan_count_;
  infinity_count_ += other.infinity_count_;
  if (other.first_bad_sample_) {
    const std::int64_t theirs = *other.first_bad_sample_;
    first_bad_sample_ = std::min(first_bad_sample_.value_or(theirs), theirs);
  }
  if (other.finite_ == 0) return;
  if (recent_.empty()) recent_.resize(kRing);
  include_extrema(other.min_, other.max_);
  finite_ += other.finite_;
  nonzero_ += other.nonzero_;
  tiny_ += other.tiny_;
  if (other.top_octave_ > top_octave_) raise_top_to(other.top_octave_);
  if (other.top_octave_ < 0) return;

  const std::uint32_t end = (static_cast<std::uint32_t>(other.top_octave_) + 1) * kBinsPerOctave;
  const std::uint32_t lowest_bin = lowest_octave() * kBinsPerOctave;
  for (std::uint32_t bin = other.lowest_octave() * kBinsPerOctave; bin < end; ++bin) {
    if (bin < lowest_bin) {
      tiny_ += other.bin_count(bin);
    } else {
      add_to_bin(bin, other.bin_count(bin));
    }
  }
}

/// `recent_` takes the count unless the sum of it all might not fit.
void Histogram::add_to_bin(std::uint32_t bin, std::uint64_t count) {
  const std::uint32_t slot = bin & scan::kRingMask;
  if (recent_total_ + count <= kRecentLimit) {
    recent_[slot] += static_cast<std::uint32_t>(count);
    recent_total_ += count;
    return;
  }
  if (wide_.empty()) wide_.resize(kRing);
  wide_[slot] += count;
}

float Histogram::min() const { return min_; }
float Histogram::max() const { return max_; }
float Histogram::amax() const { return std::max(-min_, max_); }

std::vector<Bin> Histogram::bins() const {
  std::vector<Bin> result;
  if (top_octave_ < 0) return result;
  const std::uint32_t end = (static_cast<std::uint32_t>(top_octave_) + 1) * kBinsPerOctave;
  for (std::uint32_t bin = lowest_octave() * kBinsPerOctave; bin < end; ++bin) {
    const std::uint64_t count = bin_count(bin);
    if (count == 0) continue;
    const double low = std::bit_cast<float>(bin << scan::kShift);
    // The last bin of the largest octave ends at infinity's pattern: at 2^128 in truth.
    const std::uint32_t next = (bin + 1) << scan::kShift;
    const double high = next < kInfinityBits ? std::bit_cast<float>(next) : std::ldexp(1.0, 128);
    result.push_back({low, high, count});
  }
  return result;
}

bool operator==(const Histogram& a, const Histogram& b) { return a.serialize() == b.serialize(); }

}  // namespace xinfer::quant
