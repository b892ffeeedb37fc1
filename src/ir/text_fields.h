// The fields of op structs as text: one writer and one reader for each field type; which fields a
// struct has is in fields.h. Fields with their default value are left out, except a
// leading enumeration, which says what the op does.
#pragma once

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

#include "ir/enum_names.h"
#include "ir/fields.h"
#include "ir/text_cursor.h"

namespace xinfer::ir {

void write_field(std::string& out, bool value);
void write_field(std::string& out, int value);
void write_field(std::string& out, std::int64_t value);
void write_field(std::string& out, float value);   ///< the shortest decimal that reads back equal
void write_field(std::string& out, double value);  ///< likewise
void write_field(std::string& out, const std::string& value);
void write_field(std::string& out, const Dim& value);
void write_field(std::string& out, const EpilogueOp& value);
template <NamedEnum Enum>
void write_field(std::string& out, Enum value) {
  out += enum_name(value);
}
template <typename T>
void write_field(std::string& out, const std::vector<T>& values) {
  out += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ", ";
    write_field(out, values[i]);
  }
  out += ']';
}

Status read_field(TextCursor& text, bool& value);
Status read_field(TextCursor& text, int& value);
Status read_field(TextCursor& text, std::int64_t& value);
Status read_field(TextCursor& text, float& value);
Status read_field(TextCursor& text, double& value);
Status read_field(TextCursor& text, std::string& value);
Status read_field(TextCursor& text, Dim& value);
Status read_field(TextCursor& text, EpilogueOp& value);
template <NamedEnum Enum>
Status read_field(TextCursor& text, Enum& value) {
  const std::string word(text.word());
  const std::optional<Enum> found = parse_enum<Enum>(word);
  if (found) {
    value = *found;
    return {};
  }
  std::string known;
  for (const auto& entry : EnumNames<Enum>::kList) {
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  return text.error(fmt::format("found \"{}\", needs one of {}", word, known));
}
template <typename T>
Status read_field(TextCursor& text, std::vector<T>& values) {
  XINFER_RETURN_IF_ERROR(text.expect('['));
  values.clear();
  if (text.take(']')) return {};
  do {
    T value{};
    XINFER_RETURN_IF_ERROR(read_field(text, value));
    values.push_back(std::move(value));
  } while (text.take(','));
  return text.expect(']');
}

/// "kernel=[3, 3], strides=[1, 1]"
template <typename Struct>
std::string fields_text(const Struct& value) {
  const Struct defaults;
  std::string out;
  bool is_first = true;
  for_each_field<Struct>([&](const auto& field) {
    const auto& member = value.*field.member;
    const bool says_what_it_does = is_first && NamedEnum<std::remove_cvref_t<decltype(member)>>;
    is_first = false;
    if (member == defaults.*field.member && !says_what_it_does) return;
    if (!out.empty()) out += ", ";
    out += field.name;
    out += '=';
    write_field(out, member);
  });
  return out;
}

/// Reads "name=value" into the field of that name.
template <typename Struct>
Status read_named_field(TextCursor& text, Struct& value, std::vector<std::string>& seen) {
  const std::string name(text.word());
  if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
    return text.error(fmt::format("field \"{}\" is given twice", name));
  }
  seen.push_back(name);
  XINFER_RETURN_IF_ERROR(text.expect('='));
  bool found = false;
  Status status;
  for_each_field<Struct>([&](const auto& field) {
    if (field.name != name) return;
    found = true;
    status = read_field(text, value.*field.member);
  });
  if (found) return status;
  return text.error(fmt::format("{} has no field \"{}\"", OpFields<Struct>::name, name));
}

/// Reads "{name=value, …}".
template <typename Struct>
Status read_fields(TextCursor& text, Struct& value) {
  XINFER_RETURN_IF_ERROR(text.expect('{'));
  if (text.take('}')) return {};
  std::vector<std::string> seen;
  do {
    XINFER_RETURN_IF_ERROR(read_named_field(text, value, seen));
  } while (text.take(','));
  return text.expect('}');
}

/// The fields of an operator: "kernel=[3, 3], strides=[1, 1]".
std::string fields_text(const Op& op);
/// A default operator of that name.
Result<Op> make_op(TextCursor& text, std::string_view name);
Status read_fields(TextCursor& text, Op& op);

}  // namespace xinfer::ir
