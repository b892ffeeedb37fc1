// The public Engine: read access to a verified engine file.
#include "xinfer/core/engine.h"

#include "core/file.h"
#include "core/status.h"
#include "device/cubin_info.h"
#include "engine/engine_file.h"
#include "runtime/engine_state.h"
#include "runtime/executor.h"

namespace xinfer {
namespace {

namespace fb = engine::fb;

std::string text(const flatbuffers::String* string) { return string ? string->str() : ""; }

Shape shape_of(const flatbuffers::Vector<std::int64_t>* values) {
  return values ? Shape(values->begin(), values->end()) : Shape();
}

std::vector<BindingInfo> read_bindings(
    const flatbuffers::Vector<flatbuffers::Offset<fb::Binding>>& bindings) {
  std::vector<BindingInfo> result;
  for (const fb::Binding* binding : bindings) {
    BindingInfo info;
    info.name = text(binding->name());
    info.dtype = static_cast<DType>(binding->dtype());
    for (const auto* dim : *binding->dims()) info.dims.push_back(dim->str());
    info.min = shape_of(binding->min());
    info.opt = shape_of(binding->opt());
    info.max = shape_of(binding->max());
    result.push_back(std::move(info));
  }
  return result;
}

const fb::Plan* plan_for(const engine::EngineFile& file, const std::string& target) {
  const auto& plans = *file.engine().plans();
  if (target.empty()) return plans.size() == 0 ? nullptr : plans.Get(0);
  return runtime::find_plan(file, target);
}

KernelInfo kernel_info(const engine::EngineFile& file, const fb::Plan& plan,
                       const fb::CudaVariant& variant) {
  KernelInfo info;
  info.largest_batch = variant.largest_batch();
  info.left_out = variant.kernel() == engine::kNoKernel;
  if (info.left_out) {
    info.tactic = runtime::kLaterStep;
    return info;
  }
  const fb::CudaKernel& kernel = *plan.kernels()->Get(variant.kernel());
  info.tactic = text(kernel.tactic());
  const fb::Blob& cubin = *kernel.cubin();
  const auto resources = cuda::cubin_resources({file.blob(cubin), cubin.size()});
  if (!resources.ok()) return info;  // the driver will say so when it loads it
  for (const cuda::KernelResources& one : *resources) {
    if (one.entry != text(kernel.entry())) continue;
    info.registers = one.registers;
    info.local_bytes = one.local_bytes;
  }
  return info;
}

}  // namespace

Engine Engine::from_file(std::shared_ptr<const engine::EngineFile> file) {
  auto state = std::make_shared<State>();
  state->inputs = read_bindings(*file->engine().inputs());
  state->outputs = read_bindings(*file->engine().outputs());
  state->file = std::move(file);
  return Engine(std::move(state));
}

Engine Engine::load(const std::filesystem::path& path) {
  return from_file(engine::EngineFile::load(path).value());
}

Engine Engine::load(std::span<const std::byte> bytes) {
  return from_file(engine::EngineFile::load(bytes).value());
}

const std::vector<BindingInfo>& Engine::inputs() const { return state_->inputs; }
const std::vector<BindingInfo>& Engine::outputs() const { return state_->outputs; }

std::vector<LayerInfo> Engine::layers() const {
  std::vector<LayerInfo> layers;
  const auto* nodes = state_->file->engine().nodes();
  if (nodes == nullptr) return layers;
  for (const fb::NodeReport* node : *nodes) {
    layers.push_back({text(node->name()), text(node->op()), text(node->precision()),
                      text(node->reason()), node->macs(), text(node->output()),
                      text(node->output_dtype()), node->scale(), node->threshold(),
                      node->clip_share()});
  }
  return layers;
}

std::vector<StepInfo> Engine::steps(const std::string& target) const {
  std::vector<StepInfo> steps;
  const fb::Plan* plan = plan_for(*state_->file, target);
  if (plan == nullptr) return steps;
  for (const fb::Step* step : *plan->steps()) {
    StepInfo info;
    info.name = text(step->name());
    const fb::Cuda* cuda = step->params_as_Cuda();
    info.kind = cuda ? text(cuda->family()) : fb::EnumNameParams(step->params_type());
    if (cuda != nullptr) {
      for (const fb::CudaVariant* variant : *cuda->variants()) {
        info.kernels.push_back(kernel_info(*state_->file, *plan, *variant));
      }
    }
    if (step->origins()) {
      for (const auto* origin : *step->origins()) info.origins.push_back(origin->str());
    }
    if (step->outputs()->size() > 0 && step->outputs()->Get(0) >= 0) {
      const auto output = static_cast<unsigned>(step->outputs()->Get(0));
      info.output_dtype = to_string(static_cast<DType>(plan->tensors()->Get(output)->dtype()));
    }
    info.chain = static_cast<int>(step->chain());
    steps.push_back(std::move(info));
  }
  return steps;
}

std::vector<std::string> Engine::targets() const { return runtime::targets_of(*state_->file); }

std::string Engine::preprocess() const { return text(state_->file->engine().preprocess()); }
std::string Engine::model_name() const { return text(state_->file->engine().model()); }

std::map<std::string, std::string> Engine::properties() const {
  std::map<std::string, std::string> properties;
  if (const auto* list = state_->file->engine().properties()) {
    for (const fb::Property* property : *list) {
      properties[text(property->key())] = text(property->value());
    }
  }
  return properties;
}

double Engine::int8_mac_share() const { return state_->file->engine().int8_mac_share(); }
std::size_t Engine::weight_bytes() const { return state_->file->blobs().size(); }

std::size_t Engine::activation_bytes(const std::string& target) const {
  const fb::Plan* plan = plan_for(*state_->file, target);
  return plan == nullptr ? 0 : plan->arena_bytes();
}

std::optional<std::span<const std::byte>> Engine::attachment(const std::string& name) const {
  const fb::Attachment* found = engine::find_attachment(*state_->file, name);
  if (found == nullptr) return std::nullopt;
  return std::span(state_->file->blob(*found->content()), found->content()->size());
}

Engine Engine::with_attachment(const std::string& name, std::span<const std::byte> content) const {
  const std::string bytes = engine::attach(*state_->file, name, content).value();
  return load(std::as_bytes(std::span(bytes)));
}

std::span<const std::byte> Engine::bytes() const { return state_->file->bytes(); }

void Engine::save(const std::filesystem::path& path) const {
  write_file_atomically(path, bytes()).value();
}

}  // namespace xinfer
