#include "kernels/cuda/kernel_spec.h"

#include <algorithm>
#include <limits>

namespace xinfer::kernels::cuda {

std::int64_t GridRule::tiles(std::int64_t batch) const {
  std::int64_t items = 0, all = 0;
  const bool overflows = __builtin_mul_overflow(batch, items_per_image, &items) ||
                         __builtin_add_overflow(items, items_per_tile - 1, &items) ||
                         __builtin_mul_overflow(items / items_per_tile, tiles_per_item_tile, &all);
  return overflows ? std::numeric_limits<std::int64_t>::max() : all;
}

std::int64_t GridRule::blocks(std::int64_t batch, int multiprocessors) const {
  const std::int64_t all = tiles(batch);
  if (persistent_blocks_per_multiprocessor == 0) return all;
  const std::int64_t resident =
      std::int64_t{persistent_blocks_per_multiprocessor} * multiprocessors;
  const std::int64_t blocks = std::min(all, resident) / multiple * multiple;
  return std::max<std::int64_t>(blocks, multiple);
}

std::vector<KernelArgument> weighted_arguments(Operand weights) {
  using Kind = KernelArgument::Kind;
  return {{Kind::kPointer, Operand::kInput},
          {Kind::kPointer, weights},
          {Kind::kPointer, Operand::kMultiplier},
          {Kind::kPointer, Operand::kBias},
          {Kind::kPointer, Operand::kOutput},
          {Kind::kStepPointers},
          {Kind::kBatch}};
}

std::vector<KernelArgument> mapped_arguments() {
  using Kind = KernelArgument::Kind;
  return {{Kind::kTensorMap, Operand::kInput, 0},
          {Kind::kTensorMap, Operand::kWeights, 1},
          {Kind::kPointer, Operand::kMultiplier},
          {Kind::kPointer, Operand::kBias},
          {Kind::kPointer, Operand::kOutput},
          {Kind::kStepPointers},
          {Kind::kBatch}};
}

KernelSpec waiting_late(KernelSpec spec) {
  spec.waits_late = true;
  spec.tactic += "_late";
  return spec;
}

std::string translation_unit(const KernelSpec& spec) {
  const std::string form = spec.waits_late ? "#define XI_WAITS_LATE\n" : "";
  return form + "#include \"" + spec.source + "\"\n";
}

}  // namespace xinfer::kernels::cuda
