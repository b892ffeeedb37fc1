#include "compile/run_graph.h"

#include "compile/execute.h"
#include "passes/pipeline.h"

namespace xinfer::compile {

Result<std::vector<Tensor>> run_graph(const ir::Graph& graph,
                                      const std::map<std::string, Tensor>& inputs, bool fused) {
  std::vector<Tensor> ordered;
  for (ir::ValueId input : graph.inputs()) {
    const auto it = inputs.find(graph.value(input).name);
    if (it == inputs.end()) {
      return invalid_argument("input \"{}\" is missing", graph.value(input).name);
    }
    ordered.push_back(it->second);
  }
  ir::Graph simplified = graph;
  XINFER_RETURN_IF_ERROR(passes::simplify(simplified, node_evaluator()));
  if (fused) XINFER_RETURN_IF_ERROR(passes::fuse(simplified));
  return execute(simplified, ordered);
}

}  // namespace xinfer::compile
