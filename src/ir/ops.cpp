#include "ir/ops.h"

#include <type_traits>

#include "ir/fields.h"

namespace xinfer::ir {
namespace {

template <typename Struct>
bool equal_fields(const Struct& a, const Struct& b) {
  bool equal = true;
  for_each_field<Struct>(
      [&](const auto& field) { equal = equal && a.*field.member == b.*field.member; });
  return equal;
}

template <typename Struct>
concept HasEpilogue = requires(Struct op) {
  op.epilogue;
};

template <typename Epilogue, typename AnyOp>
Epilogue* find_epilogue(AnyOp& op) {
  return std::visit(
      [](auto& concrete) -> Epilogue* {
        if constexpr (HasEpilogue<std::remove_cvref_t<decltype(concrete)>>) {
          return &concrete.epilogue;
        } else {
          return nullptr;
        }
      },
      op);
}

}  // namespace

const char* op_name(const Op& op) {
  return std::visit(
      [](const auto& concrete) { return OpFields<std::remove_cvref_t<decltype(concrete)>>::name; },
      op);
}

bool equal(const Op& a, const Op& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&](const auto& left) {
        return equal_fields(left, std::get<std::remove_cvref_t<decltype(left)>>(b));
      },
      a);
}

const std::vector<EpilogueOp>* epilogue_of(const Op& op) {
  return find_epilogue<const std::vector<EpilogueOp>>(op);
}

std::vector<EpilogueOp>* epilogue_of(Op& op) { return find_epilogue<std::vector<EpilogueOp>>(op); }

}  // namespace xinfer::ir
