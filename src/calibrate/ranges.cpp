#include "calibrate/ranges.h"

#include <algorithm>
#include <unordered_set>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "calibrate/choose_range.h"
#include "calibrate/options.h"
#include "quant/quantize.h"

namespace xinfer::calibrate {
namespace {

constexpr std::size_t kNamesShown = 5;

/// `3 values ("a", "b", "c")`, at most five names.
std::string listed(const std::vector<std::string>& names) {
  std::string text = fmt::format("{} value{} (", names.size(), names.size() == 1 ? "" : "s");
  const std::size_t shown = std::min(names.size(), kNamesShown);
  for (std::size_t i = 0; i < shown; ++i) {
    text += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", names[i]);
  }
  return text + (shown < names.size() ? ", …)" : ")");
}

RangeMatch compare_names(const Ranges& ranges, std::span<const std::string> value_names) {
  RangeMatch match;
  const std::unordered_set<std::string_view> wanted(value_names.begin(), value_names.end());
  for (const std::string& name : value_names) {
    const ValueRange* range = ranges.find(name);
    if (range == nullptr) {
      match.missing.push_back(name);
    } else if (!range->usable()) {
      match.missing.push_back(name);
      match.notes.push_back(
          fmt::format("value \"{}\" has scale {} in the cache, which no engine can use; it "
                      "counts as missing",
                      name, range->scale()));
    }
  }
  for (const auto& [name, range] : ranges.entries()) {
    if (!wanted.contains(name)) match.unknown.push_back(name);
  }
  return match;
}

Status merge_error(std::size_t part, const std::string& what) {
  return invalid_argument("calibrations cannot be merged: part {} {}", part, what);
}

Status check_mergeable(const Ranges& first, const Ranges& other, std::size_t part) {
  if (other.model_hash != first.model_hash) {
    return merge_error(
        part, fmt::format("is of model {}, part 0 of {}", other.model_hash, first.model_hash));
  }
  if (other.algorithm != first.algorithm) {
    return merge_error(
        part, fmt::format("used calibrator {}, part 0 {}", other.algorithm, first.algorithm));
  }
  for (const auto& [name, range] : first.entries()) {
    if (other.find(name) == nullptr) {
      return merge_error(part, fmt::format("has no value \"{}\"", name));
    }
  }
  for (const auto& [name, range] : other.entries()) {
    const ValueRange* counterpart = first.find(name);
    if (counterpart == nullptr) {
      return merge_error(part, fmt::format("has value \"{}\", part 0 has not", name));
    }
    if (range.histogram == nullptr) {
      return merge_error(part, fmt::format("has no histogram for value \"{}\"", name));
    }
    if (range.grid != counterpart->grid || range.network_input != counterpart->network_input) {
      return merge_error(part, fmt::format("has another grid or role for value \"{}\"", name));
    }
  }
  return Status();
}

/// The largest of every channel; empty if a part has not observed the same channels.
std::vector<float> merged_channels(std::span<const Ranges> parts, const std::string& name) {
  std::vector<float> merged = parts[0].find(name)->channel_amax;
  for (const Ranges& part : parts) {
    const std::vector<float>& channels = part.find(name)->channel_amax;
    if (channels.size() != merged.size()) return {};
    for (std::size_t c = 0; c < merged.size(); ++c) merged[c] = std::max(merged[c], channels[c]);
  }
  return merged;
}

}  // namespace

float ValueRange::scale() const { return quant::s8_scale(threshold); }

bool ValueRange::usable() const { return quant::is_usable_scale(scale()); }

void DataIdentity::add(std::span<const std::byte> sample) {
  ++count;
  hash += XXH3_64bits(sample.data(), sample.size());
}

void DataIdentity::add(const DataIdentity& part) {
  count += part.count;
  hash += part.hash;
}

bool Ranges::insert(std::string name, ValueRange range) {
  if (!index_.emplace(name, entries_.size()).second) return false;
  entries_.emplace_back(std::move(name), std::move(range));
  return true;
}

const ValueRange* Ranges::find(std::string_view name) const {
  const auto found = index_.find(std::string(name));
  return found == index_.end() ? nullptr : &entries_[found->second].second;
}

ValueRange* Ranges::find(std::string_view name) {
  return const_cast<ValueRange*>(std::as_const(*this).find(name));
}

Result<RangeMatch> match_ranges(const Ranges& ranges, std::span<const std::string> value_names,
                                std::string_view model_hash, CacheMismatch policy) {
  RangeMatch match = compare_names(ranges, value_names);
  if (match.missing.size() == value_names.size() && !value_names.empty()) {
    return invalid_argument("the calibration cache has a usable range for none of the model's {}",
                            listed(match.missing));
  }
  const bool own = ranges.origin == RangeOrigin::kCalibration;
  const bool other_model = own && ranges.model_hash != model_hash;
  std::string differences;
  if (other_model) {
    differences +=
        fmt::format("; it was made for model {}, this is {}", ranges.model_hash, model_hash);
  }
  if (!match.missing.empty()) differences += "; it lacks " + listed(match.missing);
  if (!match.unknown.empty()) {
    differences += "; the model does not have its " + listed(match.unknown);
  }
  if (differences.empty()) return match;
  if (own && policy == CacheMismatch::kRefuse) {
    return invalid_argument(
        "the calibration cache does not fit the model{}. Calibrate again, or pass "
        "--cache-mismatch=partial to use what fits",
        differences);
  }
  match.notes.push_back("the calibration cache fits the model in part" + differences);
  return match;
}

Result<Ranges> merge_ranges(std::span<const Ranges> parts) {
  if (parts.empty()) return invalid_argument("calibrations cannot be merged: there are none");
  const Ranges& first = parts[0];
  XINFER_ASSIGN_OR_RETURN(const CalibratorOptions options, parse_calibrator(first.algorithm));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    XINFER_RETURN_IF_ERROR(check_mergeable(first, parts[i], i));
  }
  Ranges merged;
  merged.model_hash = first.model_hash;
  merged.algorithm = first.algorithm;
  for (const Ranges& part : parts) merged.data.add(part.data);
  for (const auto& [name, range] : first.entries()) {
    auto histogram = std::make_shared<quant::Histogram>();
    for (const Ranges& part : parts) histogram->merge(*part.find(name)->histogram);
    ValueRange chosen =
        choose_range(std::move(histogram), range.grid, range.network_input, options, {});
    chosen.channel_amax = merged_channels(parts, name);
    merged.insert(name, std::move(chosen));
  }
  return merged;
}

}  // namespace xinfer::calibrate
