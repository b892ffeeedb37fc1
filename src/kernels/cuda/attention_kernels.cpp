#include "kernels/cuda/attention_kernels.h"

#include <algorithm>
#include <numbers>

#include "kernels/cuda/layer_source.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr std::int64_t kMostSharedBytes = 99 * 1024;  // as in conv_mma.cpp
constexpr std::int64_t kChunk = 64;                   // keys in shared memory at a time
constexpr std::int64_t kMostDim = 128;                // results of a row stay in registers

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// Bytes of a shared row: an odd number of granules.
std::int64_t row_pitch(std::int64_t bytes) { return (bytes / 16 | 1) * 16; }

std::int64_t shared_bytes(const AttentionProblem& p, int warps) {
  const auto size = [&](DType dtype) { return p.dim * static_cast<std::int64_t>(size_of(dtype)); };
  const std::int64_t score = row_pitch(size(p.scores)), value = row_pitch(2 * p.dim);
  return 16 * warps * std::max(score, row_pitch(size(p.output))) + 2 * kChunk * (score + value);
}

bool aligned(const AttentionStrides& strides, DType dtype) {
  const auto size = static_cast<std::int64_t>(size_of(dtype));
  return strides.image * size % 16 == 0 && strides.head * size % 16 == 0 &&
         strides.token * size % 16 == 0;
}

void add_strides(LayerSource& layer, const char* name, const AttentionStrides& strides) {
  layer.constant(fmt::format("k{}Image", name), strides.image);
  layer.constant(fmt::format("k{}Head", name), strides.head);
  layer.constant(fmt::format("k{}Token", name), strides.token);
}

// Rates of an H200, of which other devices have their share; they only rank the tactics.
constexpr double kL2BytesPerUs = 4e6;
constexpr double kMacsPerUs = 1.1e6;  // of one multiprocessor, FP16, a third of the peak
constexpr double kChunkUs = 0.6;      // of one block: products and softmax in sequence

double estimate_us(const AttentionProblem& p, std::int64_t batch, int multiprocessors, int warps) {
  const std::int64_t tiles = ceil_div(p.queries, 16 * warps), blocks = batch * p.heads * tiles;
  const auto score = static_cast<double>(p.dim) * static_cast<double>(size_of(p.scores));
  const double block_bytes = 16.0 * warps * score + static_cast<double>(p.keys) *
                                                        (score + 2.0 * static_cast<double>(p.dim));
  const double load_us = static_cast<double>(blocks) * block_bytes / kL2BytesPerUs;
  const double macs =
      static_cast<double>(blocks) * 32.0 * warps * static_cast<double>(p.keys * p.dim);
  const double product_us = macs / (kMacsPerUs * multiprocessors);
  const std::int64_t by_memory = kBlockSharedBytes / shared_bytes(p, warps),
                     by_registers = 16 / warps;
  const std::int64_t resident = std::max<std::int64_t>(1, std::min(by_memory, by_registers));
  const auto waves = static_cast<double>(ceil_div(blocks, resident * multiprocessors));
  const double chain_us = waves * kChunkUs * static_cast<double>(ceil_div(p.keys, kChunk));
  return std::max({load_us, product_us, chain_us});
}

}  // namespace

bool can_fuse_attention(const AttentionProblem& p) {
  const bool types =
      (p.scores == DType::kInt8 || p.scores == DType::kFloat16) && is_device_elem(p.output);
  const std::int64_t product = p.scores == DType::kInt8 ? 32 : 16;
  return types && p.dim % product == 0 && p.dim <= kMostDim && aligned(p.q, p.scores) &&
         aligned(p.k, p.scores) && aligned(p.v, DType::kFloat16) && aligned(p.y, p.output) &&
         shared_bytes(p, 1) <= kMostSharedBytes;
}

Result<KernelSpec> attention_kernel(const AttentionProblem& p, int warps) {
  if (!can_fuse_attention(p) || warps < 1 || warps > 8 ||
      shared_bytes(p, warps) > kMostSharedBytes) {
    return unsupported("fused attention of {} elements a head, {} warps", p.dim, warps);
  }
  const std::int64_t tiles = ceil_div(p.queries, 16 * warps);
  LayerSource layer;
  layer.constant("kWarps", warps).constant("kHeads", p.heads).constant("kDim", p.dim);
  layer.constant("kQueries", p.queries).constant("kKeys", p.keys);
  layer.constant("kQElem", p.scores).constant("kOutElem", p.output);
  layer.constant("kFactor", static_cast<float>(double{p.factor} * std::numbers::log2e));
  layer.constant("kOutScale", p.y_scale);
  layer.constant("kSharedBytes", shared_bytes(p, warps));
  add_strides(layer, "Q", p.q);
  add_strides(layer, "K", p.k);
  add_strides(layer, "V", p.v);
  add_strides(layer, "Y", p.y);

  KernelSpec spec;
  spec.entry = "attention";
  spec.source = "attention/cuda_attention.cuh";
  spec.layer = layer.text();
  spec.tactic = fmt::format("attention_{}_w{}", p.scores == DType::kInt8 ? "s8" : "f16", warps);
  spec.grid.items_per_image = p.heads * tiles;
  spec.threads = 32 * warps;
  spec.dynamic_shared_bytes = static_cast<int>(shared_bytes(p, warps));
  using Kind = KernelArgument::Kind;
  spec.arguments = {{Kind::kPointer, Operand::kInput},
                    {Kind::kPointer, Operand::kInput2},
                    {Kind::kPointer, Operand::kWeights},
                    {Kind::kPointer, Operand::kOutput},
                    {Kind::kBatch}};
  return spec;
}

Result<std::vector<KernelSpec>> attention_candidates(const AttentionProblem& p, std::int64_t batch,
                                                     int multiprocessors, int count) {
  std::vector<std::pair<double, int>> ranked;
  for (const int warps : {1, 2, 4, 5, 7, 8}) {
    ranked.emplace_back(estimate_us(p, batch, multiprocessors, warps), warps);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<KernelSpec> specs;
  for (const auto& [us, warps] : ranked) {
    Result<KernelSpec> spec = attention_kernel(p, warps);
    if (spec.ok() && static_cast<int>(specs.size()) < count) specs.push_back(*std::move(spec));
  }
  if (specs.empty()) return unsupported("fused attention of {} elements a head", p.dim);
  return specs;
}

}  // namespace xinfer::kernels::cuda
