// Times pairs of pointwise convolutions in one launch and in two.
//   gpu_chain_bench compile FOLDER BATCH…   fills FOLDER with kernels
//   gpu_chain_bench run     FOLDER BATCH…   times them; one line a tactic
// The pairs are ResNet-50's expansions with the reductions that read them. A line: pair, batch,
// tactic, microseconds, TB/s, and whether both outputs equal those of two launches.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <optional>

#include "device/cubin_info.h"
#include "device/cuda_device.h"
#include "kernel_store.h"
#include "kernels/cuda/chain_kernels.h"
#include "program.h"
#include "timing.h"

namespace xinfer::gpu {
namespace {

using kernels::cuda::BoundKernel;
using kernels::cuda::ChainProblem;
using kernels::cuda::ChainTactic;
using kernels::cuda::ConvTarget;
using kernels::cuda::KernelSpec;
using kernels::cuda::Operand;
using kernels::cuda::OperandAddresses;

constexpr char kArchitecture[] = "sm_90a";
constexpr ConvTarget kTarget{90, 132, true};
constexpr int kCandidates = 6;          // of each layer on its own
constexpr double kRotateBytes = 200e6;  // several times the L2 cache
constexpr double kBurstMs = 2.0;

struct Pair {
  std::string name;
  BenchLayer first, next;
};

std::vector<Pair> resnet50_pairs() {
  std::vector<Pair> pairs;
  const std::vector<BenchLayer> layers = resnet50_layers();
  for (const BenchLayer& first : layers) {
    for (const BenchLayer& next : layers) {
      const kernels::ConvShape &a = first.problem.shape, &b = next.problem.shape;
      const bool chained = first.problem.epilogue.step_count > 0 && b.kernel_h == 1 &&
                           a.out_channels == b.in_channels && a.out_h == b.in_h && b.stride_h == 1;
      if (chained) pairs.push_back({first.name + ", " + next.name, first, next});
    }
  }
  return pairs;
}

std::vector<KernelSpec> chain_specs(const Pair& pair) {
  std::vector<KernelSpec> specs;
  for (const int consumers : {2, 3, 4}) {
    for (const int columns : {64, 128}) {
      for (const int inputs : {1, 2, 3}) {
        const ChainTactic tactic{
            .consumers = consumers, .box_cols = columns, .input_stages = inputs};
        auto spec = chain_kernel({pair.first.problem, pair.next.problem}, tactic);
        if (spec.ok()) specs.push_back(*std::move(spec));
      }
    }
  }
  return specs;
}

std::vector<KernelSpec> layer_specs(const BenchLayer& layer, std::int64_t batch) {
  return conv_candidates(layer.problem, kTarget, batch, kCandidates).value();
}

void compile(const std::vector<KernelSpec>& specs, const KernelStore& store) {
  for (const KernelSpec& spec : specs) {
    const auto cubin = store.cubin(spec).value();
    for (const auto& kernel : cuda::cubin_resources(cubin).value()) {
      if (kernel.local_bytes == 0) continue;
      fmt::print("{}: {} bytes of local memory\n", spec.tactic, kernel.local_bytes);
    }
  }
}

/// Runs one pair's kernels.
class PairRun {
 public:
  PairRun(const Pair& pair, std::int64_t batch, const KernelStore& store, int multiprocessors)
      : pair_(pair),
        batch_(batch),
        store_(store),
        multiprocessors_(multiprocessors),
        first_(LayerBuffers::create(pair.first.problem, batch, kRotateBytes).value()),
        next_(LayerBuffers::create(pair.next.problem, batch, kRotateBytes).value()) {
    sets_ = std::min(first_.sets(), next_.sets());
    for (std::size_t i = 0; i < sets_; ++i) {
      const OperandAddresses &a = first_.addresses(i), &b = next_.addresses(i);
      OperandAddresses reader = b, both = b;
      reader.set(Operand::kInput, a[Operand::kOutput]);
      both.set(Operand::kInput, a[Operand::kOutput]);
      both.set(Operand::kInput2, a[Operand::kInput]);
      both.set(Operand::kWeights2, a[Operand::kWeights]);
      both.set(Operand::kMultiplier2, a[Operand::kMultiplier]);
      both.set(Operand::kBias2, a[Operand::kBias]);
      both.set(Operand::kStep0, a[Operand::kStep0]);
      readers_.push_back(reader);
      both_.push_back(both);
    }
  }

