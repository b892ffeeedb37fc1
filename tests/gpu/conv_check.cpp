// Checks the CUDA convolution kernels against the reference, byte for byte, over seeded random
// layers. Two phases, so that the machine with the GPU needs neither compiler nor NVRTC:
//   gpu_conv_check compile FOLDER ARCHITECTURE BACKEND FIRST_SEED COUNT
//   gpu_conv_check run     FOLDER ARCHITECTURE BACKEND FIRST_SEED COUNT
// BACKEND is mma or wgmma. Exit code 0: every layer compiled (ran and matched).
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "device/cuda_device.h"
#include "device/cuda_memory.h"
#include "jit/cubin_info.h"
#include "kernel_store.h"
#include "kernels/cuda/bound_kernel.h"
#include "random_conv.h"
#include "tactics.h"

namespace xinfer::gpu {
namespace {

using kernels::cuda::BoundKernel;
using kernels::cuda::KernelSpec;
using kernels::cuda::Operand;
using kernels::cuda::OperandAddresses;

constexpr std::uint8_t kFill = 0xA5;

struct Case {
  RandomConv conv;
  KernelSpec spec;
};

Case make_case(std::uint64_t seed, bool wgmma) {
  Case result;
  result.conv = make_random_conv(seed, wgmma ? ConvFlavour::kDense : ConvFlavour::kAnyGroups);
  const std::vector<KernelSpec> specs =
      wgmma ? wgmma_variants(result.conv.problem) : mma_variants(result.conv.problem);
  if (!specs.empty()) result.spec = specs[seed % specs.size()];
  return result;
}

// Compiles one case; reports kernels that use local memory.
Status compile_case(const Case& test, const KernelStore& store) {
  XINFER_ASSIGN_OR_RETURN(const std::vector<std::byte> cubin, store.cubin(test.spec));
  XINFER_ASSIGN_OR_RETURN(const auto resources, jit::cubin_resources(cubin));
  for (const jit::KernelResources& kernel : resources) {
    if (kernel.local_bytes == 0) continue;
    fmt::print("{} {}: {} bytes of local memory, {} registers; {}\n", kernel.entry,
               test.spec.tactic, kernel.local_bytes, kernel.registers, test.conv.description);
  }
  return Status();
}

// Device copies of a case's tensors, freed together.
struct DeviceCase {
  std::vector<cuda::Buffer> buffers;
  OperandAddresses addresses;

