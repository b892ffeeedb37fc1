#include "runtime/cuda/launched_kernels.h"

#include <algorithm>
#include <optional>

#include "kernels/cuda/kernel_spec.h"

namespace xinfer::runtime {
namespace {

namespace fb = engine::fb;
using kernels::cuda::KernelArgument;
using kernels::cuda::Operand;

constexpr auto kInput = static_cast<std::uint8_t>(Operand::kInput);

bool takes_input(const fb::CudaKernel& kernel) {
  constexpr auto kPointer = static_cast<std::uint8_t>(KernelArgument::Kind::kPointer);
  constexpr auto kTensorMap = static_cast<std::uint8_t>(KernelArgument::Kind::kTensorMap);
  return std::any_of(kernel.arguments()->begin(), kernel.arguments()->end(),
                     [](const fb::KernelArgument* argument) {
                       const bool has_operand =
                           argument->kind() == kPointer || argument->kind() == kTensorMap;
                       return has_operand && argument->operand() == kInput;
                     });
}

/// The tensor that is the launch's input; -1 if none is.
std::int32_t input_tensor(const fb::Cuda& launch) {
  for (const fb::CudaOperand* operand : *launch.operands()) {
    if (operand->operand() == kInput) return operand->tensor();
  }
  return -1;
}

}  // namespace

unsigned chosen_kernel(const fb::Cuda& launch, std::span<const std::int64_t> dims) {
  for (const fb::CudaVariant* variant : *launch.variants()) {
    if (dims[launch.batch()] <= variant->largest_batch()) return variant->kernel();
  }
  return launch.variants()->Get(launch.variants()->size() - 1)->kernel();
}

std::vector<std::vector<unsigned>> tensors_made(const fb::Plan& plan,
                                                std::span<const std::int64_t> dims) {
  std::vector<std::optional<unsigned>> last_writer(plan.tensors()->size());
  std::vector<std::int32_t> left_out;  // outputs of the launches that the next one stands for
  for (unsigned i = 0; i < plan.steps()->size(); ++i) {
    const fb::Step& step = *plan.steps()->Get(i);
    const fb::Cuda& launch = *step.params_as_Cuda();
    const unsigned kernel = chosen_kernel(launch, dims);
    if (kernel == engine::kNoKernel) {
      left_out.insert(left_out.end(), step.outputs()->begin(), step.outputs()->end());
      continue;
    }
    const auto writes = [&](std::int32_t tensor) {
      if (tensor >= 0) last_writer[static_cast<std::size_t>(tensor)] = i;
    };
    std::for_each(step.outputs()->begin(), step.outputs()->end(), writes);
    const std::int32_t between = input_tensor(launch);
    if (std::ranges::find(left_out, between) != left_out.end() &&
        takes_input(*plan.kernels()->Get(kernel))) {
      writes(between);
    }
    left_out.clear();
  }
  std::vector<std::vector<unsigned>> made(plan.steps()->size());
  for (unsigned tensor = 0; tensor < last_writer.size(); ++tensor) {
    if (last_writer[tensor]) made[*last_writer[tensor]].push_back(tensor);
  }
  return made;
}

}  // namespace xinfer::runtime
