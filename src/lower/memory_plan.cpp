#include "lower/memory_plan.h"

#include <algorithm>
#include <limits>

#include "core/aligned_buffer.h"
#include "kernels/matmul/matmul.h"
#include "lower/in_place.h"

namespace xinfer::lower {
namespace {

/// Bytes and life of one owner tensor in the arena: the steps from first write to last read.
struct Block {
  TensorId tensor;
  std::size_t bytes = 0;
  std::size_t first = std::numeric_limits<std::size_t>::max();
  std::size_t last = 0;
  std::size_t offset = 0;
  TensorId home = kNoTensor;  ///< whose bytes it uses, if it is written in place
  /// Blocks that share no bytes with this one although they are not alive together.
  std::vector<TensorId> rivals;

  bool overlaps(const Block& other) const {
    return (first <= other.last && other.first <= last) ||
           std::find(rivals.begin(), rivals.end(), other.tensor) != rivals.end();
  }
};

Result<std::size_t> bytes_at_maximum(const Lowering& lowering, const fb::PlanT& plan,
                                     TensorId tensor, const ir::Bindings& largest) {
  std::int64_t elements = 1;
  for (const ir::Dim& dim : lowering.shape_of(tensor)) {
    XINFER_ASSIGN_OR_RETURN(const std::int64_t value, dim.evaluate(largest));
    elements *= std::max<std::int64_t>(value, 0);
  }
  const fb::TensorT& made = *plan.tensors[static_cast<std::size_t>(tensor)];
  if (made.pixel_stride != 0) {
    XINFER_ASSIGN_OR_RETURN(const std::int64_t channels,
                            lowering.shape_of(tensor).back().evaluate(largest));
    elements = elements / channels * static_cast<std::int64_t>(made.pixel_stride);
  }
  return static_cast<std::size_t>(elements) * size_of(static_cast<DType>(made.dtype));
}

/// Packing space of a product of two run-time operands at the largest shapes.
Result<std::size_t> matmul_workspace(const Lowering& lowering, const fb::StepT& step,
                                     const ir::Bindings& largest) {
  const fb::MatMulT& params = *step.params.AsMatMul();
  const auto dims_of = [&](TensorId tensor) -> Result<std::vector<std::int64_t>> {
    std::vector<std::int64_t> dims;
    for (const ir::Dim& dim : lowering.shape_of(tensor)) {
      XINFER_ASSIGN_OR_RETURN(const std::int64_t value, dim.evaluate(largest));
      dims.push_back(value);
    }
    return dims;
  };
  XINFER_ASSIGN_OR_RETURN(const auto b, dims_of(step.inputs[1]));
  XINFER_ASSIGN_OR_RETURN(const auto y, dims_of(step.outputs[0]));
  kernels::MatmulShape shape;
  shape.transpose_a = params.transpose_a;
  shape.transpose_b = params.transpose_b;
  shape.m = y[y.size() - 2];
  shape.n = y[y.size() - 1];
  shape.k = params.transpose_b ? b[b.size() - 1] : b[b.size() - 2];
  shape.a_row_stride = params.transpose_a ? shape.m : shape.k;
  shape.b_row_stride = b[b.size() - 1];
  shape.y_row_stride = shape.n;
  std::int64_t batch = 1;
  for (std::size_t i = 0; i + 2 < y.size(); ++i) batch *= y[i];
  // Every batch its own second operand: the most that broadcasting can need.
  shape.a_offsets.clear();
  shape.b_offsets.clear();
  for (std::int64_t i = 0; i < batch; ++i) {
    shape.a_offsets.push_back(i * shape.m * shape.k);
    shape.b_offsets.push_back(i * shape.k * shape.n);
  }
  return kernels::matmul_workspace_size(shape, static_cast<kernels::ConvType>(params.type));
}

/// First gap between placed blocks that are alive at the same time.
void place(Block& block, const std::vector<const Block*>& placed) {
  std::vector<const Block*> rivals;
  for (const Block* other : placed) {
    if (block.overlaps(*other)) rivals.push_back(other);
  }
  std::sort(rivals.begin(), rivals.end(),
            [](const Block* a, const Block* b) { return a->offset < b->offset; });
  std::size_t offset = 0;
  for (const Block* rival : rivals) {
    if (offset + block.bytes <= rival->offset) break;
    offset = std::max(offset, rival->offset + rival->bytes);
  }
  block.offset = offset;
}

/// Whether the step's result may not be written over `operand`: the step ends a chain, which reads
/// its first input again after it has written some lines of the result.
bool ends_chain_of(const Lowering& lowering, std::size_t step, TensorId operand) {
  const auto& steps = lowering.plan().steps;
  for (std::size_t i = 0; i < step; ++i) {
    if (steps[i]->chain != 0 && i + steps[i]->chain - 1 == step) {
      return lowering.owner(steps[i]->inputs[0]) == operand;
    }
  }
  return false;
}

/// Lets results live on in the blocks of operands that end with the step.
void share_in_place(const Lowering& lowering, std::vector<Block>& blocks) {
  const auto& steps = lowering.plan().steps;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const TensorId operand = overwritable_operand(lowering, *steps[i]);
    if (operand == kNoTensor) continue;
    Block& result = blocks[static_cast<std::size_t>(steps[i]->outputs[0])];
    const Block& own = blocks[static_cast<std::size_t>(operand)];
    Block& home = own.home == kNoTensor ? blocks[static_cast<std::size_t>(operand)]
                                        : blocks[static_cast<std::size_t>(own.home)];
    if (home.last != i || result.first != i || ends_chain_of(lowering, i, operand)) continue;
    result.home = home.tensor;
    home.last = result.last;
  }
}

/// What a chain reads first and what it writes last are not alive together when its steps run one
/// by one, but are when they run as one.
void part_chain_ends(const Lowering& lowering, std::vector<Block>& blocks) {
  const auto& steps = lowering.plan().steps;
  const auto home_of = [&](TensorId tensor) {
    const TensorId owner = lowering.owner(tensor);
    const TensorId home = blocks[static_cast<std::size_t>(owner)].home;
    return home == kNoTensor ? owner : home;
  };
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i]->chain == 0) continue;
    const TensorId x = home_of(steps[i]->inputs[0]);
    const TensorId y = home_of(steps[i + steps[i]->chain - 1]->outputs[0]);
    blocks[static_cast<std::size_t>(x)].rivals.push_back(y);
    blocks[static_cast<std::size_t>(y)].rivals.push_back(x);
  }
}

}  // namespace

