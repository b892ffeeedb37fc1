// One kernel with its data and the result it must give: what every GPU check compiles and runs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/status.h"
#include "kernel_store.h"
#include "kernels/cuda/kernel_spec.h"

namespace xinfer::gpu {

/// What the whole output tensor must hold afterwards.
struct Expected {
  std::vector<std::uint8_t> bytes;
  /// Empty: equality, byte by byte. Otherwise the output's elements are numbers (float64, float32,
  /// FP16 or int8, by their size), each within its bound of `values`; elements with a negative
  /// bound must equal `bytes`.
  std::vector<double> values, bounds;
};

struct GpuCase {
  kernels::cuda::KernelSpec spec;  ///< no entry: the template does not apply to this seed
  std::int64_t batch = 1;
  std::vector<std::pair<kernels::cuda::Operand, std::vector<std::uint8_t>>> inputs;
  std::size_t y_bytes = 0;   ///< of the whole output tensor
  std::size_t y_offset = 0;  ///< where the kernel's part of it begins
  /// The output tensor's bytes before the run; empty: kFill.
  std::vector<std::uint8_t> y_before;
  /// Operands that are written too: where in the output tensor each begins.
  std::vector<std::pair<kernels::cuda::Operand, std::size_t>> more_outputs;
  std::function<Expected()> expected;
  std::string description;
};

/// What an output tensor holds before a run, unless a case says otherwise.
inline constexpr std::uint8_t kFill = 0xA5;

/// Compiles the kernel into the store; prints a line if it uses local memory.
Status compile_case(const GpuCase& test, const KernelStore& store);

/// Runs the kernel in the current context and compares.
Status run_case(const GpuCase& test, const KernelStore& store, int multiprocessors);

/// Whether the output tensor's bytes are what they must be; otherwise which are not.
Status compare_output(const Expected& expected, const std::vector<std::uint8_t>& actual);

/// The case of a family and seed. Families: see kFamilies.
GpuCase make_case(const std::string& family, std::uint64_t seed);

/// Names that make_case knows.
const std::vector<std::string>& families();

GpuCase conv_mma_case(std::uint64_t seed);
GpuCase conv_wgmma_case(std::uint64_t seed);
GpuCase conv_halo_case(std::uint64_t seed);
GpuCase conv_halo_chunks_case(std::uint64_t seed);
GpuCase conv_latency_case(std::uint64_t seed);
GpuCase conv_stem_case(std::uint64_t seed);
GpuCase conv_chain_case(std::uint64_t seed);
GpuCase inverted_residual_case(std::uint64_t seed);
GpuCase conv_half_case(std::uint64_t seed);
GpuCase conv_float_case(std::uint64_t seed);
GpuCase depthwise_case(std::uint64_t seed);
GpuCase depthwise_half_case(std::uint64_t seed);
GpuCase convert_case(std::uint64_t seed);
GpuCase image_case(std::uint64_t seed);
GpuCase combine_case(std::uint64_t seed);
GpuCase table_case(std::uint64_t seed);
GpuCase max_pool_case(std::uint64_t seed);
GpuCase average_pool_case(std::uint64_t seed);
GpuCase average_product_case(std::uint64_t seed);
GpuCase resize_case(std::uint64_t seed);
GpuCase move_case(std::uint64_t seed);
GpuCase move_convert_case(std::uint64_t seed);
GpuCase matmul_case(std::uint64_t seed);
GpuCase attention_case(std::uint64_t seed);
GpuCase softmax_case(std::uint64_t seed);
GpuCase layer_norm_case(std::uint64_t seed);
GpuCase elementwise_case(std::uint64_t seed);
GpuCase elementwise_double_case(std::uint64_t seed);
GpuCase reduce_case(std::uint64_t seed);
GpuCase arg_extreme_case(std::uint64_t seed);
GpuCase gather_case(std::uint64_t seed);

}  // namespace xinfer::gpu
