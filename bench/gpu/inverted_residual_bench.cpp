// Times MobileNetV2's inverted residual blocks in one launch and layer by layer.
//   gpu_inverted_residual_bench compile FOLDER COUNT BATCH [BLOCK…]   fills FOLDER with kernels
//   gpu_inverted_residual_bench run     FOLDER COUNT BATCH [BLOCK…]   times them; one line a kernel
// COUNT: candidates of the block, at most. BLOCK: 0 … 11; without any, all of them. A line: block,
// how often the network has it, batch, tactic, microseconds. The layers' launches are timed one
// after the other, the fastest of each.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "device/cubin_info.h"
#include "device/cuda_device.h"
#include "kernel_store.h"
#include "kernels/cuda/depthwise_kernels.h"
#include "kernels/cuda/inverted_residual_kernels.h"
#include "program.h"
#include "timing.h"

namespace xinfer::gpu {
namespace {

using kernels::EpilogueStep;
using kernels::cuda::BoundKernel;
using kernels::cuda::ConvProblem;
using kernels::cuda::ConvTarget;
using kernels::cuda::InvertedResidualProblem;
using kernels::cuda::KernelSpec;
using kernels::cuda::Operand;
using kernels::cuda::OperandAddresses;

constexpr char kArchitecture[] = "sm_90a";
constexpr ConvTarget kTarget{90, 132, true};
constexpr double kRotateBytes = 120e6;  // twice the L2 cache
constexpr double kBurstMs = 1.0;
constexpr int kLayerCandidates = 4;
constexpr std::size_t kLeastLaunches = 20;
constexpr float kPresent = 1.0f;

struct Block {
  std::string name;
  int count = 1;
  InvertedResidualProblem problem;
};

ConvProblem layer(std::int64_t size, std::int64_t inputs, std::int64_t outputs, DType from,
                  DType to) {
  ConvProblem p;
  p.shape.in_h = p.shape.in_w = p.shape.out_h = p.shape.out_w = size;
  p.shape.in_channels = inputs;
  p.shape.out_channels = outputs;
  p.shape.x_pixel_stride = (inputs + 15) / 16 * 16;
  p.shape.y_pixel_stride = (outputs + 15) / 16 * 16;
  p.input = from;
  p.epilogue.output_dtype = to;
  p.epilogue.multiplier = p.epilogue.bias = &kPresent;
  p.stored_channels = p.shape.y_pixel_stride;
  return p;
}

Block block(int count, std::int64_t size, std::int64_t inputs, std::int64_t outputs,
            std::int64_t expansion, std::int64_t stride) {
  const std::int64_t width = inputs * expansion;
  Block b;
  b.name = fmt::format("{0}x{0}x{1}-{2}s{3}", size, inputs, outputs, stride);
  b.count = count;
  const DType first = expansion == 1 ? DType::kUInt8 : DType::kInt8;
  if (expansion != 1) b.problem.expand = layer(size, inputs, width, first, DType::kUInt8);
  ConvProblem& filter = b.problem.filter = layer(size, width, width, DType::kUInt8, DType::kUInt8);
  filter.shape.out_h = filter.shape.out_w = size / stride;
  filter.shape.kernel_h = filter.shape.kernel_w = 3;
  filter.shape.stride_h = filter.shape.stride_w = stride;
  filter.shape.pad_top = filter.shape.pad_left = 1;
  filter.shape.groups = width;
  b.problem.project = layer(size / stride, width, outputs, DType::kUInt8, DType::kInt8);
  if (stride == 1 && inputs == outputs) {
    EpilogueStep& residual = b.problem.project.epilogue.steps[0];
    residual.kind = EpilogueStep::Kind::kResidual;
    residual.residual_dtype = DType::kInt8;
    residual.residual_pixel_stride = b.problem.project.shape.y_pixel_stride;
    b.problem.project.epilogue.step_count = 1;
  }
  return b;
}

std::vector<Block> mobilenetv2_blocks() {
  return {block(1, 112, 32, 16, 1, 1), block(1, 112, 16, 24, 6, 2), block(1, 56, 24, 24, 6, 1),
          block(1, 56, 24, 32, 6, 2),  block(2, 28, 32, 32, 6, 1),  block(1, 28, 32, 64, 6, 2),
          block(3, 14, 64, 64, 6, 1),  block(1, 14, 64, 96, 6, 1),  block(2, 14, 96, 96, 6, 1),
          block(1, 14, 96, 160, 6, 2), block(2, 7, 160, 160, 6, 1), block(1, 7, 160, 320, 6, 1)};
}

std::vector<KernelSpec> layer_specs(const ConvProblem& problem, std::int64_t batch, int count) {
  if (!kernels::cuda::is_depthwise(problem)) {
    return kernels::cuda::conv_candidates(problem, kTarget, batch, count).value();
  }
  const auto tactic = kernels::cuda::choose_depthwise(problem, batch, kTarget.multiprocessors);
  return {kernels::cuda::depthwise_kernel(problem, tactic).value()};
}

/// Times the blocks' kernels, or only compiles them.
class Bench {
 public:
  Bench(bool compiles, const std::string& folder, int count, std::int64_t batch)
      : compiles_(compiles), count_(count), batch_(batch), store_(folder, kArchitecture, true) {}

