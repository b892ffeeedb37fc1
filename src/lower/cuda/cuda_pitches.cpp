// Which tensors get rows padded to 16 bytes: those that convolutions and products read.
#include <map>

#include "lower/cuda/cuda_lowering.h"

namespace xinfer::lower {
namespace {

/// The tensors that share an owner's bytes, by owner.
std::map<TensorId, std::vector<TensorId>> sharers_of(const Lowering& lowering, std::size_t count) {
  std::map<TensorId, std::vector<TensorId>> sharers;
  for (std::size_t i = 0; i < count; ++i) {
    const auto id = static_cast<TensorId>(i);
    sharers[lowering.owner(id)].push_back(id);
  }
  return sharers;
}

/// The constant last dimension that all of them have; 0 if they differ.
std::int64_t common_channels(const Lowering& lowering, const std::vector<TensorId>& tensors) {
  std::int64_t channels = 0;
  for (const TensorId id : tensors) {
    const ir::SymbolicShape& shape = lowering.shape_of(id);
    if (shape.size() < 2 || !shape.back().is_constant()) return 0;
    if (channels != 0 && shape.back().constant() != channels) return 0;
    channels = shape.back().constant();
  }
  return channels;
}

}  // namespace

std::int64_t aligned_pitch(std::int64_t channels, DType dtype) {
  const auto granule = static_cast<std::int64_t>(16 / size_of(dtype));
  return (channels + granule - 1) / granule * granule;
}

void choose_pitches(Lowering& lowering) {
  fb::PlanT& plan = lowering.plan();
  const auto sharers = sharers_of(lowering, plan.tensors.size());
  for (const auto& step : plan.steps) {
    if (step->params.type != fb::Params::Conv && step->params.type != fb::Params::Gemm) continue;
    const std::vector<TensorId>& together = sharers.at(lowering.owner(step->inputs[0]));
    bool arena = true;
    for (const TensorId id : together) {
      arena = arena && plan.tensors[static_cast<std::size_t>(id)]->storage == fb::Storage::Arena;
    }
    const std::int64_t channels = common_channels(lowering, together);
    if (!arena || channels == 0) continue;
    for (const TensorId id : together) {
      fb::TensorT& tensor = *plan.tensors[static_cast<std::size_t>(id)];
      const std::int64_t pitch = aligned_pitch(channels, static_cast<DType>(tensor.dtype));
      if (pitch != channels) tensor.pixel_stride = static_cast<std::uint64_t>(pitch);
    }
  }
}

}  // namespace xinfer::lower
