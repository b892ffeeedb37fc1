#include "sample_engine.h"

#include <array>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "ir/build.h"
#include "lower/cuda/lower_cuda.h"

namespace xinfer::testing_gpu {
namespace {

using kernels::cuda::KernelSpec;
using kernels::cuda::Operand;

std::unique_ptr<engine::fb::BindingT> binding(const std::string& name, const Shape& sample) {
  auto made = std::make_unique<engine::fb::BindingT>();
  made->name = name;
  made->dtype = static_cast<std::uint8_t>(DType::kFloat32);
  made->dims.push_back("batch");
  for (const std::int64_t dim : sample) made->dims.push_back(std::to_string(dim));
  for (auto [batch, shape] :
       {std::pair(std::int64_t{1}, &made->min), {4, &made->opt}, {kLargestBatch, &made->max}}) {
    shape->push_back(batch);
    shape->insert(shape->end(), sample.begin(), sample.end());
  }
  return made;
}

ir::Graph two_convolutions() {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {ir::Dim::symbol("batch"), 8, 16, 16});
  const ir::ValueId first =
      builder.conv(x, builder.random_constant({16, 8, 3, 3}), ir::kNoValue, {.pad = 1}, "conv1");
  builder.output(builder.conv(first, builder.random_constant({16, 16, 3, 3}, 1), ir::kNoValue,
                              {.pad = 1}, "conv2"),
                 "y");
  return builder.finish();
}

std::unique_ptr<engine::fb::CudaVariantT> variant(std::int64_t largest_batch,
                                                  std::uint32_t kernel) {
  auto made = std::make_unique<engine::fb::CudaVariantT>();
  made->largest_batch = largest_batch;
  made->kernel = kernel;
  return made;
}

/// The form of a kernel that reads what the launch before it read.
KernelSpec reading_input2(KernelSpec spec) {
  using Kind = kernels::cuda::KernelArgument::Kind;
  for (auto& argument : spec.arguments) {
    const bool has_operand = argument.kind == Kind::kPointer || argument.kind == Kind::kTensorMap;
    if (has_operand && argument.operand == Operand::kInput) argument.operand = Operand::kInput2;
  }
  return spec;
}

}  // namespace

engine::fb::EngineT sample_engine(engine::BlobWriter& blobs, LeftOut left_out) {
  constexpr std::size_t kFirst = 1, kSecond = 2;
  lower::OpenCudaPlan open =
      lower::lower_cuda(two_convolutions(), {{"batch", {1, 4, kLargestBatch}}},
                        lower::make_cuda_target("sm_90a", lower::CudaBackend::kAuto).value(), blobs)
          .value();
  const std::array<std::byte, 64> cubin = {};
  const engine::fb::Blob stand_in = blobs.add(std::span<const std::byte>(cubin));
  auto& kernels = open.plan->kernels;
  for (std::size_t i = 0; i < open.launches.size(); ++i) {
    const KernelSpec& spec = open.launches[i].points.front().candidates.front();
    auto& variants = open.plan->steps[i]->params.AsCuda()->variants;
    if (i == kFirst && left_out != LeftOut::kNothing) {
      variants.push_back(variant(1, engine::kNoKernel));
    }
    if (i == kSecond && left_out == LeftOut::kReplaced) {
      variants.push_back(variant(1, static_cast<std::uint32_t>(kernels.size())));
      kernels.push_back(lower::write_kernel(reading_input2(spec), stand_in));
    }
    variants.push_back(variant(kLargestBatch, static_cast<std::uint32_t>(kernels.size())));
    kernels.push_back(lower::write_kernel(spec, stand_in));
  }
  engine::fb::EngineT engine;
  engine.inputs.push_back(binding("x", {8, 16, 16}));
  engine.outputs.push_back(binding("y", {16, 16, 16}));
  auto symbol = std::make_unique<engine::fb::SymbolRangeT>();
  symbol->name = "batch";
  symbol->min = 1;
  symbol->opt = 4;
  symbol->max = kLargestBatch;
  engine.symbols.push_back(std::move(symbol));
  engine.plans.push_back(std::move(open.plan));
  return engine;
}

Engine load(const engine::fb::EngineT& engine, const engine::BlobWriter& blobs) {
  const std::string bytes = engine::serialize(engine, blobs);
  return Engine::load(std::as_bytes(std::span(bytes)));
}

}  // namespace xinfer::testing_gpu
