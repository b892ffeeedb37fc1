#include "calibrate/cache_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "calibrate/base64.h"
#include "calibrate/cache_tensorrt.h"

namespace xinfer::calibrate {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "xinfer calibration cache";
constexpr const char* kOriginCalibration = "calibration";
constexpr const char* kOriginTensorRt = "tensorrt";

// ---- writing ----

/// Null stands for the thresholds below zero, infinite or NaN that a TensorRT cache may hold.
Json threshold_or_null(double threshold) {
  return std::isfinite(threshold) && threshold >= 0.0 ? Json(threshold) : Json(nullptr);
}

Json to_json(const std::string& name, const ValueRange& range, bool with_histogram) {
  Json value;
  value["name"] = name;
  value["threshold"] = threshold_or_null(range.threshold);
  value["calibrator"] = range.calibrator;
  value["grid"] = to_string(range.grid);
  value["network_input"] = range.network_input;
  if (range.observed) {
    value["amax"] = range.observed->amax;
    value["min"] = range.observed->min;
    value["max"] = range.observed->max;
    value["clip_share"] = range.observed->clip_share;
  }
  if (range.output_error) value["output_error"] = *range.output_error;
  if (!range.channel_amax.empty()) value["channel_amax"] = range.channel_amax;
  if (with_histogram && range.histogram != nullptr) {
    value["histogram"] = encode_base64(range.histogram->serialize());
  }
  return value;
}

// ---- reading ----

/// One JSON object with its path, for messages.
class Object {
 public:
  Object(const Json& json, std::string path) : json_(json), path_(std::move(path)) {}

  Status error(const std::string& what) const {
    return invalid_argument("calibration cache, {}: {}", path_.empty() ? "top level" : path_, what);
  }

  Status expect_fields(std::initializer_list<std::string_view> known) const {
    if (!json_.is_object()) return error(fmt::format("found {}, needed an object", type(json_)));
    for (const auto& [key, value] : json_.items()) {
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        return error(fmt::format("unknown field \"{}\"", key));
      }
    }
    return Status();
  }

  bool has(const char* field) const { return json_.contains(field); }

  Result<const Json*> get(const char* field) const {
    const auto found = json_.find(field);
    if (found == json_.end()) return error(fmt::format("field \"{}\" is missing", field));
    return &*found;
  }

  Result<std::string> string(const char* field) const {
    XINFER_ASSIGN_OR_RETURN(const Json* value, get(field));
    if (!value->is_string()) return mistyped(field, *value, "a string");
    return value->get<std::string>();
  }

  Result<bool> boolean(const char* field) const {
    XINFER_ASSIGN_OR_RETURN(const Json* value, get(field));
    if (!value->is_boolean()) return mistyped(field, *value, "true or false");
    return value->get<bool>();
  }

  Result<std::uint64_t> count(const char* field) const {
    XINFER_ASSIGN_OR_RETURN(const Json* value, get(field));
    if (!value->is_number_unsigned()) return mistyped(field, *value, "a whole number >= 0");
    return value->get<std::uint64_t>();
  }

  Result<double> number(const char* field) const {
    XINFER_ASSIGN_OR_RETURN(const Json* value, get(field));
    if (!value->is_number()) return mistyped(field, *value, "a number");
    return value->get<double>();
  }

  /// A number that is exactly a float.
  Result<float> float32(const char* field) const {
    XINFER_ASSIGN_OR_RETURN(const double value, number(field));
    if (!(std::fabs(value) <= std::numeric_limits<float>::max()) ||
        static_cast<double>(static_cast<float>(value)) != value) {
      return error(fmt::format("field \"{}\" is {}, which is not a float32", field, value));
    }
    return static_cast<float>(value);
  }

 private:
  static std::string type(const Json& value) { return value.type_name(); }
  Status mistyped(const char* field, const Json& value, const char* needed) const {
    return error(fmt::format("field \"{}\" is {}, needed {}", field, type(value), needed));
  }

  const Json& json_;
  std::string path_;
};

Result<Json> parse(std::string_view text) {
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::exception& e) {
    return invalid_argument("calibration cache is not valid JSON: {}", e.what());
  }
}

Result<std::uint64_t> parse_hash(const Object& data) {
  XINFER_ASSIGN_OR_RETURN(const std::string hex, data.string("hash"));
  std::uint64_t hash = 0;
  const auto [stop, error] = std::from_chars(hex.data(), hex.data() + hex.size(), hash, 16);
  if (hex.size() != 16 || error != std::errc() || stop != hex.data() + hex.size()) {
    return data.error("field \"hash\" must be 16 hex digits");
  }
  return hash;
}

