#include "xinfer/builders/model_info.h"

#include "calibrate/cache_json.h"
#include "compile/describe_graph.h"
#include "engine/mapped_file.h"
#include "import/onnx_import.h"
#include "import/registry.h"
#include "ir/text.h"

namespace xinfer::builders {

ModelInfo inspect_model(const std::filesystem::path& path, bool free_batch) {
  ModelInfo info;
  ImportOptions options;
  options.free_batch = free_batch;
  const ir::Graph graph = import_onnx(path, options, &info.warnings).value();
  info.name = path.stem().string();
  info.opset = graph.opset;
  info.inputs = compile::describe_inputs(graph);
  info.outputs = compile::describe_outputs(graph);
  info.nodes = compile::describe_nodes(graph);
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    const ir::Value& value = graph.value(static_cast<ir::ValueId>(i));
    if (value.is_constant()) info.weight_bytes += value.constant->size_bytes();
  }
  info.text = ir::print(graph);
  return info;
}

std::vector<std::string> supported_operators() {
  std::vector<std::string> names;
  for (const import::OpEntry& op : import::all_ops()) {
    if (names.empty() || names.back() != op.name) names.emplace_back(op.name);
  }
  return names;
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
