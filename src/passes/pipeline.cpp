#include "passes/pipeline.h"

#include "ir/text_fields.h"
#include "ir/verify.h"
#include "passes/absorb_quantization.h"
#include "passes/fold_batch_norm.h"
#include "passes/fold_channel_affine.h"
#include "passes/fold_constants.h"
#include "passes/fold_padding.h"
#include "passes/fold_transpose_into_matmul.h"
#include "passes/fuse_epilogues.h"
#include "passes/hoist_transposes.h"
#include "passes/merge_movement.h"
#include "passes/recognise_activations.h"
#include "passes/recognise_channel_shuffle.h"
#include "passes/recognise_gelu.h"
#include "passes/recognise_layer_norm.h"
#include "passes/remove_identities.h"
#include "passes/share_common_subexpressions.h"
#include "passes/split_merged_projections.h"

namespace xinfer::passes {
namespace {

/// One rewrite may open the way for another; graphs settle in two or three rounds.
constexpr int kMaxRounds = 16;

struct Pass {
  const char* name;
  std::function<Status(ir::Graph&)> run;
};

std::vector<Pass> simplify_passes(const Evaluator& evaluate) {
  return {
      // Shape arithmetic and constant branches first: patterns below look for constants.
      {"fold_constants", [&](ir::Graph& graph) { return fold_constants(graph, evaluate); }},
      // Before the patterns: exporters emit the same Sub or Slice twice.
      {"share_common_subexpressions", share_common_subexpressions},
      {"remove_identities", remove_identities},
      // Before merge_movement, which would take the Transpose of a K^T apart from its MatMul, and
      // the pieces of a shuffle from each other.
      {"fold_transpose_into_matmul", fold_transpose_into_matmul},
      {"recognise_channel_shuffle", recognise_channel_shuffle},
      {"merge_movement", merge_movement},
      // Before fold_channel_affine: a convolution must not swallow the scale that starts a GELU or
      // ends a LayerNorm pattern.
      {"recognise_layer_norm", recognise_layer_norm},
      {"recognise_gelu", recognise_gelu},
      {"recognise_activations", recognise_activations},
      {"fold_padding", fold_padding},
      // Batch norm first: what it leaves as Mul and Add may follow another foldable node.
      {"fold_batch_norm", fold_batch_norm},
      {"fold_channel_affine", fold_channel_affine},
      // Behind fold_channel_affine: the parts take their share of the merged bias with them.
      {"split_merged_projections", split_merged_projections},
      {"remove_dead_nodes",
       [](ir::Graph& graph) {
         graph.remove_dead_nodes();
         return Status();
       }},
  };
}

/// Nodes, ops and operands as text: equal before and after a round that changed nothing.
std::string structure_of(const ir::Graph& graph) {
  std::string text;
  for (ir::NodeId id : graph.order()) {
    const ir::Node& node = graph.node(id);
    text += fmt::format("{} {} {}\n", fmt::join(node.outputs, ","), ir::fields_text(node.op),
                        fmt::join(node.inputs, ","));
  }
  return text;
}

Status run_pass(ir::Graph& graph, const Pass& pass, const PassObserver& observe) {
  Status status = pass.run(graph);
  if (status.ok()) status = ir::verify(graph);
  if (!status.ok()) return std::move(status).with_context(pass.name);
  if (observe) observe(pass.name, graph);
  return Status();
}

}  // namespace

Status simplify(ir::Graph& graph, const Evaluator& evaluate, const PassObserver& observe) {
  const std::vector<Pass> passes = simplify_passes(evaluate);
  std::string before;
  for (int round = 0; round < kMaxRounds; ++round) {
    for (const Pass& pass : passes) XINFER_RETURN_IF_ERROR(run_pass(graph, pass, observe));
    std::string after = structure_of(graph);
    if (after == before) return Status();
    before = std::move(after);
  }
  return internal_error("simplify did not settle in {} rounds", kMaxRounds);
}

Status fuse(ir::Graph& graph) {
  // Epilogues first: a Quantize is absorbed by whatever then writes the value it reads.
  XINFER_RETURN_IF_ERROR(run_pass(graph, {"fuse_epilogues", fuse_epilogues}, {}));
  XINFER_RETURN_IF_ERROR(run_pass(graph, {"absorb_quantization", absorb_quantization}, {}));
  // Last: calibration, plans and reports know the values as the model has them.
  return run_pass(graph, {"hoist_transposes", hoist_transposes}, {});
}

}  // namespace xinfer::passes
