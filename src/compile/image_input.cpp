#include "compile/image_input.h"

#include <utility>

#include "ir/infer.h"

namespace xinfer::compile {
namespace {

/// The input's shape, negative where it is dynamic.
Shape fixed_shape(const ir::SymbolicShape& dims) {
  Shape shape;
  for (const ir::Dim& dim : dims) shape.push_back(dim.is_constant() ? dim.constant() : -1);
  return shape;
}

/// One value for each channel.
std::vector<double> per_channel(const std::vector<double>& values, int channels) {
  if (values.size() != 1) return values;
  return std::vector<double>(static_cast<std::size_t>(channels), values[0]);
}

}  // namespace

Result<ir::ConvertImage> image_conversion(const ir::Graph& graph,
                                          const Preprocessing& preprocessing) {
  if (graph.inputs().size() != 1) {
    return invalid_argument("a u8 input needs a model with one input, images; this one has {}",
                            graph.inputs().size());
  }
  const ir::Value& input = graph.value(graph.inputs()[0]);
  if (input.dtype != DType::kFloat32 || input.is_quantized()) {
    return invalid_argument("a u8 input stands for a float32 one; input \"{}\" is {}", input.name,
                            to_string(input.dtype));
  }
  Result<bool> channels_last = has_channels_last(preprocessing, fixed_shape(input.shape));
  if (!channels_last.ok()) return channels_last.status().with_context("u8 input");
  const std::size_t channel_axis = *channels_last ? 3 : 1;
  if (!input.shape[channel_axis].is_constant()) {
    return invalid_argument("a u8 input needs to know its channels; input \"{}\" is {}", input.name,
                            ir::to_string(input.shape));
  }
  const int channels = preprocessing.channels();
  ir::ConvertImage conversion;
  conversion.pixel_scale = preprocessing.scale;
  conversion.mean = per_channel(preprocessing.mean, channels);
  conversion.deviation = per_channel(preprocessing.std, channels);
  conversion.channels_first = !*channels_last;
  return conversion;
}

Status check_pixel_input(const ir::Graph& graph, const Preprocessing& preprocessing) {
  if (graph.inputs().size() != 1) return {};
  const ir::Value& input = graph.value(graph.inputs()[0]);
  if (input.dtype != DType::kUInt8) return {};
  return check_applied_normalization(preprocessing, pixels_as_they_are())
      .with_context("input \"" + input.name + "\"");
}

Status take_image_input(ir::Graph& graph, ir::ConvertImage conversion) {
  const ir::ValueId input = graph.inputs()[0];
  const ir::SymbolicShape shape = graph.value(input).shape;
  const bool channels_first = conversion.channels_first;
  const std::string name = graph.value(input).name;
  const std::vector<std::string> outputs = {name + "_normalized"};
  // A model without nodes has its input as its output.
  const ir::NodeId node =
      graph.order().empty()
          ? graph.add_node(name + " pixels", std::move(conversion), {input}, outputs)
          : graph.insert_node_before(graph.order().front(), name + " pixels", std::move(conversion),
                                     {input}, outputs);
  graph.replace_uses(input, graph.node(node).outputs[0]);
  ir::Value& pixels = graph.value(input);
  pixels.dtype = DType::kUInt8;
  if (channels_first) pixels.shape = {shape[0], shape[2], shape[3], shape[1]};
  return ir::infer_node(graph, node);
}

}  // namespace xinfer::compile
