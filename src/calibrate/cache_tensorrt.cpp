#include "calibrate/cache_tensorrt.h"

#include <bit>
#include <charconv>
#include <cstdint>
#include <optional>

#include "calibrate/options.h"

namespace xinfer::calibrate {
namespace {

constexpr std::string_view kMagic = "TRT-";
constexpr std::string_view kUnsignedMark = " (unsigned)";

struct NamedAlgorithm {
  std::string_view tensorrt;
  Algorithm algorithm;
};
// The first is also the name for every algorithm that TensorRT lacks.
constexpr NamedAlgorithm kAlgorithms[] = {
    {"EntropyCalibration2", Algorithm::kEntropy2},
    {"MinMaxCalibration", Algorithm::kMinMax},
    {"EntropyCalibration", Algorithm::kEntropy},
    {"LegacyCalibration", Algorithm::kLegacy},
};

std::string_view tensorrt_name(std::string_view algorithm_text) {
  const Result<CalibratorOptions> options = parse_calibrator(algorithm_text);
  for (const NamedAlgorithm& named : kAlgorithms) {
    if (options.ok() && named.algorithm == options->algorithm) return named.tensorrt;
  }
  return kAlgorithms[0].tensorrt;
}

/// All of `text` as an unsigned number.
std::optional<std::uint32_t> parse_number(std::string_view text, int base) {
  std::uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return value;
}

/// Lines without their ends; counts them.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  std::optional<std::string_view> next() {
    if (rest_.empty()) return std::nullopt;
    ++number_;
    const std::size_t end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }
  std::size_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

/// What a message quotes of a line: control characters and excess left out.
std::string quoted(std::string_view line) {
  std::string text = "\"";
  for (char c : line.substr(0, 80)) text += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  return text + (line.size() > 80 ? "…\"" : "\"");
}

Status read_header(std::string_view line, Ranges* ranges) {
  const std::size_t dash = line.find('-', kMagic.size());
  const auto wrong = [&](const char* what) {
    return invalid_argument(
        "calibration cache, line 1: {} in {}; a TensorRT cache begins with TRT-<version>-"
        "<EntropyCalibration2|MinMaxCalibration|EntropyCalibration|LegacyCalibration>",
        what, quoted(line));
  };
  if (!line.starts_with(kMagic) || dash == std::string_view::npos) return wrong("no header");
  const auto version = parse_number(line.substr(kMagic.size(), dash - kMagic.size()), 10);
  if (!version || *version > INT32_MAX) return wrong("the version is not a number");
  for (const NamedAlgorithm& named : kAlgorithms) {
    if (line.substr(dash + 1) != named.tensorrt) continue;
    ranges->tensorrt_version = static_cast<int>(*version);
    ranges->algorithm = to_string(CalibratorOptions{.algorithm = named.algorithm});
    return Status();
  }
  return wrong("unknown algorithm");
}

/// Marks the input of a line "<input> (unsigned)" as never negative; false if there is no such
/// input with this range.
bool mark_unsigned(std::string_view name, double threshold, Ranges* ranges) {
  if (!name.ends_with(kUnsignedMark)) return false;
  name.remove_suffix(kUnsignedMark.size());
  ValueRange* const input = ranges->find(name);
  if (input == nullptr || input->threshold != threshold || !input->usable()) return false;
  const auto amax = static_cast<float>(threshold);
  input->network_input = true;
  input->observed = Observation{.amax = amax, .min = 0, .max = amax};
  return true;
}

Status read_entry(std::string_view line, std::size_t number, Ranges* ranges) {
  const std::size_t separator = line.rfind(": ");
  if (separator == std::string_view::npos || separator == 0) {
    return invalid_argument(
        "calibration cache, line {}: {} is not \"<value name>: <scale in hex>\"", number,
        quoted(line));
  }
  const std::string_view hex = line.substr(separator + 2);
  const auto bits = hex.size() <= 8 ? parse_number(hex, 16) : std::nullopt;
  if (!bits) {
    return invalid_argument(
        "calibration cache, line {}: {} is not a float32 bit pattern of 1 to 8 hex digits", number,
        quoted(hex));
  }
  ValueRange range;
  // Exact: a float times 127 fits a double, so scale() returns these very bits.
  range.threshold = static_cast<double>(std::bit_cast<float>(*bits)) * 127.0;
  range.calibrator = ranges->algorithm;
  if (mark_unsigned(line.substr(0, separator), range.threshold, ranges)) return Status();
  std::string name(line.substr(0, separator));
  if (!ranges->insert(name, std::move(range))) {
    return invalid_argument("calibration cache, line {}: value {} is listed twice", number,
                            quoted(name));
  }
  return Status();
}

}  // namespace

bool looks_like_tensorrt_cache(std::string_view text) { return text.starts_with(kMagic); }

Result<Ranges> read_tensorrt_cache(std::string_view text) {
  Lines lines(text);
  Ranges ranges;
  ranges.origin = RangeOrigin::kTensorRt;
  XINFER_RETURN_IF_ERROR(read_header(lines.next().value_or(std::string_view()), &ranges));
  while (const auto line = lines.next()) {
    if (line->empty()) continue;
    XINFER_RETURN_IF_ERROR(read_entry(*line, lines.number(), &ranges));
  }
  return ranges;
}

Result<std::string> write_tensorrt_cache(const Ranges& ranges) {
  const int version = ranges.tensorrt_version != 0 ? ranges.tensorrt_version : kTensorRtVersion;
  std::string text = fmt::format("TRT-{}-{}\n", version, tensorrt_name(ranges.algorithm));
  for (const auto& [name, range] : ranges.entries()) {
    if (name.empty() || name.find_first_of("\r\n") != std::string::npos) {
      return invalid_argument(
          "value {} cannot be written to a TensorRT calibration cache: its name is empty or holds "
          "a line break",
          quoted(name));
    }
    const auto bits = std::bit_cast<std::uint32_t>(range.scale());
    text += fmt::format("{}: {:x}\n", name, bits);
    if (range.network_input && range.observed && range.observed->min >= 0) {
      text += fmt::format("{}{}: {:x}\n", name, kUnsignedMark, bits);
    }
  }
  return text;
}

}  // namespace xinfer::calibrate
