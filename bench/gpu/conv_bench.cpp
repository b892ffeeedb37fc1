// Times the candidate kernels of ResNet-50's convolutions and of large matrix products.
//   gpu_conv_bench compile FOLDER COUNT BATCH…   fills FOLDER with COUNT candidates a layer
//   gpu_conv_bench run     FOLDER COUNT BATCH…   times them; one line a kernel, then the network
// A line: layer, batch, tactic, microseconds, TOPS, TB/s, share of the roofline
// max(1,600 TOPS, 4.26 TB/s), and whether its output equals the first candidate's.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "device/cuda_device.h"
#include "jit/cubin_info.h"
#include "kernel_store.h"
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
  std::vector<std::int64_t> batches;
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
    XINFER_ASSIGN_OR_RETURN(const auto kernels, jit::cubin_resources(cubin));
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
    XINFER_ASSIGN_OR_RETURN(const LayerTime time, time_launches(launches, stream, 2.0));
    if (equal) best = std::min(best, time.median_us);
    fmt::print("{}\t{}\t{}\t{:.2f}\t{:.0f}\t{:.2f}\t{:.1f}%\t{}\n", layer.name, batch, spec.tactic,
               time.median_us, operations(layer.problem, batch) / time.median_us / 1e6,
               bytes_moved(layer.problem, batch) / time.median_us / 1e6,
               100.0 * roofline / time.median_us, equal ? "equal" : "DIFFERS");
  }
  std::fflush(stdout);
  return best;
}

int run(int argc, char** argv) {
  if (argc < 5) {
    fmt::print("usage: {} compile|run FOLDER COUNT BATCH...\n", argv[0]);
    return 1;
  }
  Options options;
  options.compile = std::string(argv[1]) == "compile";
  options.count = std::atoi(argv[3]);
  for (int i = 4; i < argc; ++i) options.batches.push_back(std::atoll(argv[i]));
  const KernelStore store(argv[2], kArchitecture, false);
  std::optional<cuda::Context> context;
  std::optional<cuda::ContextScope> scope;
  int multiprocessors = 0;
  if (!options.compile) {
    context = cuda::Context::open(0).value();
    scope.emplace(*context);
    const cuda::DeviceProperties device = cuda::device_properties(0).value();
    multiprocessors = device.multiprocessors;
    fmt::print("# {}, {} multiprocessors, driver CUDA {}\n", device.name, multiprocessors,
               cuda::version_text(cuda::driver_version().value()));
  }
  const std::vector<BenchLayer> network = resnet50_layers();
  for (const std::int64_t batch : options.batches) {
    double sum = 0;
    for (const BenchLayer& layer : network) {
      if (options.compile) {
        compile_layer(layer, batch, options, store).value();
      } else {
        sum += layer.count * run_layer(layer, batch, options, store, multiprocessors).value();
      }
    }
    if (!options.compile) {
      fmt::print("# ResNet-50 convolutions, batch {}: sum of the best {:.1f} us, {:.0f} img/s\n",
                 batch, sum, static_cast<double>(batch) / sum * 1e6);
    }
  }
  for (const BenchLayer& layer : {gemm_layer(8192, 8192, 8192), gemm_layer(4096, 1024, 4096)}) {
    if (options.compile) {
      compile_layer(layer, 1, options, store).value();
    } else {
      run_layer(layer, 1, options, store, multiprocessors).value();
    }
  }
  return 0;
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
