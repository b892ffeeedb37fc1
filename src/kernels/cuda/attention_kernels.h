// The CUDA kernel that computes a layer's attention at once: scores, softmax, weighted values.
#pragma once

#include <cstdint>
#include <vector>

#include "core/status.h"
#include "kernels/cuda/kernel_spec.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels::cuda {

/// Where an operand's heads and tokens lie, in elements; a head's elements are side by side.
struct AttentionStrides {
  std::int64_t image = 0, head = 0, token = 0;
};

/// y = softmax(factor * q kT) v for every image and head. Operand::kInput is q, kInput2 k, kWeights
/// v.
struct AttentionProblem {
  std::int64_t heads = 1, queries = 1, keys = 1;
  std::int64_t dim = 64;           ///< elements of a head
  DType scores = DType::kInt8;     ///< of q and k: int8 or float16; v is float16
  float factor = 1.0f;             ///< of the products, scales of q and k included
  DType output = DType::kFloat16;  ///< a float type or INT8
  float y_scale = 1.0f;            ///< INT8 outputs
  AttentionStrides q, k, v, y;
};

/// Whether the kernel exists: whole products along a head, 16-byte aligned tokens, shared memory.
bool can_fuse_attention(const AttentionProblem& problem);

/// `warps` of 16 queries share what a block loads: 1 … 8.
Result<KernelSpec> attention_kernel(const AttentionProblem& problem, int warps);

/// The kernels worth timing for this batch, the one expected to be fastest first; at most `count`.
Result<std::vector<KernelSpec>> attention_candidates(const AttentionProblem& problem,
                                                     std::int64_t batch, int multiprocessors,
                                                     int count);

}  // namespace xinfer::kernels::cuda
