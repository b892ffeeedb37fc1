// xinfer's own calibration cache: JSON, versioned, with everything that was observed.
// docs/numerics.md, "Calibration caches", lists the fields.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "calibrate/ranges.h"
#include "core/status.h"

namespace xinfer::calibrate {

inline constexpr int kJsonCacheVersion = 1;

/// `with_histograms` makes the cache mergeable (about 30 KB a value).
/// Fails (invalid_argument) for a name that is not UTF-8.
Result<std::string> write_json_cache(const Ranges& ranges, bool with_histograms);

/// Strict: unknown, missing and mistyped fields fail (invalid_argument) with the field's path.
Result<Ranges> read_json_cache(std::string_view text);

/// True for a path that means this form: `.json`. Any other means TensorRT's text.
bool is_json_cache_path(const std::filesystem::path& path);

/// Reads either form; the content decides, not a file name.
Result<Ranges> read_any_cache(std::string_view bytes);

}  // namespace xinfer::calibrate
