// Histogram to bytes and back: little-endian header, then the window's counts as variable-length
// integers in alternating runs of empty and non-empty bins.
#include <algorithm>
#include <bit>
#include <cmath>

#include "quant/histogram.h"
#include "quant/histogram_scan.h"

namespace xinfer::quant {
namespace {

constexpr std::uint8_t kVersion = 1;
// Counts beyond this cannot be real and could overflow when merged.
constexpr std::uint64_t kCountLimit = std::uint64_t{1} << 56;

class Writer {
 public:
  void byte(std::uint8_t value) { bytes_.push_back(value); }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<std::uint8_t>(value | 0x80));
    byte(static_cast<std::uint8_t>(value));
  }
  void float_bits(float value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) byte(static_cast<std::uint8_t>(bits >> shift));
  }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<std::uint8_t> bytes_;
};

}  // namespace

/// Reads past the end give zeros and clear `ok`.
class Histogram::Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return position_ == bytes_.size(); }
  std::uint8_t byte() {
    if (at_end()) ok_ = false;
    return ok_ ? bytes_[position_++] : std::uint8_t{0};
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 63; shift += 7) {
      const std::uint8_t next = byte();
      value |= static_cast<std::uint64_t>(next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  std::uint64_t count() {
    const std::uint64_t value = varint();
    if (value > kCountLimit) ok_ = false;
    return ok_ ? value : 0;
  }
  float float_bits() {
    std::uint32_t bits = 0;
    for (int shift = 0; shift < 32; shift += 8) {
      bits |= static_cast<std::uint32_t>(byte()) << shift;
    }
    return std::bit_cast<float>(bits);
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

namespace {

Status damaged(const char* what) { return invalid_argument("damaged histogram: {}", what); }

}  // namespace

std::vector<std::uint8_t> Histogram::serialize() const {
  Writer out;
  out.byte(kVersion);
  out.float_bits(min_);
  out.float_bits(max_);
  for (std::uint64_t n : {finite_, nonzero_, tiny_, nan_count_, infinity_count_}) out.varint(n);
  out.varint(first_bad_sample_ ? static_cast<std::uint64_t>(*first_bad_sample_) + 1 : 0);
  if (top_octave_ < 0) return out.take();

  const std::uint32_t end = (static_cast<std::uint32_t>(top_octave_) + 1) * kBinsPerOctave;
  bool full = false;  // the first run is of empty bins, perhaps of none
  for (std::uint32_t bin = lowest_octave() * kBinsPerOctave; bin < end; full = !full) {
    std::uint32_t stop = bin;
    while (stop < end && (bin_count(stop) != 0) == full) ++stop;
    out.varint(stop - bin);
    for (; bin < stop; ++bin) {
      if (full) out.varint(bin_count(bin));
    }
  }
  return out.take();
}

Result<Histogram> Histogram::deserialize(std::span<const std::uint8_t> bytes) {
  Reader in(bytes);
  if (const std::uint8_t version = in.byte(); version != kVersion) {
    return invalid_argument("histogram version {}; this build reads {}", version, kVersion);
  }
  Histogram h;
  h.min_ = in.float_bits();
  h.max_ = in.float_bits();
  for (std::uint64_t* n : {&h.finite_, &h.nonzero_, &h.tiny_, &h.nan_count_, &h.infinity_count_}) {
    *n = in.count();
  }
  if (const std::uint64_t bad = in.count(); bad != 0) {
    h.first_bad_sample_ = static_cast<std::int64_t>(bad - 1);
  }
  if (!in.ok()) return damaged("the header is cut short");
  XINFER_RETURN_IF_ERROR(h.check_header());
  if (h.amax() > 0.0f) XINFER_RETURN_IF_ERROR(h.read_bins(in));
  if (!in.at_end()) return damaged("bytes follow its end");
  return h;
}

/// What `observe` keeps true of everything but the bins.
Status Histogram::check_header() const {
  const auto is_negative_zero = [](float x) { return x == 0.0f && std::signbit(x); };
  if (!std::isfinite(min_) || !std::isfinite(max_) || min_ > max_ || is_negative_zero(min_) ||
      is_negative_zero(max_)) {
    return damaged("its extrema are not an interval");
  }
  if (nonzero_ > finite_ || tiny_ > nonzero_) return damaged("its counts contradict");
  if ((amax() > 0.0f) != (nonzero_ > tiny_)) return damaged("its largest value is missing");
  if (first_bad_sample_.has_value() != (nan_count_ + infinity_count_ > 0)) {
    return damaged("its NaN and infinity counts contradict");
  }
  return Status();
}

Status Histogram::read_bins(Reader& in) {
  const std::uint32_t top_bin = std::bit_cast<std::uint32_t>(amax()) >> scan::kShift;
  top_octave_ = static_cast<std::int32_t>(top_bin / kBinsPerOctave);
  recent_.resize(kRing);
  const std::uint32_t end = (static_cast<std::uint32_t>(top_octave_) + 1) * kBinsPerOctave;
  std::uint64_t total = 0;
  std::uint32_t highest = 0;
  bool full = false;
  for (std::uint32_t bin = lowest_octave() * kBinsPerOctave; bin < end; full = !full) {
    const std::uint64_t run = in.varint();
    // Only the first run may be empty: else two texts could mean the same bins.
    if (!in.ok() || run > end - bin || (run == 0 && (full || total > 0))) {
      return damaged("its bins are cut short or run over");
    }
    const std::uint32_t stop = bin + static_cast<std::uint32_t>(run);
    for (; full && bin < stop; ++bin) {
      const std::uint64_t n = in.count();
      if (n == 0) return damaged("a bin's count is out of range");
      add_to_bin(bin, n);
      total += n;
      highest = bin;
    }
    bin = stop;
  }
  if (total != nonzero_ - tiny_) return damaged("its bins do not add up to its count");
  if (highest != top_bin) return damaged("its highest bin does not hold its largest value");
  return Status();
}

}  // namespace xinfer::quant
