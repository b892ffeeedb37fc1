#include "compile/find_ranges.h"

#include <chrono>

#include "calibrate/cache_json.h"
#include "calibrate/cache_tensorrt.h"
#include "calibrate/options.h"
#include "compile/calibration.h"
#include "core/file.h"
#include "engine/mapped_file.h"

namespace xinfer::compile {
namespace {

Result<calibrate::Ranges> ranges_from_cache(const RangeSource& source, const std::string& bytes,
                                            const std::string& origin) {
  Result<calibrate::Ranges> ranges = calibrate::read_any_cache(bytes);
  if (!ranges.ok()) return ranges.status().with_context(origin);
  const std::vector<std::string> names = float_value_names(source.graph);
  // TensorRT's text names no model, and hashing all weights takes a while.
  const bool names_model = ranges->origin == calibrate::RangeOrigin::kCalibration;
  Result<calibrate::RangeMatch> match = calibrate::match_ranges(
      *ranges, names, names_model ? model_hash(source.graph) : "", source.request.cache_mismatch);
  if (!match.ok()) return match.status().with_context(origin);
  source.report.warnings.insert(source.report.warnings.end(), match->notes.begin(),
                                match->notes.end());
  return ranges;
}

}  // namespace

Result<calibrate::Ranges> calibrate_samples(const RangeSource& source) {
  const BuildRequest& request = source.request;
  builders::BuildReport& report = source.report;
  if (request.calibrator == nullptr) {
    return invalid_argument(
        "INT8 needs ranges: give a calibrator with samples or an existing calibration cache{}",
        request.calibration_cache.empty()
            ? ""
            : " (" + request.calibration_cache.string() + " does not exist)");
  }
  CalibrationOptions options;
  XINFER_ASSIGN_OR_RETURN(
      options.calibrator,
      calibrate::parse_calibrator(request.algorithm.empty() ? request.calibrator->algorithm()
                                                            : request.algorithm));
  options.isa = request.isa;
  options.threads = request.threads;
  options.progress = request.progress;
  options.gpu = source.gpu;
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  XINFER_ASSIGN_OR_RETURN(CalibrationResult result, run_calibration(source.graph, source.symbols,
                                                                    *request.calibrator, options));
  report.calibration_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  report.calibration_samples = result.samples;
  report.warnings.insert(report.warnings.end(), result.warnings.begin(), result.warnings.end());
  return std::move(result.ranges);
}

Result<calibrate::Ranges> find_ranges(const RangeSource& source) {
  const BuildRequest& request = source.request;
  const std::filesystem::path& path = request.calibration_cache;
  if (!path.empty() && std::filesystem::exists(path)) {
    XINFER_ASSIGN_OR_RETURN(const engine::Bytes bytes, engine::map_file(path));
    return ranges_from_cache(
        source, std::string(reinterpret_cast<const char*>(bytes.data.data()), bytes.data.size()),
        path.string());
  }
  if (request.calibrator != nullptr) {
    if (const auto cached = request.calibrator->read_cache(); cached && !cached->empty()) {
      return ranges_from_cache(source, *cached, "the calibrator's cache");
    }
  }
  XINFER_ASSIGN_OR_RETURN(calibrate::Ranges ranges, calibrate_samples(source));
  XINFER_ASSIGN_OR_RETURN(const std::string text, calibrate::write_tensorrt_cache(ranges));
  request.calibrator->write_cache(text);
  if (!path.empty()) XINFER_RETURN_IF_ERROR(write_cache_file(ranges, path));
  const bool as_text = !path.empty() && !calibrate::is_json_cache_path(path);
  // TensorRT's text holds scales and nothing else: this build uses what the next one will find.
  if (as_text || request.calibrator->keeps_cache()) {
    return ranges_from_cache(source, text, "the calibration cache");
  }
  return ranges;
}

passes::RangeMap usable_ranges(const calibrate::Ranges& ranges,
                               std::vector<std::string>& warnings) {
  passes::RangeMap map;
  for (const auto& [name, range] : ranges.entries()) {
    if (!range.usable()) {
      warnings.push_back(
          fmt::format("value \"{}\" has no usable range; its layers stay in float32", name));
      continue;
    }
    passes::ValueRange& value = map[name];
    value.threshold = range.threshold;
    value.amax = range.observed ? range.observed->amax : range.threshold;
    value.min = range.observed ? range.observed->min : -range.threshold;
    value.output_error = range.output_error;
    value.channel_amax = range.channel_amax;
  }
  return map;
}

Status write_cache_file(const calibrate::Ranges& ranges, const std::filesystem::path& path) {
  XINFER_ASSIGN_OR_RETURN(const std::string text,
                          calibrate::is_json_cache_path(path)
                              ? calibrate::write_json_cache(ranges, /*with_histograms=*/true)
                              : calibrate::write_tensorrt_cache(ranges));
  return write_file_atomically(path, std::as_bytes(std::span(text)));
}

}  // namespace xinfer::compile
