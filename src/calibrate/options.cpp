#include "calibrate/options.h"

#include <charconv>
#include <optional>
#include <vector>

namespace xinfer::calibrate {
namespace {

constexpr const char* kForms = "auto, entropy2, entropy, minmax, percentile[:P], mse, legacy[:Q:C]";

struct Named {
  Algorithm algorithm;
  std::string_view name;
};
constexpr Named kNames[] = {
    {Algorithm::kAuto, "auto"},       {Algorithm::kEntropy2, "entropy2"},
    {Algorithm::kEntropy, "entropy"}, {Algorithm::kMinMax, "minmax"},
    {Algorithm::kMse, "mse"},         {Algorithm::kPercentile, "percentile"},
    {Algorithm::kLegacy, "legacy"},
};

std::optional<Algorithm> algorithm_named(std::string_view name) {
  for (const Named& named : kNames) {
    if (named.name == name) return named.algorithm;
  }
  return std::nullopt;
}

std::string_view name_of(Algorithm algorithm) {
  for (const Named& named : kNames) {
    if (named.algorithm == algorithm) return named.name;
  }
  return "unknown";
}

std::vector<std::string_view> split_at_colons(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t colon; (colon = text.find(':')) != std::string_view::npos;) {
    parts.push_back(text.substr(0, colon));
    text.remove_prefix(colon + 1);
  }
  parts.push_back(text);
  return parts;
}

/// A number in (0, limit].
Result<double> parse_share(std::string_view whole, const char* what, std::string_view text,
                           double limit) {
  double value = 0.0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || !(value > 0.0 && value <= limit)) {
    return invalid_argument("calibrator \"{}\": {} is \"{}\"; it must be a number in (0, {}]",
                            whole, what, text, limit);
  }
  return value;
}

Status wrong_parameters(std::string_view whole, std::size_t found, const char* needed) {
  return invalid_argument("calibrator \"{}\" has {} parameter{}; it takes {}", whole, found,
                          found == 1 ? "" : "s", needed);
}

Status parse_percentile(std::string_view text, const std::vector<std::string_view>& parts,
                        CalibratorOptions* options) {
  if (parts.size() == 1) return Status();
  if (parts.size() != 2) {
    return wrong_parameters(text, parts.size() - 1, "at most one (percentile:P)");
  }
  XINFER_ASSIGN_OR_RETURN(options->percentile,
                          parse_share(text, "the percentile", parts[1], 100.0));
  return Status();
}

Status parse_legacy(std::string_view text, const std::vector<std::string_view>& parts,
                    CalibratorOptions* options) {
  if (parts.size() == 1) return Status();
  if (parts.size() != 3) {
    return wrong_parameters(text, parts.size() - 1, "none or two (legacy:QUANTILE:CUTOFF)");
  }
  XINFER_ASSIGN_OR_RETURN(options->quantile, parse_share(text, "the quantile", parts[1], 1.0));
  XINFER_ASSIGN_OR_RETURN(options->cutoff, parse_share(text, "the cutoff", parts[2], 1.0));
  return Status();
}

}  // namespace

Result<CalibratorOptions> parse_calibrator(std::string_view text) {
  const std::vector<std::string_view> parts = split_at_colons(text);
  const std::optional<Algorithm> algorithm = algorithm_named(parts[0]);
  if (!algorithm) {
    return invalid_argument("unknown calibrator \"{}\"; known: {}", text, kForms);
  }
  CalibratorOptions options;
  options.algorithm = *algorithm;
  if (*algorithm == Algorithm::kPercentile) {
    XINFER_RETURN_IF_ERROR(parse_percentile(text, parts, &options));
  } else if (*algorithm == Algorithm::kLegacy) {
    XINFER_RETURN_IF_ERROR(parse_legacy(text, parts, &options));
  } else if (parts.size() != 1) {
    return wrong_parameters(text, parts.size() - 1, "none");
  }
  return options;
}

std::string to_string(const CalibratorOptions& options) {
  const std::string_view name = name_of(options.algorithm);
  switch (options.algorithm) {
    case Algorithm::kPercentile:
      return fmt::format("{}:{}", name, options.percentile);
    case Algorithm::kLegacy:
      return fmt::format("{}:{}:{}", name, options.quantile, options.cutoff);
    default:
      return std::string(name);
  }
}

}  // namespace xinfer::calibrate
