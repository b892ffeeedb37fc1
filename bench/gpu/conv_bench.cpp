// Times the candidate kernels of convolutions and matrix products.
//   gpu_conv_bench compile FOLDER COUNT WHAT…   fills FOLDER with COUNT candidates a layer
//   gpu_conv_bench run     FOLDER COUNT WHAT…   times them; one line a kernel
// WHAT is any number of
//   BATCH               ResNet-50's layers at that batch, then the network
//   gemm                large products, in bursts of a few milliseconds
//   sustained           8192 x 8192 x 8192, quarters of a second, in which the clock settles
//   random FIRST COUNT  random layers (layers.h), then their mean share of the roofline
// A line: layer, batch, tactic, microseconds, TOPS, TB/s, share of the roofline
// max(1,600 TOPS, 4.26 TB/s), and whether its output equals the first candidate's.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "device/cubin_info.h"
#include "device/cuda_device.h"
#include "kernel_store.h"
#include "program.h"
#include "timing.h"

namespace xinfer::gpu {
namespace {

using kernels::cuda::BoundKernel;
using kernels::cuda::ConvProblem;
using kernels::cuda::KernelSpec;
using kernels::cuda::Operand;

constexpr char kArchitecture[] = "sm_90a";
constexpr double kTops = 1600.0, kTerabytes = 4.26;  // measured ceilings of an H200
constexpr double kRotateBytes = 200e6;               // several times the L2 cache

struct Options {
  bool compile = false;
  int count = 4;
  double burst_ms = 2.0;
};

Result<std::vector<KernelSpec>> candidates(const ConvProblem& problem, std::int64_t batch,
                                           int count) {
  kernels::cuda::ConvTarget target{90, 132, true};
  XINFER_ASSIGN_OR_RETURN(std::vector<KernelSpec> specs,
                          kernels::cuda::conv_candidates(problem, target, batch, count));
  target.allow_wgmma = false;
  XINFER_ASSIGN_OR_RETURN(std::vector<KernelSpec> mma,
                          kernels::cuda::conv_candidates(problem, target, batch, 1));
  specs.push_back(std::move(mma.front()));
  return specs;
}

Status compile_layer(const BenchLayer& layer, std::int64_t batch, const Options& options,
                     const KernelStore& store) {
  XINFER_ASSIGN_OR_RETURN(const auto specs, candidates(layer.problem, batch, options.count));
  for (const KernelSpec& spec : specs) {
    XINFER_ASSIGN_OR_RETURN(const auto cubin, store.cubin(spec));
    XINFER_ASSIGN_OR_RETURN(const auto kernels, cuda::cubin_resources(cubin));
    for (const auto& kernel : kernels) {
      if (kernel.local_bytes > 0) {
        fmt::print("{} batch {} {}: {} bytes of local memory\n", layer.name, batch, spec.tactic,
                   kernel.local_bytes);
      }
    }
  }
  return Status();
}

double roofline_us(const ConvProblem& problem, std::int64_t batch) {
  return std::max(operations(problem, batch) / kTops, bytes_moved(problem, batch) / kTerabytes) /
         1e6;
}

// Output of one launch on the first set of buffers.
Result<std::vector<std::uint8_t>> output_of(const BoundKernel& kernel, const LayerBuffers& buffers,
                                            const cuda::Stream& stream) {
  const cuda::DevicePointer y = buffers.addresses(0)[Operand::kOutput];
  XINFER_RETURN_IF_ERROR(stream.fill(y, 0xA5, buffers.output_bytes()));
  XINFER_RETURN_IF_ERROR(kernel.launch(stream));
  XINFER_RETURN_IF_ERROR(stream.synchronize());
  std::vector<std::uint8_t> output(buffers.output_bytes());
  XINFER_RETURN_IF_ERROR(cuda::copy_to_host(output.data(), y, output.size()));
  return output;
}

// Times every candidate of a layer; returns the best time.
Result<double> run_layer(const BenchLayer& layer, std::int64_t batch, const Options& options,
                         const KernelStore& store, int multiprocessors) {
  XINFER_ASSIGN_OR_RETURN(const auto specs, candidates(layer.problem, batch, options.count));
  XINFER_ASSIGN_OR_RETURN(const LayerBuffers buffers,
                          LayerBuffers::create(layer.problem, batch, kRotateBytes));
  XINFER_ASSIGN_OR_RETURN(const cuda::Stream stream, cuda::Stream::create());
  const double roofline = roofline_us(layer.problem, batch);
  std::vector<std::uint8_t> expected;
  double best = 1e30;
  for (const KernelSpec& spec : specs) {
    XINFER_ASSIGN_OR_RETURN(const auto cubin, store.cubin(spec));
    XINFER_ASSIGN_OR_RETURN(const cuda::Module module, cuda::Module::load(cubin));
    XINFER_ASSIGN_OR_RETURN(const cuda::Kernel kernel, module.kernel(spec.entry));
    std::vector<BoundKernel> launches;
    const std::size_t total = std::max<std::size_t>(
        buffers.sets(), static_cast<std::size_t>(std::min(60.0, 600.0 / roofline)));
    for (std::size_t i = 0; i < total; ++i) {
      XINFER_ASSIGN_OR_RETURN(BoundKernel bound,
                              BoundKernel::bind(spec, kernel, buffers.addresses(i % buffers.sets()),
                                                batch, multiprocessors, true));
      launches.push_back(std::move(bound));
    }
    XINFER_ASSIGN_OR_RETURN(const auto output, output_of(launches.front(), buffers, stream));
    if (expected.empty()) expected = output;
    const bool equal = output == expected;
    XINFER_ASSIGN_OR_RETURN(const LayerTime time,
                            time_launches(launches, stream, options.burst_ms));
    if (equal) best = std::min(best, time.median_us);
    fmt::print("{}\t{}\t{}\t{:.2f}\t{:.0f}\t{:.2f}\t{:.1f}%\t{}\n", layer.name, batch, spec.tactic,
               time.median_us, operations(layer.problem, batch) / time.median_us / 1e6,
               bytes_moved(layer.problem, batch) / time.median_us / 1e6,
               100.0 * roofline / time.median_us, equal ? "equal" : "DIFFERS");
  }
  std::fflush(stdout);
  return best;
}

/// Compiles or times layers.
class Bench {
 public:
  Bench(const Options& options, const KernelStore& store) : options_(options), store_(store) {
    if (options.compile) return;
    context_ = cuda::Context::open(0).value();
    scope_.emplace(*context_);
    const cuda::DeviceProperties device = cuda::device_properties(0).value();
    multiprocessors_ = device.multiprocessors;
    fmt::print("# {}, {} multiprocessors, driver CUDA {}\n", device.name, multiprocessors_,
               cuda::version_text(cuda::driver_version().value()));
  }