Result<DataIdentity> read_data(const Json& json) {
  const Object data(json, "data");
  XINFER_RETURN_IF_ERROR(data.expect_fields({"count", "hash"}));
  DataIdentity identity;
  XINFER_ASSIGN_OR_RETURN(identity.count, data.count("count"));
  XINFER_ASSIGN_OR_RETURN(identity.hash, parse_hash(data));
  return identity;
}

Result<double> read_threshold(const Object& value) {
  XINFER_ASSIGN_OR_RETURN(const Json* json, value.get("threshold"));
  if (json->is_null()) return std::nan("");
  XINFER_ASSIGN_OR_RETURN(const double threshold, value.number("threshold"));
  if (!(threshold >= 0.0)) {
    return value.error(fmt::format("field \"threshold\" is {}, needed a number >= 0", threshold));
  }
  return threshold;
}

Result<DType> read_grid(const Object& value) {
  XINFER_ASSIGN_OR_RETURN(const std::string grid, value.string("grid"));
  for (DType dtype : {DType::kInt8, DType::kUInt8}) {
    if (grid == to_string(dtype)) return dtype;
  }
  return value.error(fmt::format("field \"grid\" is \"{}\", needed int8 or uint8", grid));
}

Result<Observation> read_observation(const Object& value) {
  Observation observed;
  XINFER_ASSIGN_OR_RETURN(observed.amax, value.float32("amax"));
  XINFER_ASSIGN_OR_RETURN(observed.min, value.float32("min"));
  XINFER_ASSIGN_OR_RETURN(observed.max, value.float32("max"));
  XINFER_ASSIGN_OR_RETURN(observed.clip_share, value.number("clip_share"));
  if (observed.min > observed.max || observed.amax != std::max(-observed.min, observed.max)) {
    return value.error("\"amax\", \"min\" and \"max\" contradict each other");
  }
  if (!(observed.clip_share >= 0.0 && observed.clip_share <= 1.0)) {
    return value.error("field \"clip_share\" is not in [0, 1]");
  }
  return observed;
}

Result<double> read_output_error(const Object& value) {
  XINFER_ASSIGN_OR_RETURN(const double error, value.number("output_error"));
  if (!(error >= 0.0)) {
    return value.error(fmt::format("field \"output_error\" is {}, needed a number >= 0", error));
  }
  return error;
}

Result<std::vector<float>> read_channels(const Object& value) {
  XINFER_ASSIGN_OR_RETURN(const Json* json, value.get("channel_amax"));
  if (!json->is_array()) return value.error("field \"channel_amax\" is not an array");
  std::vector<float> channels;
  for (const Json& channel : *json) {
    const double amax = channel.is_number() ? channel.get<double>() : -1.0;
    if (!(amax >= 0.0 && amax <= std::numeric_limits<float>::max())) {
      return value.error("field \"channel_amax\" holds something else than float32 numbers >= 0");
    }
    channels.push_back(static_cast<float>(amax));
  }
  return channels;
}

Result<std::shared_ptr<const quant::Histogram>> read_histogram(const Object& value) {
  XINFER_ASSIGN_OR_RETURN(const std::string text, value.string("histogram"));
  const auto bytes = decode_base64(text);
  if (!bytes) return value.error("field \"histogram\" is not base64");
  Result<quant::Histogram> histogram = quant::Histogram::deserialize(*bytes);
  if (!histogram.ok()) return value.error(histogram.status().message());
  return std::make_shared<const quant::Histogram>(*std::move(histogram));
}

Status read_value(const Json& json, std::size_t index, Ranges* ranges) {
  const Object value(json, fmt::format("values[{}]", index));
  XINFER_RETURN_IF_ERROR(value.expect_fields({"name", "threshold", "calibrator", "grid",
                                              "network_input", "amax", "min", "max", "clip_share",
                                              "output_error", "channel_amax", "histogram"}));
  XINFER_ASSIGN_OR_RETURN(std::string name, value.string("name"));
  ValueRange range;
  XINFER_ASSIGN_OR_RETURN(range.threshold, read_threshold(value));
  XINFER_ASSIGN_OR_RETURN(range.calibrator, value.string("calibrator"));
  XINFER_ASSIGN_OR_RETURN(range.grid, read_grid(value));
  XINFER_ASSIGN_OR_RETURN(range.network_input, value.boolean("network_input"));
  if (value.has("amax") || value.has("min") || value.has("max") || value.has("clip_share")) {
    XINFER_ASSIGN_OR_RETURN(range.observed, read_observation(value));
  }
  if (value.has("output_error")) {
    XINFER_ASSIGN_OR_RETURN(range.output_error, read_output_error(value));
  }
  if (value.has("channel_amax")) {
    XINFER_ASSIGN_OR_RETURN(range.channel_amax, read_channels(value));
  }
  if (value.has("histogram")) {
    XINFER_ASSIGN_OR_RETURN(range.histogram, read_histogram(value));
  }
  if (!ranges->insert(name, std::move(range))) {
    return value.error(fmt::format("value \"{}\" is listed twice", name));
  }
  return Status();
}

