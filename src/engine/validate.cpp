#include "engine/validate.h"

#include <algorithm>
#include <cstdint>

#include "engine/validate_cuda.h"
#include "engine/validate_lists.h"

namespace xinfer::engine {
namespace {

constexpr std::uint8_t kDTypeCount = 13;
constexpr std::size_t kMaxRank = 8;

/// Walks one engine; the first thing found wrong is reported.
class Validator {
 public:
  Validator(const fb::Engine& engine, std::uint64_t blobs_bytes, const std::string& origin)
      : engine_(engine), blobs_bytes_(blobs_bytes), origin_(origin) {}

  Status run() {
    if (!engine_.inputs() || !engine_.outputs() || !engine_.symbols() || !engine_.plans()) {
      return damaged("a required table is missing");
    }
    for (const auto* bindings : {engine_.inputs(), engine_.outputs()}) {
      for (const fb::Binding* binding : *bindings) XINFER_RETURN_IF_ERROR(check_binding(*binding));
    }
    for (const fb::Plan* plan : *engine_.plans()) XINFER_RETURN_IF_ERROR(check_plan(*plan));
    XINFER_RETURN_IF_ERROR(check_attachments());
    return {};
  }

 private:
  Status damaged(const std::string& what) const {
    return Status(ErrorCode::kIncompatibleEngine, origin_ + ": damaged: " + what);
  }

  Status check_binding(const fb::Binding& binding) const {
    if (!binding.name() || !binding.dims() || binding.dtype() >= kDTypeCount ||
        binding.dims()->size() > kMaxRank) {
      return damaged("a binding has no name, dims or known dtype");
    }
    for (const auto* sizes : {binding.min(), binding.opt(), binding.max()}) {
      if (!sizes || sizes->size() != binding.dims()->size()) {
        return damaged("binding \"" + binding.name()->str() + "\" has no whole profile");
      }
    }
    if (!are_aligned(binding.min(), binding.opt(), binding.max())) {
      return damaged("binding \"" + binding.name()->str() + "\" has a profile at an odd address");
    }
    return {};
  }

  Status check_plan(const fb::Plan& plan) const {
    if (!plan.target() || !plan.symbols() || !plan.dims() || !plan.tensors() || !plan.steps()) {
      return damaged("a plan lacks a required table");
    }
    if (plan.sizes() != nullptr) {
      for (const fb::SymbolRange* range : *plan.sizes()) {
        if (!range->name()) return damaged("a plan's sizes have no name");
      }
    }
    XINFER_RETURN_IF_ERROR(check_dims(plan));
    for (unsigned i = 0; i < plan.tensors()->size(); ++i) {
      XINFER_RETURN_IF_ERROR(check_tensor(plan, *plan.tensors()->Get(i), i));
    }
    for (const fb::Step* step : *plan.steps()) XINFER_RETURN_IF_ERROR(check_step(plan, *step));
    XINFER_RETURN_IF_ERROR(check_chains(*plan.steps()));
    const char* wrong = wrong_cuda_kernel(plan, blobs_bytes_);
    return wrong == nullptr ? Status() : damaged(wrong);
  }

  Status check_dims(const fb::Plan& plan) const {
    // As with lists of numbers, the verifier does not look at where the structs lie; a plan of
    // scalars has none.
    if (plan.dims()->size() != 0 &&
        reinterpret_cast<std::uintptr_t>(plan.dims()->Data()) % alignof(fb::DimNode) != 0) {
      return damaged("the dimensions are not aligned");
    }
    for (unsigned i = 0; i < plan.dims()->size(); ++i) {
      const fb::DimNode* node = plan.dims()->Get(i);
      const bool leaf = node->op() == fb::DimOp::Constant || node->op() == fb::DimOp::Symbol;
      if (node->op() > fb::DimOp::Max) return damaged("an unknown dimension operator");
      if (leaf ? (node->a() != 0 || node->b() != 0) : (node->a() >= i || node->b() >= i)) {
        return damaged("a dimension refers to a later one");
      }
      if (node->op() == fb::DimOp::Symbol &&
          (node->value() < 0 || node->value() >= plan.symbols()->size())) {
        return damaged("a dimension refers to a symbol that is not there");
      }
    }
    return {};
  }

  Status check_tensor(const fb::Plan& plan, const fb::Tensor& tensor, unsigned index) const {
    if (!tensor.dims() || tensor.dims()->size() > kMaxRank || tensor.dtype() >= kDTypeCount) {
      return damaged("a tensor has no dims or an unknown dtype");
    }
    for (std::uint32_t dim : *tensor.dims()) {
      if (dim >= plan.dims()->size()) return damaged("a tensor's dimension is not there");
    }
    if (tensor.view_of() >= 0 &&
        (static_cast<unsigned>(tensor.view_of()) >= plan.tensors()->size() ||
         static_cast<unsigned>(tensor.view_of()) == index ||
         plan.tensors()->Get(tensor.view_of())->view_of() >= 0)) {
      return damaged("a tensor is a view of something that cannot be viewed");
    }
    const auto* bindings = tensor.storage() == fb::Storage::Input    ? engine_.inputs()
                           : tensor.storage() == fb::Storage::Output ? engine_.outputs()
                                                                     : nullptr;
    if (bindings && tensor.binding() >= bindings->size()) {
      return damaged("a tensor's binding is not there");
    }
    if (tensor.storage() > fb::Storage::Output) return damaged("a tensor's storage is unknown");
    return {};
  }