  void run() {
    const KernelSpec first = fastest(pair_.first), next = fastest(pair_.next);
    std::vector<BoundKernel> two;
    for (std::size_t i = 0; i < rounds(); ++i) {
      two.push_back(bind(first, first_.addresses(i % sets_)));
      two.push_back(bind(next, readers_[i % sets_]));
    }
    print(first.tactic + " " + next.tactic, 2 * time(two), 2.0, outputs({two[0], two[1]}), true);
    for (const KernelSpec& spec : chain_specs(pair_)) {
      std::vector<BoundKernel> one;
      for (std::size_t i = 0; i < rounds(); ++i) one.push_back(bind(spec, both_[i % sets_]));
      const auto got = outputs({one[0]});
      print(spec.tactic, time(one), 1.0, got, false);
    }
    std::fflush(stdout);
  }

 private:
  std::size_t rounds() const { return std::max<std::size_t>(sets_, 20); }

  BoundKernel bind(const KernelSpec& spec, const OperandAddresses& addresses) {
    modules_.push_back(cuda::Module::load(store_.cubin(spec).value()).value());
    const cuda::Kernel kernel = modules_.back().kernel(spec.entry).value();
    return BoundKernel::bind(spec, kernel, addresses, batch_, multiprocessors_, true).value();
  }

  double time(const std::vector<BoundKernel>& launches) {
    return time_launches(launches, stream_, kBurstMs).value().median_us;
  }

  KernelSpec fastest(const BenchLayer& layer) {
    KernelSpec best;
    double least = 1e30;
    const LayerBuffers& buffers = &layer == &pair_.first ? first_ : next_;
    for (const KernelSpec& spec : layer_specs(layer, batch_)) {
      std::vector<BoundKernel> launches;
      for (std::size_t i = 0; i < rounds(); ++i) {
        launches.push_back(bind(spec, buffers.addresses(i % sets_)));
      }
      const double us = time(launches);
      if (us < least) least = us, best = spec;
    }
    fmt::print("{}\t{}\t{}\t{:.2f}\n", layer.name, batch_, best.tactic, least);
    return best;
  }

  std::vector<std::uint8_t> outputs(const std::vector<BoundKernel>& launches) {
    std::vector<std::uint8_t> bytes(first_.output_bytes() + next_.output_bytes());
    const cuda::DevicePointer a = first_.addresses(0)[Operand::kOutput];
    const cuda::DevicePointer b = next_.addresses(0)[Operand::kOutput];
    stream_.fill(a, 0xA5, first_.output_bytes()).value();
    stream_.fill(b, 0xA5, next_.output_bytes()).value();
    for (const BoundKernel& launch : launches) launch.launch(stream_).value();
    stream_.synchronize().value();
    cuda::copy_to_host(bytes.data(), a, first_.output_bytes()).value();
    cuda::copy_to_host(bytes.data() + first_.output_bytes(), b, next_.output_bytes()).value();
    return bytes;
  }

  void print(const std::string& tactic, double us, double reads,
             const std::vector<std::uint8_t>& got, bool is_expected) {
    if (is_expected) expected_ = got;
    const double between = static_cast<double>(first_.output_bytes());
    const double bytes = bytes_moved(pair_.first.problem, batch_) +
                         bytes_moved(pair_.next.problem, batch_) - (2.0 - reads) * between;
    fmt::print("{}\t{}\t{}\t{:.2f}\t{:.2f}\t{}\n", pair_.name, batch_, tactic, us, bytes / us / 1e6,
               got == expected_ ? "equal" : "DIFFERS");
  }

  const Pair& pair_;
  std::int64_t batch_;
  const KernelStore& store_;
  int multiprocessors_;
  LayerBuffers first_, next_;
  std::size_t sets_ = 1;
  std::vector<OperandAddresses> readers_, both_;
  std::vector<cuda::Module> modules_;
  std::vector<std::uint8_t> expected_;
  cuda::Stream stream_ = cuda::Stream::create().value();
};

int run(int argc, char** argv) {
  if (argc < 4) {
    fmt::print("usage: {} compile|run FOLDER BATCH...\n", argv[0]);
    return 1;
  }
  const bool compiles = std::string(argv[1]) == "compile";
  const KernelStore store(argv[2], kArchitecture, false);
  std::optional<cuda::Context> context;
  std::optional<cuda::ContextScope> scope;
  int multiprocessors = 0;
  if (!compiles) {
    context = cuda::Context::open(0).value();
    scope.emplace(*context);
    multiprocessors = cuda::device_properties(0).value().multiprocessors;
  }
  for (const Pair& pair : resnet50_pairs()) {
    if (chain_specs(pair).empty()) continue;
    for (int i = 3; i < argc; ++i) {
      const std::int64_t batch = std::atoll(argv[i]);
      if (compiles) {
        compile(layer_specs(pair.first, batch), store);
        compile(layer_specs(pair.next, batch), store);
        compile(chain_specs(pair), store);
      } else {
        PairRun(pair, batch, store, multiprocessors).run();
      }
    }
  }
  return 0;
}

}  // namespace
}  // namespace xinfer::gpu

int main(int argc, char** argv) { return xinfer::gpu::run_program(xinfer::gpu::run, argc, argv); }
