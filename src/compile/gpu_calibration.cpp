#include "compile/gpu_calibration.h"

#include <algorithm>
#include <unordered_set>

#include "compile/calibration.h"
#include "compile/execute.h"
#include "compile/sized_plans.h"
#include "jit/cubin_cache.h"
#include "jit/kernel_compiler.h"

namespace xinfer::compile {
namespace {

/// Samples of one run where the batch is dynamic: enough to fill a GPU, few enough for its memory.
/// One kernel serves every batch, so that the batches change no value.
constexpr std::int64_t kSamplesPerRun = 16;

Result<std::vector<std::byte>> observer_cubin(const CudaBuild& build) {
  kernels::cuda::KernelSpec spec;
  spec.entry = "observe_values";
  spec.source = "observe/cuda_observe.cuh";
  spec.tactic = "observe";
  const kernels::cuda::KernelSpec* const specs[] = {&spec};
  jit::KernelBuild kernels;
  kernels.architecture = build.target.architecture;
  kernels.threads = 1;
  XINFER_ASSIGN_OR_RETURN(
      auto cubins, jit::compile_kernels(specs, kernels, jit::CubinCache(build.cubin_folder)));
  return std::move(cubins.front());
}

/// Fails with unsupported if the plan's kernels keep a value to themselves that must be observed.
Status check_values(const ir::Graph& graph, const engine::fb::Plan& plan) {
  std::unordered_set<std::string> kept;
  for (const engine::fb::Tensor* tensor : *plan.tensors()) {
    if (tensor->names() == nullptr) continue;
    for (const auto* name : *tensor->names()) kept.insert(name->str());
  }
  for (const std::string& name : float_value_names(graph)) {
    if (!kept.contains(name)) {
      return unsupported("the GPU computes value \"{}\" inside of a kernel", name);
    }
  }
  return Status();
}

Tensor part_of(const Tensor& batch, std::int64_t first, std::int64_t count) {
  Shape shape = batch.shape();
  const std::size_t bytes = batch.size_bytes() / static_cast<std::size_t>(shape[0]);
  shape[0] = count;
  auto* const data = static_cast<std::byte*>(const_cast<void*>(batch.data()));
  return Tensor::view(batch.dtype(), std::move(shape),
                      data + static_cast<std::size_t>(first) * bytes);
}

}  // namespace

Result<std::unique_ptr<GpuCalibration>> GpuCalibration::create(const ir::Graph& graph,
                                                               lower::SymbolRanges symbols,
                                                               std::int64_t fixed_batch,
                                                               const CudaBuild& build) {
  if (const auto dynamic = ranges_beside_batch(graph, symbols); !dynamic.empty()) {
    return unsupported("dimension \"{}\" is dynamic; on a GPU samples have one size",
                       dynamic.begin()->first);
  }
  for (const ir::ValueId input : graph.inputs()) {
    const std::string batch = graph.value(input).shape[0].symbol_name();
    if (!batch.empty()) symbols[batch] = {1, kSamplesPerRun, kSamplesPerRun};
  }
  EngineTargets targets;
  targets.cpu = false;
  targets.cuda.push_back(build);
  targets.cuda[0].tune_on = -1;
  targets.cuda[0].timing_cache.clear();
  XINFER_ASSIGN_OR_RETURN(const std::string bytes, make_engine_bytes(graph, symbols, {}, targets));
  XINFER_ASSIGN_OR_RETURN(auto file,
                          engine::EngineFile::load(std::as_bytes(std::span(bytes)), "calibration"));
  XINFER_ASSIGN_OR_RETURN(const std::vector<std::byte> cubin, observer_cubin(build));
  XINFER_ASSIGN_OR_RETURN(auto program,
                          runtime::CudaProgram::create(std::move(file), {build.tune_on}));
  XINFER_RETURN_IF_ERROR(check_values(graph, program->plan()));
  const cuda::ContextScope scope(program->context());
  XINFER_RETURN_IF_ERROR(scope.status());
  XINFER_ASSIGN_OR_RETURN(calibrate::GpuObserver observer,
                          calibrate::GpuObserver::create(cubin, build.target.multiprocessors));
  return std::unique_ptr<GpuCalibration>(
      new GpuCalibration(std::move(program), std::move(observer), fixed_batch));
}

GpuCalibration::~GpuCalibration() {
  const cuda::ContextScope scope(program_->context());
  static_cast<void>(program_->synchronize().ok());  // counting goes on in the memory that goes
  observer_.reset();
}

Status GpuCalibration::run(const std::vector<Tensor>& inputs, std::int64_t first_sample) {
  const std::int64_t samples = inputs[0].shape()[0];
  const std::int64_t step = fixed_batch_ > 0 ? fixed_batch_ : kSamplesPerRun;
  for (std::int64_t first = 0; first < samples; first += step) {
    XINFER_RETURN_IF_ERROR(
        run_part(inputs, first, std::min(step, samples - first), first_sample + first));
  }
  return Status();
}

Status GpuCalibration::run_part(const std::vector<Tensor>& inputs, std::int64_t first,
                                std::int64_t count, std::int64_t first_sample) {
  std::vector<Shape> shapes;
  std::vector<const void*> data;
  for (const Tensor& input : inputs) {
    const Tensor part = part_of(input, first, count);
    shapes.push_back(part.shape());
    data.push_back(part.data());
  }
  XINFER_RETURN_IF_ERROR(program_->bind_shapes(shapes));
  const auto observe = [&](const auto& names, const runtime::TensorView& view,
                           const cuda::Stream& stream) -> Status {
    if (view.dtype != DType::kFloat32) return Status();
    calibrate::DeviceValues values;
    values.address = reinterpret_cast<cuda::DevicePointer>(view.data);
    values.rows = static_cast<std::uint64_t>(view.pixels());
    values.channels = static_cast<std::uint32_t>(view.channels());
    values.pitch = static_cast<std::uint64_t>(view.pixel_stride);
    values.first_sample = first_sample;
    values.samples = count;
    for (const auto* name : names) {
      XINFER_RETURN_IF_ERROR(observer_->add(name->str(), values, stream));
    }
    return Status();
  };
  return program_->run_observed_there(data, observe);
}

Status GpuCalibration::finish(calibrate::RangeCollector& collector) {
  const cuda::ContextScope scope(program_->context());
  XINFER_RETURN_IF_ERROR(scope.status());
  return observer_->finish(program_->stream(), collector);
}

}  // namespace xinfer::compile
