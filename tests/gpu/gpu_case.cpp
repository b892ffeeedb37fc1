#include "gpu_case.h"

#include <cmath>
#include <cstdio>
#include <cstring>

#include "device/cubin_info.h"
#include "device/cuda_memory.h"
#include "kernels/cuda/bound_kernel.h"
#include "tensor_values.h"

namespace xinfer::gpu {
namespace {

using kernels::cuda::BoundKernel;
using kernels::cuda::Operand;
using kernels::cuda::OperandAddresses;

struct Family {
  const char* name;
  GpuCase (*make)(std::uint64_t seed);
};

constexpr Family kFamilies[] = {{"mma", conv_mma_case},
                                {"wgmma", conv_wgmma_case},
                                {"halo", conv_halo_case},
                                {"halo_chunks", conv_halo_chunks_case},
                                {"latency", conv_latency_case},
                                {"stem", conv_stem_case},
                                {"chain", conv_chain_case},
                                {"inverted_residual", inverted_residual_case},
                                {"half", conv_half_case},
                                {"float", conv_float_case},
                                {"depthwise", depthwise_case},
                                {"depthwise_half", depthwise_half_case},
                                {"convert", convert_case},
                                {"image", image_case},
                                {"combine", combine_case},
                                {"table", table_case},
                                {"max_pool", max_pool_case},
                                {"average_pool", average_pool_case},
                                {"average_product", average_product_case},
                                {"resize", resize_case},
                                {"move", move_case},
                                {"move_convert", move_convert_case},
                                {"matmul", matmul_case},
                                {"attention", attention_case},
                                {"softmax", softmax_case},
                                {"layer_norm", layer_norm_case},
                                {"elementwise", elementwise_case},
                                {"elementwise_double", elementwise_double_case},
                                {"reduce", reduce_case},
                                {"arg_extreme", arg_extreme_case},
                                {"gather", gather_case}};

Result<cuda::Buffer> upload(const std::vector<std::uint8_t>& bytes) {
  XINFER_ASSIGN_OR_RETURN(cuda::Buffer buffer, cuda::Buffer::allocate(bytes.size() + 64));
  XINFER_RETURN_IF_ERROR(cuda::copy_to_device(buffer.address(), bytes.data(), bytes.size()));
  return buffer;
}

Status compare_bytes(const std::vector<std::uint8_t>& expected,
                     const std::vector<std::uint8_t>& actual) {
  std::size_t wrong = 0, first = 0;
  for (std::size_t i = actual.size(); i-- > 0;) {
    if (actual[i] != expected[i]) ++wrong, first = i;
  }
  if (wrong == 0) return Status();
  return internal_error("{} of {} bytes differ, first at byte {}: expected {}, got {}", wrong,
                        actual.size(), first, expected[first], actual[first]);
}

/// The type of results with so many bytes an element: those that are compared within a bound.
DType bounded_type(std::size_t size) {
  switch (size) {
    case 1:
      return DType::kInt8;
    case 2:
      return DType::kFloat16;
    case 4:
      return DType::kFloat32;
    default:
      return DType::kFloat64;
  }
}

Status compare_floats(const Expected& expected, const std::vector<std::uint8_t>& actual) {
  const std::size_t size = actual.size() / expected.values.size();
  const DType type = bounded_type(size);
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    const double got = value_at(actual, type, static_cast<std::int64_t>(i));
    const double bound = expected.bounds[i];
    const bool right = bound < 0
                           ? std::memcmp(&actual[i * size], &expected.bytes[i * size], size) == 0
                           : std::fabs(got - expected.values[i]) <= bound;
    if (!right) {
      return internal_error("element {}: expected {} +- {}, got {}", i, expected.values[i], bound,
                            got);
    }
  }
  return Status();
}

}  // namespace

Status compile_case(const GpuCase& test, const KernelStore& store) {
  XINFER_ASSIGN_OR_RETURN(const std::vector<std::byte> cubin, store.cubin(test.spec));
  XINFER_ASSIGN_OR_RETURN(const auto resources, cuda::cubin_resources(cubin));
  for (const cuda::KernelResources& kernel : resources) {
    if (kernel.local_bytes == 0) continue;
    fmt::print("{} {}: {} bytes of local memory, {} registers; {}\n", kernel.entry,
               test.spec.tactic, kernel.local_bytes, kernel.registers, test.description);
  }
  return Status();
}

Status run_case(const GpuCase& test, const KernelStore& store, int multiprocessors) {
  XINFER_ASSIGN_OR_RETURN(const std::vector<std::byte> cubin, store.cubin(test.spec));
  XINFER_ASSIGN_OR_RETURN(const cuda::Module module, cuda::Module::load(cubin));
  XINFER_ASSIGN_OR_RETURN(const cuda::Kernel kernel, module.kernel(test.spec.entry));
  std::vector<cuda::Buffer> buffers;
  OperandAddresses addresses;
  for (const auto& [operand, bytes] : test.inputs) {
    XINFER_ASSIGN_OR_RETURN(cuda::Buffer buffer, upload(bytes));
    addresses.set(operand, buffer.address());
    buffers.push_back(std::move(buffer));
  }
  std::vector<std::uint8_t> actual =
      test.y_before.empty() ? std::vector<std::uint8_t>(test.y_bytes, kFill) : test.y_before;
  XINFER_ASSIGN_OR_RETURN(const cuda::Buffer y, upload(actual));
  addresses.set(Operand::kOutput, y.address() + test.y_offset);
  for (const auto& [operand, offset] : test.more_outputs) {
    addresses.set(operand, y.address() + offset);
  }
  const cuda::Stream stream;
  XINFER_ASSIGN_OR_RETURN(
      const BoundKernel bound,
      BoundKernel::bind(test.spec, kernel, addresses, test.batch, multiprocessors, false));
  XINFER_RETURN_IF_ERROR(bound.launch(stream));
  XINFER_RETURN_IF_ERROR(stream.synchronize());
  XINFER_RETURN_IF_ERROR(cuda::copy_to_host(actual.data(), y.address(), actual.size()));
  return compare_output(test.expected(), actual);
}

Status compare_output(const Expected& expected, const std::vector<std::uint8_t>& actual) {
  return expected.values.empty() ? compare_bytes(expected.bytes, actual)
                                 : compare_floats(expected, actual);
}

GpuCase make_case(const std::string& family, std::uint64_t seed) {
  for (const Family& known : kFamilies) {
    if (family == known.name) return known.make(seed);
  }
  return {};
}

const std::vector<std::string>& families() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> result;
    for (const Family& family : kFamilies) result.emplace_back(family.name);
    return result;
  }();
  return names;
}

}  // namespace xinfer::gpu
