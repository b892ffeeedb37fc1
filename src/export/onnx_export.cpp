#include "export/onnx_export.h"

#include "export/onnx_writer.h"

namespace xinfer {

Result<std::string> export_onnx(const ir::Graph& graph, const ExportOptions& options) {
  exporting::OnnxWriter writer(graph, options.quantized_biases);
  for (const ir::NodeId id : graph.order()) {
    XINFER_RETURN_IF_ERROR(exporting::write_node(writer, graph.node(id)));
  }
  return writer.finish();
}

}  // namespace xinfer