  void run(const Block& block) {
    const InvertedResidualProblem& p = block.problem;
    double layers = 0;
    if (p.expand) layers += fastest(block, *p.expand);
    layers += fastest(block, p.filter) + fastest(block, p.project);
    if (!compiles_) print(block, "layers", layers);
    const auto specs =
        kernels::cuda::inverted_residual_candidates(p, kTarget, batch_, count_).specs;
    if (compiles_) {
      for (const KernelSpec& spec : specs) compile(spec);
      return;
    }
    // The projection's buffers, with the input of the first layer. Weights: whatever is there.
    const auto first = LayerBuffers::create(p.first(), batch_, kRotateBytes).value();
    const auto last = LayerBuffers::create(p.project, batch_, kRotateBytes).value();
    const auto weights = cuda::Buffer::allocate(8 << 20).value();
    std::vector<OperandAddresses> sets;
    for (std::size_t i = 0; i < std::min(first.sets(), last.sets()); ++i) {
      OperandAddresses both = last.addresses(i);
      both.set(Operand::kInput2, first.addresses(i)[Operand::kInput]);
      both.set(Operand::kWeights2, weights.address());
      sets.push_back(both);
    }
    for (const KernelSpec& spec : specs) print(block, spec.tactic, time(spec, sets));
  }

 private:
  void print(const Block& block, const std::string& tactic, double us) const {
    fmt::print("{}\t{}\t{}\t{}\t{:.2f}\n", block.name, block.count, batch_, tactic, us);
    std::fflush(stdout);
  }

  void compile(const KernelSpec& spec) const {
    const auto cubin = store_.cubin(spec).value();
    for (const auto& kernel : cuda::cubin_resources(cubin).value()) {
      if (kernel.local_bytes == 0 && spec.entry != "conv_inverted_residual") continue;
      fmt::print("{}: {} bytes of local memory, {} registers, {} threads, {} of shared memory\n",
                 spec.tactic, kernel.local_bytes, kernel.registers, spec.threads,
                 spec.dynamic_shared_bytes);
    }
  }

  double fastest(const Block& block, const ConvProblem& problem) {
    double least = 0;
    std::string tactic;
    const std::vector<KernelSpec> specs = layer_specs(problem, batch_, kLayerCandidates);
    if (compiles_) {
      for (const KernelSpec& spec : specs) compile(spec);
      return 0;
    }
    const auto buffers = LayerBuffers::create(problem, batch_, kRotateBytes).value();
    std::vector<OperandAddresses> sets;
    for (std::size_t i = 0; i < buffers.sets(); ++i) sets.push_back(buffers.addresses(i));
    for (const KernelSpec& spec : specs) {
      const double us = time(spec, sets);
      if (least == 0 || us < least) least = us, tactic = spec.tactic;
    }
    print(block, "  " + tactic, least);
    return least;
  }

  double time(const KernelSpec& spec, const std::vector<OperandAddresses>& sets) {
    const cuda::Module module = cuda::Module::load(store_.cubin(spec).value()).value();
    const cuda::Kernel kernel = module.kernel(spec.entry).value();
    std::vector<BoundKernel> launches;
    for (std::size_t i = 0; i < std::max(sets.size(), kLeastLaunches); ++i) {
      launches.push_back(BoundKernel::bind(spec, kernel, sets[i % sets.size()], batch_,
                                           kTarget.multiprocessors, true)
                             .value());
    }
    const cuda::Stream stream = cuda::Stream::create().value();
    return time_launches(launches, stream, kBurstMs).value().median_us;
  }

  bool compiles_;
  int count_;
  std::int64_t batch_;
  KernelStore store_;
};

int run(int argc, char** argv) {
  if (argc < 5) {
    fmt::print("usage: {} compile|run FOLDER COUNT BATCH [BLOCK]...\n", argv[0]);
    return 1;
  }
  const bool compiles = std::string(argv[1]) == "compile";
  std::optional<cuda::Context> context;
  std::optional<cuda::ContextScope> scope;
  if (!compiles) {
    context = cuda::Context::open(0).value();
    scope.emplace(*context);
  }
  Bench bench(compiles, argv[2], std::atoi(argv[3]), std::atoll(argv[4]));
  const std::vector<Block> blocks = mobilenetv2_blocks();
  for (int i = 5; i < argc; ++i) bench.run(blocks.at(std::strtoul(argv[i], nullptr, 10)));
  if (argc > 5) return 0;
  for (const Block& block : blocks) bench.run(block);
  return 0;
}

}  // namespace
}  // namespace xinfer::gpu

int main(int argc, char** argv) { return xinfer::gpu::run_program(xinfer::gpu::run, argc, argv); }
