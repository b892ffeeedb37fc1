// The public measure of a core's arithmetic peak.
#include "core/cpu_isa.h"
#include "kernels/conv/peak.h"
#include "xinfer/core/device.h"

namespace xinfer {

double cpu_peak_gops(const std::string& cpu_isa, DType dtype) {
  const auto type = dtype == DType::kFloat32 ? kernels::ConvType::kF32 : kernels::ConvType::kU8S8;
  return kernels::measure_peak_gops(type, parse_isa(cpu_isa).value());
}

}  // namespace xinfer
