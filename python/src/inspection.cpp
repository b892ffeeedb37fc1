// What models, caches and this machine are.
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/string.h>

#include "describe.h"
#include "module.h"
#include "xinfer/builders/engine_builder.h"
#include "xinfer/builders/model_info.h"
#include "xinfer/core/device.h"

namespace xinfer::python {
namespace {

nb::dict model_to_dict(const builders::ModelInfo& model) {
  nb::list nodes;
  for (const builders::NodeInfo& node : model.nodes) {
    nb::dict entry;
    entry["name"] = node.name.c_str();
    entry["op"] = node.op.c_str();
    entry["inputs"] = nb::tuple(describe(node.inputs));
    entry["outputs"] = nb::tuple(describe(node.outputs));
    entry["output_type"] = node.output_type.c_str();
    nodes.append(entry);
  }
  nb::dict result;
  result["name"] = model.name.c_str();
  result["opset"] = model.opset;
  result["inputs"] = describe(model.inputs);
  result["outputs"] = describe(model.outputs);
  result["nodes"] = nodes;
  result["weight_bytes"] = model.weight_bytes;
  result["warnings"] = nb::tuple(describe(model.warnings));
  result["text"] = model.text.c_str();
  return result;
}

nb::dict cache_to_dict(const builders::CacheInfo& cache) {
  nb::list ranges;
  for (const builders::RangeInfo& range : cache.ranges) {
    nb::dict entry;
    entry["name"] = range.name.c_str();
    entry["calibrator"] = range.calibrator.c_str();
    entry["threshold"] = range.threshold;
    entry["scale"] = range.scale;
    entry["amax"] = range.amax;
    entry["min"] = range.min;
    entry["max"] = range.max;
    entry["clip_share"] = range.clip_share;
    ranges.append(entry);
  }
  nb::dict result;
  result["algorithm"] = cache.algorithm.c_str();
  result["model_hash"] = cache.model_hash.c_str();
  result["samples"] = cache.samples;
  result["tensorrt"] = cache.tensorrt;
  result["ranges"] = ranges;
  return result;
}

}  // namespace

void bind_inspection(nb::module_& module) {
  module.def(
      "inspect_model",
      [](const std::filesystem::path& path, bool free_batch) {
        return model_to_dict(builders::inspect_model(path, free_batch));
      },
      nb::arg("path"), nb::arg("free_batch") = false);
  module.def(
      "inspect_cache",
      [](const std::filesystem::path& path) {
        return cache_to_dict(builders::inspect_cache(path));
      },
      nb::arg("path"));
  module.def("supported_operators", [] { return describe(builders::supported_operators()); });
  module.def("cpu_name", [] { return cpu_name(); });
  module.def("cpu_count", [] { return cpu_count(); });
  module.def("gpu_names", [] {
    nb::list names;
    for (const GpuInfo& gpu : gpus()) names.append(gpu.name.c_str());
    return names;
  });
  module.def("gpu_driver_status", &gpu_driver_status);
  module.def("kernel_compiler_status", &builders::kernel_compiler_status);
  module.def("cpu_instruction_sets", [] { return describe(cpu_instruction_sets()); });
}

}  // namespace xinfer::python
