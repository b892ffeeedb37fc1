#include "compile/calibration_input.h"

namespace xinfer::compile {

Status check_calibration_input(const ir::Value& input, const Tensor& tensor, std::int64_t samples,
                               std::int64_t fixed_batch) {
  const auto refuse = [&](const std::string& what) {
    return invalid_argument("calibration batch for input \"{}\": {}", input.name, what);
  };
  const auto wrong_shape = [&] {
    return refuse(fmt::format("it has shape {}; the model needs {}", to_string(tensor.shape()),
                              ir::to_string(input.shape)));
  };
  if (tensor.empty()) return refuse("the calibrator set no tensor");
  if (tensor.dtype() != input.dtype) {
    return refuse(fmt::format("it is {}; the model needs {}", to_string(tensor.dtype()),
                              to_string(input.dtype)));
  }
  if (tensor.shape().size() != input.shape.size()) return wrong_shape();
  for (std::size_t axis = 1; axis < input.shape.size(); ++axis) {
    if (input.shape[axis].is_constant() && tensor.shape()[axis] != input.shape[axis].constant()) {
      return wrong_shape();
    }
  }
  if (tensor.shape()[0] != samples) {
    return refuse(
        fmt::format("it has {} samples, another input has {}", tensor.shape()[0], samples));
  }
  if (samples == 0) return refuse("it has no samples");
  if (fixed_batch > 0 && samples % fixed_batch != 0) {
    return refuse(fmt::format("{} samples are no multiple of the model's fixed batch {}", samples,
                              fixed_batch));
  }
  return {};
}

}  // namespace xinfer::compile
