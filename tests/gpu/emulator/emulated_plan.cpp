#include "emulated_plan.h"

#include <cstring>
#include <span>

#include "emulate.h"
#include "engine/dim_program.h"

namespace xinfer::gpu::emulator {
namespace {

namespace fb = engine::fb;
using kernels::cuda::Operand;

/// The values of a plan's dimension expressions.
Result<std::vector<std::int64_t>> evaluate(const fb::PlanT& plan, const ir::Bindings& bindings) {
  std::vector<std::int64_t> symbols;
  for (const std::string& name : plan.symbols) {
    const auto it = bindings.find(name);
    if (it == bindings.end()) return internal_error("dimension {} has no value", name);
    symbols.push_back(it->second);
  }
  flatbuffers::FlatBufferBuilder builder;
  const auto dims = builder.CreateVectorOfStructs(plan.dims);
  return engine::evaluate_dims(*flatbuffers::GetTemporaryPointer(builder, dims), symbols);
}

/// What memory holds that nothing has written: NaN as float32 and as FP16.
constexpr std::uint8_t kUnwritten = 0xFF;

/// The memory that a plan's tensors lie in.
class PlanMemory {
 public:
  PlanMemory(const fb::PlanT& plan, const engine::BlobWriter& blobs, std::vector<std::int64_t> dims,
             const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs)
      : plan_(plan),
        dims_(std::move(dims)),
        inputs_(inputs),
        outputs_(outputs),
        blobs_(blobs.bytes().begin(), blobs.bytes().end()),
        arena_(plan.arena_bytes, kUnwritten) {}

  std::int64_t dim(std::uint32_t index) const { return dims_[index]; }

  /// The bytes of a whole tensor: of the one that it is a slice of.
  std::span<std::uint8_t> whole(std::int32_t id) {
    const fb::TensorT& tensor = at(id);
    if (tensor.view_of >= 0) return whole(tensor.view_of);
    std::size_t bytes = size_of(static_cast<DType>(tensor.dtype));
    for (const std::uint32_t dim : tensor.dims) bytes *= static_cast<std::size_t>(dims_[dim]);
    if (tensor.pixel_stride != 0) bytes = bytes / channels(tensor) * tensor.pixel_stride;
    return {base(tensor), bytes};
  }
  /// Where the tensor's first element is in that.
  std::size_t offset(std::int32_t id) const {
    const fb::TensorT& tensor = at(id);
    return tensor.view_of < 0 ? 0
                              : tensor.channel_offset * size_of(static_cast<DType>(tensor.dtype));
  }
  std::span<std::uint8_t> blob(const fb::Blob& blob) {
    return std::span(blobs_).subspan(blob.offset(), blob.size());
  }

 private:
  const fb::TensorT& at(std::int32_t id) const {
    return *plan_.tensors[static_cast<std::size_t>(id)];
  }
  std::size_t channels(const fb::TensorT& tensor) const {
    return static_cast<std::size_t>(dims_[tensor.dims.back()]);
  }
  std::uint8_t* base(const fb::TensorT& tensor) {
    switch (tensor.storage) {
      case fb::Storage::Arena:
        return arena_.data() + tensor.offset;
      case fb::Storage::Constant:
        return blobs_.data() + tensor.offset;
      case fb::Storage::Input:
        return static_cast<std::uint8_t*>(const_cast<void*>(inputs_[tensor.binding].data()));
      case fb::Storage::Output:
        return static_cast<std::uint8_t*>(outputs_[tensor.binding].data());
    }
    return nullptr;
  }

  const fb::PlanT& plan_;
  std::vector<std::int64_t> dims_;
  const std::vector<Tensor>& inputs_;
  std::vector<Tensor>& outputs_;
  std::vector<std::uint8_t> blobs_, arena_;
};

const kernels::cuda::KernelSpec& kernel_for(const lower::OpenLaunch& launch, std::int64_t batch) {
  for (const lower::BatchPoint& point : launch.points) {
    if (batch <= point.largest_batch) return point.candidates.front();
  }
  return launch.points.back().candidates.front();
}

Status run_launch(const fb::CudaT& launch, const lower::OpenLaunch& open, PlanMemory& memory,
                  const HostCompiler& compiler, std::uint64_t seed) {
  GpuCase test;
  test.batch = memory.dim(launch.batch);
  if (test.batch == 0) return {};
  test.spec = kernel_for(open, test.batch);
  std::span<std::uint8_t> y;
  for (const auto& operand : launch.operands) {
    const auto which = static_cast<Operand>(operand->operand);
    if (operand->tensor < 0) {
      const auto bytes = memory.blob(operand->blob);
      test.inputs.emplace_back(which, std::vector(bytes.begin(), bytes.end()));
      continue;
    }
    const std::span<std::uint8_t> bytes = memory.whole(operand->tensor);
    const std::size_t offset = memory.offset(operand->tensor) + operand->offset_bytes;
    if (which == Operand::kOutput) {
      y = bytes;
      test.y_bytes = bytes.size();
      test.y_offset = offset;
      test.y_before.assign(bytes.begin(), bytes.end());
    } else {
      const auto part = bytes.subspan(offset);
      test.inputs.emplace_back(which, std::vector(part.begin(), part.end()));
    }
  }
  XINFER_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> written,
                          emulated_output(test, compiler, seed));
  std::memcpy(y.data(), written.data(), written.size());
  return {};
}

}  // namespace

Status emulate_plan(const lower::OpenCudaPlan& open, const engine::BlobWriter& blobs,
                    const ir::Bindings& symbols, const std::vector<Tensor>& inputs,
                    std::vector<Tensor>& outputs, const HostCompiler& compiler,
                    std::uint64_t seed) {
  XINFER_ASSIGN_OR_RETURN(std::vector<std::int64_t> dims, evaluate(*open.plan, symbols));
  PlanMemory memory(*open.plan, blobs, std::move(dims), inputs, outputs);
  for (std::size_t i = 0; i < open.launches.size(); ++i) {
    const fb::StepT& step = *open.plan->steps[i];
    Status status = run_launch(*step.params.AsCuda(), open.launches[i], memory, compiler, seed);
    if (!status.ok()) {
      return std::move(status).with_context(fmt::format("launch \"{}\"", step.name));
    }
  }
  return {};
}

}  // namespace xinfer::gpu::emulator
