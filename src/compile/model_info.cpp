#include "xinfer/builders/model_info.h"

#include "calibrate/cache_json.h"
#include "engine/mapped_file.h"
#include "import/onnx_import.h"
#include "ir/text.h"

namespace xinfer::builders {
namespace {

std::string type_of(const ir::Value& value) {
  return std::string(to_string(value.dtype)) + ir::to_string(value.shape);
}

BindingInfo describe(const std::string& name, const ir::Value& value) {
  BindingInfo info;
  info.name = name;
  info.dtype = value.dtype;
  for (const ir::Dim& dim : value.shape) {
    const std::string symbol = dim.symbol_name();
    info.dims.push_back(symbol.empty() ? dim.to_string() : symbol);
    info.min.push_back(dim.is_constant() ? dim.constant() : 1);
    info.max.push_back(dim.is_constant() ? dim.constant() : -1);
  }
  info.opt = info.min;
  return info;
}

NodeInfo describe(const ir::Graph& graph, const ir::Node& node) {
  NodeInfo info;
  info.name = node.name;
  info.op = ir::op_name(node.op);
  for (ir::ValueId input : node.inputs) {
    info.inputs.push_back(input == ir::kNoValue ? "" : graph.value(input).name);
  }
  for (ir::ValueId output : node.outputs) {
    info.outputs.push_back(output == ir::kNoValue ? "" : graph.value(output).name);
  }
  if (!node.outputs.empty() && node.outputs[0] != ir::kNoValue) {
    info.output_type = type_of(graph.value(node.outputs[0]));
  }
  return info;
}

}  // namespace

ModelInfo inspect_model(const std::filesystem::path& path, bool free_batch) {
  ModelInfo info;
  ImportOptions options;
  options.free_batch = free_batch;
  const ir::Graph graph = import_onnx(path, options, &info.warnings).value();
  info.name = path.stem().string();
  info.opset = graph.opset;
  for (ir::ValueId input : graph.inputs()) {
    info.inputs.push_back(describe(graph.value(input).name, graph.value(input)));
  }
  for (const ir::GraphOutput& output : graph.outputs()) {
    info.outputs.push_back(describe(output.name, graph.value(output.value)));
  }
  for (ir::NodeId id : graph.order()) info.nodes.push_back(describe(graph, graph.node(id)));
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    const ir::Value& value = graph.value(static_cast<ir::ValueId>(i));
    if (value.is_constant()) info.weight_bytes += value.constant->size_bytes();
  }
  info.text = ir::print(graph);
  return info;
}

CacheInfo inspect_cache(const std::filesystem::path& path) {
  const engine::Bytes bytes = engine::map_file(path).value();
  Result<calibrate::Ranges> ranges = calibrate::read_any_cache(
      {reinterpret_cast<const char*>(bytes.data.data()), bytes.data.size()});
  if (!ranges.ok()) ranges.status().with_context(path.string()).value();
  CacheInfo info;
  info.algorithm = ranges->algorithm;
  info.model_hash = ranges->model_hash;
  info.samples = ranges->data.count;
  info.tensorrt = ranges->origin == calibrate::RangeOrigin::kTensorRt;
  for (const auto& [name, range] : ranges->entries()) {
    RangeInfo entry;
    entry.name = name;
    entry.calibrator = range.calibrator;
    entry.threshold = range.threshold;
    entry.scale = range.scale();
    if (range.observed) {
      entry.amax = range.observed->amax;
      entry.min = range.observed->min;
      entry.max = range.observed->max;
      entry.clip_share = range.observed->clip_share;
    }
    info.ranges.push_back(std::move(entry));
  }
  return info;
}

}  // namespace xinfer::builders
