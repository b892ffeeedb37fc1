// TensorRT's calibration cache as text:
//
//   TRT-<version>-<algorithm>
//   <value name>: <bit pattern of the float32 scale T / 127 in hex, without leading zeros>
//
// A network input whose samples were never negative has a second line, which TensorRT ignores as
// the name of no value: "<input> (unsigned)" with the same scale. Without it the input would be
// quantised otherwise by a build from the cache than by the one that wrote it.
//
// The algorithm is EntropyCalibration2, MinMaxCalibration, EntropyCalibration or LegacyCalibration;
// the version is major*1000 + minor*100 + patch up to 9.x, major*10000 + minor*100 + patch since.
#pragma once

#include <string>
#include <string_view>

#include "calibrate/ranges.h"
#include "core/status.h"

namespace xinfer::calibrate {

/// True if the bytes begin as TensorRT's cache does.
bool looks_like_tensorrt_cache(std::string_view text);

/// Reads any version. Names may hold ':' and spaces: a line is split at its last ": ". Lines keep
/// their order, so that write_tensorrt_cache gives the same bytes again; CR LF and empty lines are
/// taken, not kept. Scales that no engine can use are kept too (ValueRange::usable). Fails
/// (invalid_argument) with the line's number.
Result<Ranges> read_tensorrt_cache(std::string_view text);

/// The version written where `ranges` did not come from such a cache: TensorRT 10.16.0.
inline constexpr int kTensorRtVersion = 101600;

/// Algorithms that TensorRT does not have are written as EntropyCalibration2, the form that its
/// users read most. Fails (invalid_argument) for a name with a line break.
Result<std::string> write_tensorrt_cache(const Ranges& ranges);

}  // namespace xinfer::calibrate