  Status check_step(const fb::Plan& plan, const fb::Step& step) const {
    if (!step.name() || !step.inputs() || !step.outputs() || !step.params()) {
      return damaged("a step lacks a required field");
    }
    const auto count = static_cast<std::int64_t>(plan.tensors()->size());
    for (std::int32_t tensor : *step.inputs()) {
      if (tensor < -1 || tensor >= count) return damaged("a step's input is not there");
    }
    for (std::int32_t tensor : *step.outputs()) {
      if (tensor < -1 || tensor >= count) return damaged("a step's output is not there");
    }
    if (!lists_are_aligned(step)) {
      return damaged("step \"" + step.name()->str() + "\" has a list at an odd address");
    }
    XINFER_RETURN_IF_ERROR(check_tactics(step));
    if (const auto* cuda = step.params_as_Cuda()) {
      const char* wrong = wrong_cuda_step(plan, *cuda, blobs_bytes_);
      return wrong == nullptr ? Status() : damaged("step \"" + step.name()->str() + "\": " + wrong);
    }
    return check_blobs(step);
  }

  /// Whether steps fit each other is known when shapes are bound.
  Status check_chains(const flatbuffers::Vector<flatbuffers::Offset<fb::Step>>& steps) const {
    for (unsigned i = 0; i < steps.size();) {
      const std::uint32_t length = steps.Get(i)->chain();
      if (length == 1 || length > steps.size() - i) {
        return damaged("step \"" + steps.Get(i)->name()->str() + "\" begins a broken chain");
      }
      for (unsigned k = 1; k < length; ++k) {
        if (steps.Get(i + k)->chain() != 0) return damaged("a chain within a chain");
      }
      i += std::max(length, 1u);
    }
    return {};
  }

  /// Whether a tactic fits its convolution is known when shapes are bound.
  Status check_tactics(const fb::Step& step) const {
    constexpr std::uint32_t kMost = 1 << 16;
    if (step.tactics() == nullptr) return {};
    for (const fb::Tactic* t : *step.tactics()) {
      if (!t->isa() || std::max({t->threads(), t->tile_rows(), t->tile_panels(), t->row_parts(),
                                 t->column_parts()}) > kMost) {
        return damaged("step \"" + step.name()->str() + "\" has a broken tactic");
      }
    }
    return {};
  }

  bool outside(const fb::Blob* blob) const {
    return blob && (blob->offset() > blobs_bytes_ || blob->size() > blobs_bytes_ - blob->offset());
  }

  Status check_epilogue(const fb::Step& step, const fb::Epilogue* epilogue) const {
    if (!epilogue) return damaged("step \"" + step.name()->str() + "\" has no epilogue");
    bool bad = outside(epilogue->multiplier()) || outside(epilogue->bias());
    if (epilogue->steps()) {
      for (const fb::EpilogueStep* part : *epilogue->steps()) {
        bad = bad || outside(part->table()) || part->kind() > fb::EpilogueKind::Activation;
        bad = bad || (part->kind() == fb::EpilogueKind::Residual &&
                      (part->input() < 0 ||
                       part->input() >= static_cast<std::int64_t>(step.inputs()->size())));
      }
    }
    return bad ? damaged("step \"" + step.name()->str() + "\" has a broken epilogue") : Status();
  }

  Status check_attachments() const {
    if (engine_.attachments() == nullptr) return {};
    for (const fb::Attachment* attachment : *engine_.attachments()) {
      if (!attachment->name() || !attachment->content() || outside(attachment->content())) {
        return damaged("an attachment is not there");
      }
    }
    return {};
  }

  Status check_blobs(const fb::Step& step) const {
    const auto* image = step.params_as_ConvertImage();
    const auto* byte_table = step.params_as_ByteTable();
    const fb::Blob* tables = image ? image->tables() : byte_table ? byte_table->table() : nullptr;
    if (outside(tables)) return damaged("step \"" + step.name()->str() + "\" lacks its tables");
    const fb::Blob* blob = nullptr;
    const fb::Epilogue* epilogue = nullptr;
    bool wants_epilogue = true;
    if (const auto* conv = step.params_as_Conv()) {
      blob = conv->weights();
      epilogue = conv->epilogue();
    } else if (const auto* gemm = step.params_as_Gemm()) {
      blob = gemm->weights();
      epilogue = gemm->epilogue();
    } else if (const auto* matmul = step.params_as_MatMul()) {
      epilogue = matmul->epilogue();
    } else {
      wants_epilogue = false;
    }
    if (outside(blob)) return damaged("step \"" + step.name()->str() + "\" lacks its weights");
    return wants_epilogue ? check_epilogue(step, epilogue) : Status();
  }

  const fb::Engine& engine_;
  std::uint64_t blobs_bytes_;
  const std::string& origin_;
};

}  // namespace

Status validate(const fb::Engine& engine, std::uint64_t blobs_bytes, const std::string& origin) {
  return Validator(engine, blobs_bytes, origin).run();
}

}  // namespace xinfer::engine
