#include "lower/cuda/lower_cuda.h"

#include "lower/cuda/cuda_lowering.h"
#include "lower/handlers.h"
#include "lower/memory_plan.h"

namespace xinfer::lower {

Result<OpenCudaPlan> lower_cuda(const ir::Graph& graph, const SymbolRanges& symbols,
                                const CudaTarget& target, engine::BlobWriter& blobs,
                                const NodePrecisions& precisions) {
  engine::BlobWriter rows;
  Lowering lowering(graph, rows, WeightForm::kRows);
  XINFER_RETURN_IF_ERROR(lower_graph(lowering));
  CudaLowering cuda(lowering, rows, symbols, target, blobs, precisions);
  XINFER_RETURN_IF_ERROR(cuda.run());
  XINFER_RETURN_IF_ERROR(plan_memory(lowering, symbols));
  OpenCudaPlan open;
  open.launches = cuda.take_launches();
  open.plan = lowering.take_plan();
  return open;
}

}  // namespace xinfer::lower
