// Opens NVIDIA's driver library (libcuda) at run time and reports its failures as Status.
#pragma once

#include <string_view>

#include "core/status.h"
#include "device/cuda_api.h"

namespace xinfer::cuda {

/// The oldest driver interface that xinfer uses (cuLaunchKernelEx): CUDA 12.0, driver 525.
inline constexpr int kLeastDriverVersion = 12000;

/// The driver's entry points, loaded and initialised once for the process. Fails with device_error
/// if the library is absent, is the toolkit's link stub, is older than kLeastDriverVersion, or sees
/// no device; the message says which and what to install.
Result<const DriverApi*> driver();

/// 1000 * major + 10 * minor of the loaded driver's CUDA version, for example 13000.
Result<int> driver_version();

/// "12.4" for 12040.
std::string version_text(int version);

/// Success, or device_error (out_of_memory for that result) naming the driver call and the driver's
/// own words for the failure.
Status check(DriverResult result, std::string_view call);

}  // namespace xinfer::cuda

/// Returns from the calling function if the driver call failed; `name` is the name in messages.
#define XINFER_CUDA_RETURN_IF_ERROR(expression, name) \
  XINFER_RETURN_IF_ERROR(::xinfer::cuda::check((expression), (name)))
