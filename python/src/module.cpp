// xinfer._core: the C++ library as the Python package uses it. Public headers only.
#include "module.h"

#include "xinfer/builders/engine_builder.h"
#include "xinfer/core/version.h"

NB_MODULE(_core, module) {
  module.doc() = "xinfer's C++ library; use the package xinfer.";
  module.attr("__version__") = xinfer::kVersion;
  xinfer::builders::make_missing_plans();
  xinfer::python::bind_errors(module);
  xinfer::python::bind_engine(module);
  xinfer::python::bind_builder(module);
  xinfer::python::bind_network(module);
  xinfer::python::bind_inspection(module);
  xinfer::python::bind_evaluation(module);
}
