#include "tactics.h"

namespace xinfer::gpu {
namespace {

using kernels::cuda::AverageProductProblem;
using kernels::cuda::AverageProductTactic;
using kernels::cuda::ConvProblem;
using kernels::cuda::HaloChunksTactic;
using kernels::cuda::HaloTactic;
using kernels::cuda::KernelSpec;
using kernels::cuda::LatencyTactic;
using kernels::cuda::MmaTactic;
using kernels::cuda::WgmmaTactic;

constexpr MmaTactic kMmaTactics[] = {
    {128, 128, 64, 2, 2, 3, 1}, {128, 128, 64, 2, 4, 4, 1}, {128, 128, 128, 4, 2, 3, 1},
    {128, 256, 64, 2, 4, 3, 1}, {128, 64, 64, 4, 1, 4, 2},  {128, 64, 128, 4, 2, 3, 1},
    {64, 64, 64, 2, 2, 4, 2},   {64, 64, 128, 2, 2, 3, 2},  {64, 32, 64, 4, 1, 4, 2},
    {64, 32, 128, 2, 2, 3, 2},  {64, 16, 64, 4, 1, 4, 2},   {128, 32, 64, 4, 1, 4, 2},
    {32, 32, 128, 2, 2, 4, 2},  {128, 32, 32, 4, 1, 4, 2},  {256, 64, 64, 4, 1, 3, 1}};

constexpr WgmmaTactic kWgmmaTactics[] = {
    {2, 128, 128, 5, 2, 1, false, false, 0, 1}, {2, 128, 128, 4, 2, 1, true, true, 0, 1},
    {2, 128, 128, 4, 2, 1, false, true, 4, 1},  {2, 128, 64, 6, 2, 1, true, true, 4, 1},
    {4, 64, 64, 5, 2, 1, true, true, 0, 1},     {4, 64, 64, 5, 2, 1, false, false, 0, 1},
    {1, 128, 128, 5, 1, 3, false, false, 0, 1}, {2, 256, 128, 3, 1, 1, false, false, 0, 1},
    {1, 256, 128, 4, 1, 2, false, false, 0, 4}, {1, 32, 64, 6, 2, 1, false, false, 0, 1},
    {1, 16, 32, 6, 2, 1, true, false, 0, 1},    {2, 96, 128, 4, 2, 1, false, false, 0, 1},
    {1, 160, 64, 4, 1, 2, false, false, 0, 1},  {2, 64, 32, 6, 1, 2, false, true, 0, 1},
    {1, 64, 128, 4, 2, 2, false, true, 3, 1},   {2, 48, 128, 4, 2, 1, false, false, 0, 1},
    {1, 192, 128, 4, 1, 3, false, false, 0, 1}};

constexpr LatencyTactic kLatencyTactics[] = {
    {32, 128, 1, 1}, {16, 64, 1, 1},  {64, 128, 2, 1}, {32, 128, 4, 1}, {32, 64, 1, 2},
    {64, 128, 4, 2}, {128, 64, 8, 1}, {16, 32, 2, 2},  {96, 128, 2, 1}, {32, 64, 8, 1}};

constexpr HaloTactic kHaloTactics[] = {{1, 1, 64, 4}, {1, 2, 32, 3}, {2, 2, 64, 3},  {2, 1, 128, 3},
                                       {4, 4, 64, 3}, {3, 4, 16, 4}, {4, 2, 128, 2}, {8, 4, 64, 2}};

// Rows, blocks, warpgroups, turns, channels, bytes of a chunk, stages of pixels and of weights.
constexpr HaloChunksTactic kHaloChunksTactics[] = {
    {1, 1, 2, 1, 32, 128, 2, 4}, {2, 1, 2, 1, 64, 128, 2, 3}, {3, 2, 2, 1, 32, 128, 2, 2},
    {2, 1, 3, 1, 48, 64, 3, 4},  {1, 1, 1, 1, 16, 64, 3, 8},  {4, 2, 2, 1, 96, 64, 2, 6},
    {2, 2, 1, 2, 32, 128, 2, 5}, {1, 1, 1, 3, 64, 64, 4, 0},  {1, 1, 2, 1, 16, 128, 2, 0},
    {2, 2, 1, 2, 64, 64, 3, 0},  {3, 1, 3, 1, 16, 64, 2, 0},  {2, 1, 2, 1, 128, 64, 2, 7},
    {8, 2, 1, 2, 128, 64, 2, 2}, {16, 4, 1, 2, 64, 64, 2, 3}, {1, 1, 2, 1, 80, 128, 2, 2},
    {1, 2, 1, 1, 112, 64, 2, 3}, {2, 1, 2, 1, 192, 64, 2, 2}, {2, 1, 2, 1, 256, 64, 2, 2},
    {2, 1, 1, 2, 160, 128, 2, 2}};

constexpr AverageProductTactic kAverageProductTactics[] = {{64, 8, 4}, {32, 4, 2}, {128, 8, 8},
                                                           {32, 8, 1}, {16, 4, 3}, {16, 1, 4},
                                                           {64, 2, 7}, {128, 1, 2}};

}  // namespace

std::vector<KernelSpec> mma_variants(const ConvProblem& problem) {
  std::vector<KernelSpec> specs;
  for (const MmaTactic& tactic : kMmaTactics) {
    Result<KernelSpec> spec = kernels::cuda::mma_conv(problem, tactic);
    if (spec.ok()) specs.push_back(*std::move(spec));
  }
  return specs;
}

std::vector<KernelSpec> wgmma_variants(const ConvProblem& problem) {
  std::vector<KernelSpec> specs;
  for (const WgmmaTactic& tactic : kWgmmaTactics) {
    Result<KernelSpec> spec = kernels::cuda::wgmma_conv(problem, tactic);
    if (spec.ok()) specs.push_back(*std::move(spec));
  }
  return specs;
}

std::vector<KernelSpec> halo_variants(const ConvProblem& problem) {
  std::vector<KernelSpec> specs;
  for (const HaloTactic& tactic : kHaloTactics) {
    Result<KernelSpec> spec = kernels::cuda::halo_conv(problem, tactic);
    if (spec.ok()) specs.push_back(*std::move(spec));
  }
  return specs;
}

std::vector<KernelSpec> halo_chunks_variants(const ConvProblem& problem) {
  std::vector<KernelSpec> specs;
  for (const HaloChunksTactic& tactic : kHaloChunksTactics) {
    Result<KernelSpec> spec = kernels::cuda::halo_chunks_conv(problem, tactic);
    if (spec.ok()) specs.push_back(*std::move(spec));
  }
  return specs;
}

std::vector<KernelSpec> latency_variants(const ConvProblem& problem) {
  std::vector<KernelSpec> specs;
  for (const LatencyTactic& tactic : kLatencyTactics) {
    Result<KernelSpec> spec = kernels::cuda::latency_conv(problem, tactic);
    if (spec.ok()) specs.push_back(*std::move(spec));
  }
  return specs;
}

std::vector<KernelSpec> average_product_variants(const AverageProductProblem& problem) {
  std::vector<KernelSpec> specs;
  for (const AverageProductTactic& tactic : kAverageProductTactics) {
    Result<KernelSpec> spec = kernels::cuda::average_product_kernel(problem, tactic);
    if (spec.ok()) specs.push_back(*std::move(spec));
  }
  return specs;
}

}  // namespace xinfer::gpu