  Status put(Operand operand, const void* data, std::size_t size) {
    XINFER_ASSIGN_OR_RETURN(cuda::Buffer buffer, cuda::Buffer::allocate(size + 64));
    XINFER_RETURN_IF_ERROR(cuda::copy_to_device(buffer.address(), data, size));
    addresses.set(operand, buffer.address());
    buffers.push_back(std::move(buffer));
    return Status();
  }
};

Status upload(const RandomConv& conv, DeviceCase& device) {
  const auto& problem = conv.problem;
  const auto layout = kernels::cuda::conv_layout(problem.shape, problem.input);
  std::vector<std::uint8_t> packed(layout.weight_bytes());
  kernels::cuda::pack_conv_weights(problem.shape, layout, conv.weights.data(), packed.data());
  std::vector<float> multiplier(static_cast<std::size_t>(layout.table_length()));
  std::vector<float> bias(multiplier.size());
  kernels::cuda::pack_conv_table(layout, conv.multiplier, multiplier.data());
  kernels::cuda::pack_conv_table(layout, conv.bias, bias.data());
  XINFER_RETURN_IF_ERROR(device.put(Operand::kInput, conv.x.data(), conv.x.size()));
  XINFER_RETURN_IF_ERROR(device.put(Operand::kWeights, packed.data(), packed.size()));
  XINFER_RETURN_IF_ERROR(
      device.put(Operand::kMultiplier, multiplier.data(), 4 * multiplier.size()));
  XINFER_RETURN_IF_ERROR(device.put(Operand::kBias, bias.data(), 4 * bias.size()));
  constexpr Operand kSteps[] = {Operand::kStep0, Operand::kStep1, Operand::kStep2, Operand::kStep3};
  for (std::size_t i = 0; i < conv.step_data.size(); ++i) {
    const auto& data = conv.step_data[i];
    if (!data.empty()) XINFER_RETURN_IF_ERROR(device.put(kSteps[i], data.data(), data.size()));
  }
  const std::vector<std::uint8_t> y(conv.y_bytes, kFill);
  XINFER_RETURN_IF_ERROR(device.put(Operand::kOutput, y.data(), y.size()));
  return Status();
}

Status run_case(const Case& test, const KernelStore& store, int multiprocessors) {
  XINFER_ASSIGN_OR_RETURN(const std::vector<std::byte> cubin, store.cubin(test.spec));
  XINFER_ASSIGN_OR_RETURN(const cuda::Module module, cuda::Module::load(cubin));
  XINFER_ASSIGN_OR_RETURN(const cuda::Kernel kernel, module.kernel(test.spec.entry));
  DeviceCase device;
  XINFER_RETURN_IF_ERROR(upload(test.conv, device));
  const cuda::DevicePointer y = device.addresses[Operand::kOutput];
  device.addresses.set(Operand::kOutput, y + test.conv.y_offset);
  const cuda::Stream stream;
  XINFER_ASSIGN_OR_RETURN(const BoundKernel bound,
                          BoundKernel::bind(test.spec, kernel, device.addresses, test.conv.batch,
                                            multiprocessors, false));
  XINFER_RETURN_IF_ERROR(bound.launch(stream));
  XINFER_RETURN_IF_ERROR(stream.synchronize());
  std::vector<std::uint8_t> actual(test.conv.y_bytes);
  XINFER_RETURN_IF_ERROR(cuda::copy_to_host(actual.data(), y, actual.size()));
  const std::vector<std::uint8_t> expected = reference_output(test.conv, kFill);
  std::size_t wrong = 0, first = 0;
  for (std::size_t i = actual.size(); i-- > 0;) {
    if (actual[i] != expected[i]) ++wrong, first = i;
  }
  if (wrong == 0) return Status();
  const auto& shape = test.conv.problem.shape;
  const std::size_t size = size_of(test.conv.problem.epilogue.output_dtype);
  const std::size_t pixel_bytes = static_cast<std::size_t>(shape.y_pixel_stride) * size;
  return internal_error(
      "{} of {} bytes differ, first at pixel {}, byte {} of it (slice from byte {}): expected {}, "
      "got {}",
      wrong, actual.size(), first / pixel_bytes, first % pixel_bytes, test.conv.y_offset,
      expected[first], actual[first]);
}

int run(int argc, char** argv) {
  if (argc != 7) {
    fmt::print("usage: {} compile|run FOLDER ARCHITECTURE mma|wgmma FIRST_SEED COUNT\n", argv[0]);
    return 1;
  }
  const bool compile = std::string(argv[1]) == "compile", wgmma = std::string(argv[4]) == "wgmma";
  const KernelStore store(argv[2], argv[3], true);
  const std::uint64_t first = std::strtoull(argv[5], nullptr, 10);
  const std::uint64_t count = std::strtoull(argv[6], nullptr, 10);
  std::optional<cuda::Context> context;
  std::optional<cuda::ContextScope> scope;
  int multiprocessors = 0;
  if (!compile) {
    context = cuda::Context::open(0).value();
    scope.emplace(*context);
    multiprocessors = cuda::device_properties(0).value().multiprocessors;
  }
  int failures = 0, skipped = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const Case test = make_case(seed, wgmma);
    if (test.spec.entry.empty()) {
      ++skipped;
      continue;
    }
    const Status status =
        compile ? compile_case(test, store) : run_case(test, store, multiprocessors);
    if (status.ok()) continue;
    ++failures;
    fmt::print("FAILED {} {}: {}\n", test.spec.tactic, test.conv.description, status.message());
    std::fflush(stdout);
    if (status.code() == ErrorCode::kDeviceError) break;  // the context is lost
  }
  fmt::print("{} {} {} layers from seed {}: {} failed, {} have no such tactic\n", argv[1], count,
             argv[4], first, failures, skipped);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace xinfer::gpu

int main(int argc, char** argv) {
  try {
    return xinfer::gpu::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print("{}\n", error.what());
    return 2;
  }
}
