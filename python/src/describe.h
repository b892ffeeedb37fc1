// Reports of the library as dictionaries, from which the package makes dataclasses.
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <vector>

#include "xinfer/builders/engine_builder.h"
#include "xinfer/core/engine.h"

namespace xinfer::python {

namespace nb = nanobind;

nb::list describe(const std::vector<BindingInfo>& bindings);
nb::list describe(const std::vector<LayerInfo>& layers);
nb::list describe(const std::vector<StepInfo>& steps);
nb::list describe(const std::vector<std::string>& texts);
nb::dict describe(const builders::BuildReport& report);
/// A tuple.
nb::object describe(const Shape& shape);

}  // namespace xinfer::python