Status plan_memory(Lowering& lowering, const SymbolRanges& symbols, InPlace in_place) {
  fb::PlanT& plan = lowering.plan();
  ir::Bindings largest;
  for (const auto& [name, range] : symbols) largest[name] = range.max;

  std::vector<Block> blocks(plan.tensors.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i].tensor = static_cast<TensorId>(i);
  for (std::size_t step = 0; step < plan.steps.size(); ++step) {
    for (const auto* operands : {&plan.steps[step]->inputs, &plan.steps[step]->outputs}) {
      for (TensorId operand : *operands) {
        if (operand == kNoTensor) continue;
        Block& block = blocks[static_cast<std::size_t>(lowering.owner(operand))];
        block.first = std::min(block.first, step);
        block.last = std::max(block.last, step);
      }
    }
  }
  if (in_place == InPlace::kYes) share_in_place(lowering, blocks);
  part_chain_ends(lowering, blocks);
  for (auto& step : plan.steps) {
    if (step->params.type != fb::Params::MatMul) continue;
    XINFER_ASSIGN_OR_RETURN(step->workspace_bytes, matmul_workspace(lowering, *step, largest));
  }
  std::vector<Block*> by_size;
  for (Block& block : blocks) {
    const fb::TensorT& tensor = *plan.tensors[static_cast<std::size_t>(block.tensor)];
    if (tensor.storage != fb::Storage::Arena || lowering.owner(block.tensor) != block.tensor) {
      continue;
    }
    XINFER_ASSIGN_OR_RETURN(const std::size_t bytes,
                            bytes_at_maximum(lowering, plan, block.tensor, largest));
    // The readable margin behind every tensor keeps kernels inside the arena.
    block.bytes = align_up(bytes + kBufferMargin, kBufferAlignment);
    if (block.home == kNoTensor && block.first <= block.last) by_size.push_back(&block);
  }
  std::stable_sort(by_size.begin(), by_size.end(),
                   [](const Block* a, const Block* b) { return a->bytes > b->bytes; });
  std::vector<const Block*> placed;
  for (Block* block : by_size) {
    place(*block, placed);
    placed.push_back(block);
    plan.arena_bytes = std::max<std::uint64_t>(plan.arena_bytes, block->offset + block->bytes);
  }
  for (std::size_t i = 0; i < plan.tensors.size(); ++i) {
    fb::TensorT& tensor = *plan.tensors[i];
    const auto owner = static_cast<std::size_t>(lowering.owner(static_cast<TensorId>(i)));
    const Block& block = blocks[owner];
    const Block& home =
        block.home == kNoTensor ? block : blocks[static_cast<std::size_t>(block.home)];
    if (tensor.storage == fb::Storage::Arena) tensor.offset = home.offset;
  }
  return {};
}

}  // namespace xinfer::lower
