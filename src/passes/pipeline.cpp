#include "passes/pipeline.h"

#include "ir/verify.h"
#include "passes/absorb_quantization.h"
#include "passes/fuse_epilogues.h"

namespace xinfer::passes {

Status fuse(ir::Graph& graph) {
  // Epilogues first: a Quantize is absorbed by whatever then writes the value it reads.
  XINFER_RETURN_IF_ERROR(fuse_epilogues(graph));
  XINFER_RETURN_IF_ERROR(ir::verify(graph));
  XINFER_RETURN_IF_ERROR(absorb_quantization(graph));
  return ir::verify(graph);
}

}  // namespace xinfer::passes
