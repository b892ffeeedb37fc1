// A streaming histogram of |x| whose result depends only on the multiset of values seen.
//
// A bin is a float's exponent and its leading mantissa bits, counts are integers, and the window of
// octaves below the largest value is fixed, so observing in any batches, order, threads or shards
// and merging in any order give equal histograms, bit for bit. docs/numerics.md, "Histograms".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/status.h"

namespace xinfer::quant {

/// A non-empty bin: `count` magnitudes in [low, high).
struct Bin {
  double low;
  double high;
  std::uint64_t count;
};

/// What a device counted of some values: by bin of every magnitude, and apart from the bins.
struct MagnitudeCounts {
  std::span<const std::uint64_t> bins;  ///< Histogram::kMagnitudeBins, by magnitude bits >> 12
  std::uint64_t zeros = 0, nans = 0, infinities = 0;
  std::optional<std::int64_t> first_bad_sample;
  float min = 0.0f, max = 0.0f;  ///< of the finite values
};

/// Move-only: 256 KiB a histogram. One thread at a time.
class Histogram {
 public:
  /// Bins of all finite magnitudes.
  static constexpr std::size_t kMagnitudeBins = 0x7f800000u >> 12;

  /// Bins per octave: 11 leading mantissa bits.
  static constexpr std::uint32_t kBinsPerOctave = 2048;
  /// Octaves kept below and including that of the largest magnitude; what lies lower is `tiny`.
  static constexpr std::uint32_t kOctaves = 32;

  Histogram() = default;
  Histogram(Histogram&&) = default;
  Histogram& operator=(Histogram&&) = default;

  /// Counts the values of `samples` equal slices of `values`, numbered from `first_sample`. NaN and
  /// infinities are counted apart, with the lowest number of a sample that holds one. Values that
  /// do not divide by `samples` are attributed proportionally.
  void observe(std::span<const float> values, std::int64_t first_sample = 0,
               std::int64_t samples = 1);

  /// The histogram that observing those values gives.
  static Histogram from_counts(const MagnitudeCounts& counts);

  /// As if this histogram had also observed all that `other` did.
  void merge(const Histogram& other);

  /// Finite values observed, zeros included.
  std::uint64_t count() const { return finite_; }
  std::uint64_t zeros() const { return finite_ - nonzero_; }
  /// Non-zero values below the window: less than 2^-31 of the largest magnitude.
  std::uint64_t tiny() const { return tiny_; }
  std::uint64_t nan_count() const { return nan_count_; }
  std::uint64_t infinity_count() const { return infinity_count_; }
  /// The lowest sample number with a NaN or an infinity, if there was one.
  std::optional<std::int64_t> first_bad_sample() const { return first_bad_sample_; }

  /// Exact extrema of the finite values; 0 if there are none. -0 counts as 0.
  float min() const;
  float max() const;
  float amax() const;
  bool has_negative() const { return min() < 0.0f; }

  /// The non-empty bins, ascending; zeros and `tiny` are not among them.
  std::vector<Bin> bins() const;

  /// Compact bytes for caches; equal histograms give equal bytes.
  std::vector<std::uint8_t> serialize() const;
  /// Fails (invalid_argument) on anything `serialize` cannot have written.
  static Result<Histogram> deserialize(std::span<const std::uint8_t> bytes);

  friend bool operator==(const Histogram& a, const Histogram& b);

 private:
  static constexpr std::size_t kRing = std::size_t{kBinsPerOctave} * kOctaves;

  struct Slices;  // which sample a value of an observed span belongs to
  class Reader;   // of serialised bytes

  std::vector<float> set_aside_non_finite(std::span<const float> block, std::size_t offset,
                                          const Slices& slices);
  bool count_block(std::span<const float> block);
  void count_bins(std::span<const std::uint32_t> bins);
  void include_extrema(float low, float high);
  void raise_top_to(std::int32_t octave);
  void drop_octave(std::uint32_t octave);
  void widen_counts();
  void add_to_bin(std::uint32_t bin, std::uint64_t count);
  std::uint32_t floor_bits() const;
  std::uint32_t lowest_octave() const;
  std::uint64_t bin_count(std::uint32_t bin) const;
  Status check_header() const;
  Status read_bins(Reader& in);

  // bin = magnitude bits >> 12; the ring keeps bin modulo its size, which is unambiguous for the 32
  // octaves ending at the top one. `recent_` is fast and may hold 2^32 - 1 values in all before it
  // is added to `wide_`.
  std::vector<std::uint32_t> recent_;
  std::vector<std::uint64_t> wide_;
  std::uint64_t recent_total_ = 0;
  std::int32_t top_octave_ = -1;  // biased exponent of the largest magnitude; -1: all zero so far

  std::uint64_t finite_ = 0;
  std::uint64_t nonzero_ = 0;
  std::uint64_t tiny_ = 0;
  std::uint64_t nan_count_ = 0;
  std::uint64_t infinity_count_ = 0;
  std::optional<std::int64_t> first_bad_sample_;
  float min_ = 0.0f;
  float max_ = 0.0f;
};

/// The mass of `bins` in `count` equal bins over [0, amax]; a bin that straddles a border is split
/// in proportion. Every bin must begin below or at amax.
std::vector<double> resample(std::span<const Bin> bins, double amax, std::size_t count);

}  // namespace xinfer::quant
