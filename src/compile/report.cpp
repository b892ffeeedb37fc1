#include "compile/report.h"

#include "xinfer/core/version.h"

namespace xinfer::compile {
namespace {

namespace fb = engine::fb;

void add_property(fb::EngineT& engine, const std::string& key, const std::string& value) {
  auto property = std::make_unique<fb::PropertyT>();
  property->key = key;
  property->value = value;
  engine.properties.push_back(std::move(property));
}

std::unique_ptr<fb::NodeReportT> describe_node(const ir::Graph& graph, const ir::Node& node,
                                               const passes::NodePrecision& decided,
                                               const passes::PrecisionPlan& plan,
                                               const calibrate::Ranges& ranges) {
  auto report = std::make_unique<fb::NodeReportT>();
  report->name = node.name;
  report->op = ir::op_name(node.op);
  report->precision = ir::to_string(decided.precision);
  report->reason = decided.reason;
  report->macs = decided.macs;
  const ir::ValueId output = node.outputs.empty() ? ir::kNoValue : node.outputs[0];
  if (output == ir::kNoValue) return report;
  const ir::Value& value = graph.value(output);
  report->output = value.name;
  report->output_dtype = to_string(value.dtype);
  if (const auto it = plan.values.find(output); it != plan.values.end()) {
    report->output_dtype = to_string(it->second.dtype);
    report->scale = it->second.scale;
    report->threshold = static_cast<float>(it->second.threshold);
  }
  if (const calibrate::ValueRange* range = ranges.find(value.name); range && range->observed) {
    report->clip_share = static_cast<float>(range->observed->clip_share);
  }
  return report;
}

}  // namespace

void describe_image_input(const ir::ConvertImage& conversion, fb::EngineT& engine) {
  add_property(engine, "u8_input", conversion.channels_first ? "nchw" : "nhwc");
}

fb::EngineT describe_build(const ir::Graph& graph, const passes::PrecisionPlan& plan,
                           const calibrate::Ranges& ranges) {
  fb::EngineT engine;
  engine.model = graph.name;
  engine.xinfer_version = kVersion;
  engine.int8_mac_share = plan.int8_mac_share(graph);
  for (ir::NodeId id : graph.order()) {
    const auto it = plan.nodes.find(id);
    if (it == plan.nodes.end()) continue;
    engine.nodes.push_back(describe_node(graph, graph.node(id), it->second, plan, ranges));
  }
  if (ranges.size() > 0) {
    add_property(engine, "calibrator", ranges.algorithm);
  }
  return engine;
}

std::vector<LayerInfo> layers_of(const fb::EngineT& engine) {
  std::vector<LayerInfo> layers;
  for (const auto& node : engine.nodes) {
    LayerInfo& layer = layers.emplace_back();
    layer.name = node->name;
    layer.op = node->op;
    layer.precision = node->precision;
    layer.reason = node->reason;
    layer.macs = node->macs;
    layer.output = node->output;
    layer.output_dtype = node->output_dtype;
    layer.scale = node->scale;
    layer.threshold = static_cast<double>(node->threshold);
    layer.clip_share = static_cast<double>(node->clip_share);
  }
  return layers;
}

}  // namespace xinfer::compile
