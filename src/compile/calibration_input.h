// Whether what a calibrator gives fits the model.
#pragma once

#include <cstdint>

#include "core/status.h"
#include "ir/graph.h"
#include "xinfer/core/tensor.h"

namespace xinfer::compile {

/// Fails, naming the input and what it needs, unless `tensor` is `samples` samples of `input`, a
/// multiple of the model's own `fixed_batch` (0: the batch is dynamic).
Status check_calibration_input(const ir::Value& input, const Tensor& tensor, std::int64_t samples,
                               std::int64_t fixed_batch);

}  // namespace xinfer::compile