  void resnet50(std::int64_t batch) {
    double sum = 0;
    for (const BenchLayer& one : resnet50_layers()) sum += one.count * layer(one, batch);
    if (options_.compile) return;
    fmt::print("# ResNet-50 convolutions, batch {}: sum of the best {:.1f} us, {:.0f} img/s\n",
               batch, sum, static_cast<double>(batch) / sum * 1e6);
  }

  void gemms() {
    layer(gemm_layer(8192, 8192, 8192), 1);
    layer(gemm_layer(4096, 1024, 4096), 1);
  }

  void sustained() {
    options_.burst_ms = 250;
    layer(gemm_layer(8192, 8192, 8192), 1);
  }

  void random(std::uint32_t first, std::uint32_t count) {
    double logarithms = 0;
    for (std::uint32_t i = first; i < first + count; ++i) {
      const RandomLayer random = random_layer(i);
      const double us = layer(random.layer, random.batch);
      if (options_.compile) continue;
      const double share = roofline_us(random.layer.problem, random.batch) / us;
      fmt::print("# best of {}, batch {}: {:.1f} us, {:.1f} % of the roofline\n", random.layer.name,
                 random.batch, us, 100 * share);
      logarithms += std::log(share);
    }
    if (options_.compile) return;
    fmt::print("# {} random layers: geometric mean {:.1f} % of the roofline\n", count,
               100 * std::exp(logarithms / count));
  }

 private:
  /// The best time in microseconds; 0 when compiling.
  double layer(const BenchLayer& one, std::int64_t batch) {
    if (!options_.compile) return run_layer(one, batch, options_, store_, multiprocessors_).value();
    compile_layer(one, batch, options_, store_).value();
    return 0;
  }

  Options options_;
  const KernelStore& store_;
  std::optional<cuda::Context> context_;
  std::optional<cuda::ContextScope> scope_;
  int multiprocessors_ = 0;
};

int run(int argc, char** argv) {
  if (argc < 5) {
    fmt::print("usage: {} compile|run FOLDER COUNT BATCH|gemm|sustained|random FIRST COUNT...\n",
               argv[0]);
    return 1;
  }
  Options options;
  options.compile = std::string(argv[1]) == "compile";
  options.count = std::atoi(argv[3]);
  const KernelStore store(argv[2], kArchitecture, false);
  Bench bench(options, store);
  for (int i = 4; i < argc; ++i) {
    const std::string what = argv[i];
    if (what == "gemm") {
      bench.gemms();
    } else if (what == "sustained") {
      bench.sustained();
    } else if (what == "random" && i + 2 < argc) {
      bench.random(static_cast<std::uint32_t>(std::atoi(argv[i + 1])),
                   static_cast<std::uint32_t>(std::atoi(argv[i + 2])));
      i += 2;
    } else if (const long long batch = std::atoll(what.c_str()); batch > 0) {
      bench.resnet50(batch);
    } else {
      fmt::print("\"{}\" is neither a batch nor gemm, sustained or random FIRST COUNT\n", what);
      return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace xinfer::gpu

int main(int argc, char** argv) { return xinfer::gpu::run_program(xinfer::gpu::run, argc, argv); }
