#include "ir/text_fields.h"

#include "ir/quoting.h"

namespace xinfer::ir {

void write_field(std::string& out, bool value) { out += value ? "true" : "false"; }
void write_field(std::string& out, int value) { out += std::to_string(value); }
void write_field(std::string& out, std::int64_t value) { out += std::to_string(value); }
void write_field(std::string& out, float value) { out += fmt::format("{}", value); }
void write_field(std::string& out, double value) { out += fmt::format("{}", value); }
void write_field(std::string& out, const std::string& value) { out += quoted(value); }
void write_field(std::string& out, const Dim& value) { out += value.to_string(); }
void write_field(std::string& out, const EpilogueOp& value) {
  out += '{' + fields_text(value) + '}';
}

namespace {

template <typename T>
Status read_number(TextCursor& text, T& value) {
  XINFER_ASSIGN_OR_RETURN(value, text.number<T>());
  return {};
}

}  // namespace

Status read_field(TextCursor& text, bool& value) {
  value = text.take_word("true");
  return value ? Status() : text.expect_word("false");
}
Status read_field(TextCursor& text, int& value) { return read_number(text, value); }
Status read_field(TextCursor& text, std::int64_t& value) { return read_number(text, value); }
Status read_field(TextCursor& text, float& value) { return read_number(text, value); }
Status read_field(TextCursor& text, double& value) { return read_number(text, value); }

Status read_field(TextCursor& text, std::string& value) {
  XINFER_ASSIGN_OR_RETURN(value, text.quoted_text());
  return {};
}

Status read_field(TextCursor& text, Dim& value) {
  const Result<Dim> dim = parse_dim(text.list_item());
  if (!dim.ok()) return text.error(dim.status().message());
  value = *dim;
  return {};
}

Status read_field(TextCursor& text, EpilogueOp& value) { return read_fields(text, value); }

std::string fields_text(const Op& op) {
  return std::visit([](const auto& concrete) { return fields_text(concrete); }, op);
}

Status read_fields(TextCursor& text, Op& op) {
  return std::visit([&](auto& concrete) { return read_fields(text, concrete); }, op);
}

namespace {

template <std::size_t index = 0>
std::optional<Op> find_op(std::string_view name) {
  if constexpr (index == std::variant_size_v<Op>) {
    return std::nullopt;
  } else {
    using Struct = std::variant_alternative_t<index, Op>;
    if (name == OpFields<Struct>::name) return Op(Struct());
    return find_op<index + 1>(name);
  }
}

}  // namespace

Result<Op> make_op(TextCursor& text, std::string_view name) {
  std::optional<Op> op = find_op(name);
  if (op) return *std::move(op);
  return text.error(fmt::format("found \"{}\", needs the name of an operator", name));
}

}  // namespace xinfer::ir