Status check_version(const Object& top) {
  XINFER_ASSIGN_OR_RETURN(const std::string format, top.string("format"));
  if (format != kFormat) {
    return top.error(fmt::format("field \"format\" is \"{}\", needed \"{}\"", format, kFormat));
  }
  XINFER_ASSIGN_OR_RETURN(const std::uint64_t version, top.count("version"));
  if (version != kJsonCacheVersion) {
    return top.error(
        fmt::format("it has version {}; this build reads {}", version, kJsonCacheVersion));
  }
  return Status();
}

/// `tensorrt_version` is there exactly if the origin is TensorRT.
Status read_origin(const Object& top, Ranges* ranges) {
  XINFER_ASSIGN_OR_RETURN(const std::string origin, top.string("origin"));
  if (origin == kOriginCalibration && !top.has("tensorrt_version")) return Status();
  if (origin != kOriginTensorRt) {
    return top.error(
        fmt::format("field \"origin\" is \"{}\", needed {}, or {} with "
                    "\"tensorrt_version\"",
                    origin, kOriginCalibration, kOriginTensorRt));
  }
  XINFER_ASSIGN_OR_RETURN(const std::uint64_t version, top.count("tensorrt_version"));
  if (version > INT32_MAX) return top.error("field \"tensorrt_version\" is out of range");
  ranges->origin = RangeOrigin::kTensorRt;
  ranges->tensorrt_version = static_cast<int>(version);
  return Status();
}

Result<Ranges> read_ranges(const Json& json) {
  const Object top(json, "");
  if (!json.is_object()) return top.expect_fields({});
  XINFER_RETURN_IF_ERROR(check_version(top));
  XINFER_RETURN_IF_ERROR(top.expect_fields({"format", "version", "origin", "tensorrt_version",
                                            "model_hash", "algorithm", "data", "values"}));
  Ranges ranges;
  XINFER_RETURN_IF_ERROR(read_origin(top, &ranges));
  XINFER_ASSIGN_OR_RETURN(ranges.model_hash, top.string("model_hash"));
  XINFER_ASSIGN_OR_RETURN(ranges.algorithm, top.string("algorithm"));
  XINFER_ASSIGN_OR_RETURN(const Json* data, top.get("data"));
  XINFER_ASSIGN_OR_RETURN(ranges.data, read_data(*data));
  XINFER_ASSIGN_OR_RETURN(const Json* values, top.get("values"));
  if (!values->is_array()) return top.error("field \"values\" is not an array");
  for (std::size_t i = 0; i < values->size(); ++i) {
    XINFER_RETURN_IF_ERROR(read_value((*values)[i], i, &ranges));
  }
  return ranges;
}

}  // namespace

Result<std::string> write_json_cache(const Ranges& ranges, bool with_histograms) {
  Json json;
  json["format"] = kFormat;
  json["version"] = kJsonCacheVersion;
  const bool tensorrt = ranges.origin == RangeOrigin::kTensorRt;
  json["origin"] = tensorrt ? kOriginTensorRt : kOriginCalibration;
  if (tensorrt) json["tensorrt_version"] = ranges.tensorrt_version;
  json["model_hash"] = ranges.model_hash;
  json["algorithm"] = ranges.algorithm;
  json["data"] = {{"count", ranges.data.count}, {"hash", fmt::format("{:016x}", ranges.data.hash)}};
  json["values"] = Json::array();
  for (const auto& [name, range] : ranges.entries()) {
    json["values"].push_back(to_json(name, range, with_histograms));
  }
  try {
    return json.dump(1) + "\n";
  } catch (const nlohmann::json::exception& e) {
    return invalid_argument("the calibration cache cannot be written as JSON: {}", e.what());
  }
}

Result<Ranges> read_json_cache(std::string_view text) {
  XINFER_ASSIGN_OR_RETURN(const Json json, parse(text));
  return read_ranges(json);
}

bool is_json_cache_path(const std::filesystem::path& path) { return path.extension() == ".json"; }

Result<Ranges> read_any_cache(std::string_view bytes) {
  if (looks_like_tensorrt_cache(bytes)) return read_tensorrt_cache(bytes);
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && bytes[first] == '{') return read_json_cache(bytes);
  return invalid_argument(
      "this is no calibration cache: it begins neither with \"TRT-\" (TensorRT's text) nor with "
      "\"{{\" (xinfer's JSON)");
}

}  // namespace xinfer::calibrate
