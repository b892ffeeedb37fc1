// Calibration data that Python supplies.
#pragma once

#include <memory>

#include "module.h"
#include "xinfer/builders/calibrator.h"

namespace xinfer::python {

/// Wraps an object with the methods batch_size(), next_batch(names) -> list of arrays or None,
/// algorithm(), sample_count() -> int or None, read_cache() -> bytes or None, write_cache(bytes),
/// keeps_cache() -> bool.
/// They are called with the interpreter's lock held; their exceptions pass through the build.
std::shared_ptr<builders::INT8Calibrator> make_calibrator(nb::object source);

}  // namespace xinfer::python
