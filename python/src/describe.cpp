#include "describe.h"

namespace xinfer::python {

nb::object describe(const Shape& shape) {
  nb::list sizes;
  for (const std::int64_t size : shape) sizes.append(size);
  return nb::tuple(sizes);
}

nb::list describe(const std::vector<std::string>& texts) {
  nb::list list;
  for (const std::string& text : texts) list.append(text.c_str());
  return list;
}

nb::list describe(const std::vector<BindingInfo>& bindings) {
  nb::list list;
  for (const BindingInfo& binding : bindings) {
    nb::dict entry;
    entry["name"] = binding.name.c_str();
    entry["dtype"] = to_string(binding.dtype);
    entry["dims"] = nb::tuple(describe(binding.dims));
    entry["min"] = describe(binding.min);
    entry["opt"] = describe(binding.opt);
    entry["max"] = describe(binding.max);
    list.append(entry);
  }
  return list;
}

nb::list describe(const std::vector<LayerInfo>& layers) {
  nb::list list;
  for (const LayerInfo& layer : layers) {
    nb::dict entry;
    entry["name"] = layer.name.c_str();
    entry["op"] = layer.op.c_str();
    entry["precision"] = layer.precision.c_str();
    entry["reason"] = layer.reason.c_str();
    entry["macs"] = layer.macs;
    entry["output"] = layer.output.c_str();
    entry["output_dtype"] = layer.output_dtype.c_str();
    entry["scale"] = layer.scale;
    entry["threshold"] = layer.threshold;
    entry["clip_share"] = layer.clip_share;
    list.append(entry);
  }
  return list;
}

nb::list describe(const std::vector<StepInfo>& steps) {
  nb::list list;
  for (const StepInfo& step : steps) {
    nb::dict entry;
    entry["name"] = step.name.c_str();
    entry["kind"] = step.kind.c_str();
    entry["origins"] = nb::tuple(describe(step.origins));
    entry["output_dtype"] = step.output_dtype.c_str();
    list.append(entry);
  }
  return list;
}

nb::dict describe(const builders::BuildReport& report) {
  nb::dict entry;
  entry["layers"] = describe(report.layers);
  entry["int8_mac_share"] = report.int8_mac_share;
  entry["calibration_samples"] = report.calibration_samples;
  entry["calibration_seconds"] = report.calibration_seconds;
  entry["total_seconds"] = report.total_seconds;
  entry["engine_bytes"] = report.engine_bytes;
  entry["warnings"] = nb::tuple(describe(report.warnings));
  return entry;
}

}  // namespace xinfer::python
