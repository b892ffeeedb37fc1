#include "launch_arguments.h"

#include <algorithm>
#include <cstring>

namespace xinfer::gpu::emulator {
namespace {

using kernels::cuda::KernelArgument;
using kernels::cuda::Operand;

constexpr const char* kNames[] = {
    "input",  "second input", "weights", "multiplier",     "bias",       "output", "step 0",
    "step 1", "step 2",       "step 3",  "second weights", "multiplier", "bias"};
static_assert(std::size(kNames) == kernels::cuda::kOperandCount);
constexpr std::uintptr_t kGuard = 4096;

// Where an output's padding channels are stored, its residual is read as far, though not used.
constexpr std::size_t kReadBehindResiduals = 64;

}  // namespace

Result<LaunchArguments> LaunchArguments::bind(const GpuCase& test) {
  LaunchArguments result;
  result.y_bytes_ = test.y_bytes;
  result.y_offset_ = test.y_offset;
  for (const auto& [operand, bytes] : test.inputs) result.add(operand, bytes);
  result.add(Operand::kOutput, test.y_before.empty()
                                   ? std::vector<std::uint8_t>(test.y_bytes, kFill)
                                   : test.y_before);
  result.more_outputs_ = test.more_outputs;
  for (const KernelArgument& argument : test.spec.arguments) {
    XINFER_RETURN_IF_ERROR(result.add_argument(test, argument));
  }
  return result;
}

void LaunchArguments::add(Operand operand, const std::vector<std::uint8_t>& bytes) {
  const bool is_step = operand >= Operand::kStep0 && operand <= Operand::kStep3;
  const std::size_t readable = is_step ? kReadBehindResiduals : 0;
  buffers_.push_back({operand, GuardedMemory(bytes.size() + readable)});
  const GuardedMemory& memory = buffers_.back().memory;
  std::memset(memory.data(), kFill, (memory.size() + 15) / 16 * 16);
  std::memcpy(memory.data(), bytes.data(), bytes.size());
}

std::uint8_t* LaunchArguments::address(Operand operand) const {
  for (const auto& [other, offset] : more_outputs_) {
    if (other == operand) return buffers_.back().memory.data() + offset;
  }
  for (const Buffer& buffer : buffers_) {
    if (buffer.operand != operand) continue;
    return buffer.memory.data() + (operand == Operand::kOutput ? y_offset_ : 0);
  }
  return nullptr;
}

Status LaunchArguments::add_argument(const GpuCase& test, const KernelArgument& argument) {
  switch (argument.kind) {
    case KernelArgument::Kind::kPointer: {
      const std::uint8_t* value = address(argument.operand);
      append(&value, sizeof(value));
      break;
    }
    case KernelArgument::Kind::kStepPointers: {
      const std::array<std::uint8_t*, 4> steps = {
          address(Operand::kStep0), address(Operand::kStep1), address(Operand::kStep2),
          address(Operand::kStep3)};
      append(steps.data(), sizeof(steps));
      break;
    }
    case KernelArgument::Kind::kBatch: {
      const int value = static_cast<int>(test.batch);
      append(&value, sizeof(value));
      break;
    }
    case KernelArgument::Kind::kTensorMap: {
      const auto& recipe = test.spec.tensor_maps[static_cast<std::size_t>(argument.tensor_map)];
      XINFER_ASSIGN_OR_RETURN(BoundTensorMap map,
                              BoundTensorMap::bind(recipe, address(argument.operand), test.batch));
      maps_.push_back(std::make_unique<BoundTensorMap>(map));
      const TensorMapSlot slot = {maps_.back().get()};
      append(&slot, sizeof(slot));
      break;
    }
    case KernelArgument::Kind::kNoTensorMap: {
      const TensorMapSlot slot = {nullptr};
      append(&slot, sizeof(slot));
      break;
    }
  }
  return Status();
}

void LaunchArguments::append(const void* value, std::size_t bytes) {
  values_.push_back(std::make_unique<Slot>());
  std::memcpy(values_.back()->bytes, value, bytes);
  slots_.push_back(values_.back()->bytes);
}

Result<std::vector<std::uint8_t>> LaunchArguments::output() const {
  const std::uint8_t* y = buffers_.back().memory.data();
  for (std::size_t i = y_bytes_; i % 16 != 0; ++i) {
    if (y[i] != kFill) return internal_error("byte {} behind the output was written", i - y_bytes_);
  }
  return std::vector<std::uint8_t>(y, y + y_bytes_);
}

std::string LaunchArguments::nearest_operand(const void* address) const {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  for (const Buffer& buffer : buffers_) {
    const auto first = reinterpret_cast<std::uintptr_t>(buffer.memory.data());
    const std::uintptr_t end = first + buffer.memory.size();
    if (at + 2 * kGuard < first || at >= end + kGuard) continue;
    const auto offset = static_cast<std::int64_t>(at - first);
    return fmt::format("byte {} of {}, which has {}", offset,
                       kNames[static_cast<std::size_t>(buffer.operand)], buffer.memory.size());
  }
  return "memory that is no operand's";
}

}  // namespace xinfer::gpu::emulator
