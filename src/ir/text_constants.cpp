#include "ir/text_constants.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>

#include "core/dtype_traits.h"
#include "ir/text_fields.h"

namespace xinfer::ir {
namespace {

static_assert(std::endian::native == std::endian::little, "hex elements are little-endian");

/// Calls visit(T{}) with the C++ type of a dtype; false for types that C++20 has no name for.
template <typename Visitor>
bool visit_type(DType dtype, Visitor&& visit) {
  bool known = false;
  const auto try_type = [&]<typename T>(T zero) {
    if (dtype != dtype_of<T>) return;
    known = true;
    visit(zero);
  };
  try_type(float{});
  try_type(double{});
  try_type(std::int8_t{});
  try_type(std::uint8_t{});
  try_type(std::int16_t{});
  try_type(std::uint16_t{});
  try_type(std::int32_t{});
  try_type(std::uint32_t{});
  try_type(std::int64_t{});
  try_type(std::uint64_t{});
  try_type(bool{});
  return known;
}

/// The elements' bytes. Loops go over the span: counting a tensor's bytes multiplies its
/// dimensions.
std::span<const unsigned char> bytes_of(const Tensor& tensor) {
  return {static_cast<const unsigned char*>(tensor.data()), tensor.size_bytes()};
}

/// FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv: enough to see that two constants differ.
std::string hash_text(const Tensor& tensor) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char byte : bytes_of(tensor)) hash = (hash ^ byte) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

/// Decimal text loses the bits of a NaN.
template <typename T>
bool reads_back(T value) {
  if constexpr (std::is_floating_point_v<T>) return !std::isnan(value);
  return true;
}

template <typename T>
void write_element(std::string& out, T value) {
  if constexpr (std::is_same_v<T, bool>) {
    out += value ? "true" : "false";
  } else {
    out += fmt::format("{}", value);
  }
}

/// False, with nothing written, if decimal text cannot hold the elements exactly.
bool write_list(std::string& out, const Tensor& tensor) {
  bool exact = true;
  const bool known = visit_type(tensor.dtype(), [&]<typename T>(T) {
    const auto* values = static_cast<const T*>(tensor.data());
    std::string list = "[";
    for (std::int64_t i = 0; i < tensor.size(); ++i) {
      exact = exact && reads_back(values[i]);
      if (i > 0) list += ", ";
      write_element(list, values[i]);
    }
    if (exact) out += list + "]";
  });
  return known && exact;
}

void write_hex(std::string& out, const Tensor& tensor) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const std::span<const unsigned char> bytes = bytes_of(tensor);
  out += "hex ";
  const std::size_t start = out.size();
  out.resize(start + 2 * bytes.size());
  char* digit = out.data() + start;
  for (const unsigned char byte : bytes) {
    *digit++ = kDigits[byte >> 4];
    *digit++ = kDigits[byte & 15];
  }
}

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// Boolean bytes other than 0 and 1 are undefined behaviour in C++.
Status check_bools(TextCursor& text, const Tensor& tensor) {
  if (tensor.dtype() != DType::kBool) return {};
  for (const unsigned char byte : bytes_of(tensor)) {
    if (byte > 1) return text.error("a bool is neither 00 nor 01");
  }
  return {};
}

Status read_hex(TextCursor& text, Tensor& tensor) {
  text.peek();  // skips the blank before the digits
  const std::size_t size = tensor.size_bytes();
  const std::string_view digits = text.raw(2 * size);
  if (digits.size() < 2 * size) return text.error("too few hex digits");
  auto* bytes = static_cast<unsigned char*>(tensor.data());
  for (std::size_t i = 0; i < size; ++i) {
    const int high = digit_value(digits[2 * i]), low = digit_value(digits[2 * i + 1]);
    if (high < 0 || low < 0) {
      return text.error(fmt::format("expected {} hex digits", 2 * size));
    }
    bytes[i] = static_cast<unsigned char>(high * 16 + low);
  }
  return check_bools(text, tensor);
}

template <typename T>
Status read_element(TextCursor& text, T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return read_field(text, value);
  } else {
    XINFER_ASSIGN_OR_RETURN(value, text.number<T>());
    return {};
  }
}

template <typename T>
Status read_list(TextCursor& text, Tensor& tensor) {
  XINFER_RETURN_IF_ERROR(text.expect('['));
  auto* values = static_cast<T*>(tensor.data());
  for (std::int64_t i = 0; i < tensor.size(); ++i) {
    if (i > 0) XINFER_RETURN_IF_ERROR(text.expect(','));
    XINFER_RETURN_IF_ERROR(read_element(text, values[i]));
  }
  return text.expect(']');
}

/// Elements of a shape that may come from hostile text: at most `largest`, checked before any
/// memory is taken.
Result<std::uint64_t> count_elements(TextCursor& text, const Shape& shape, std::size_t largest) {
  std::int64_t count = 1;
  bool is_empty = false;
  for (std::int64_t dim : shape) {
    if (dim < 0) return text.error(fmt::format("constant of shape {}", xinfer::to_string(shape)));
    is_empty = is_empty || dim == 0;
    if (dim > 0 && __builtin_mul_overflow(count, dim, &count)) {
      return text.error(fmt::format("constant of shape {} is too large", xinfer::to_string(shape)));
    }
  }
  if (is_empty) return 0;
  if (static_cast<std::uint64_t>(count) <= largest) return static_cast<std::uint64_t>(count);
  return text.error(
      fmt::format("constant has fewer elements than its shape {} needs", xinfer::to_string(shape)));
}

}  // namespace

bool write_elements(std::string& out, const Tensor& tensor, int list_limit, bool elide) {
  const bool is_short = tensor.size() <= list_limit;
  if (is_short && write_list(out, tensor)) return false;
  if (is_short || !elide) {
    write_hex(out, tensor);
    return false;
  }
  out += "elided " + hash_text(tensor);
  return true;
}

Result<Tensor> read_elements(TextCursor& text, DType dtype, const Shape& shape) {
  // Every element takes at least one character.
  XINFER_RETURN_IF_ERROR(count_elements(text, shape, text.remaining()).status());
  if (text.take_word("elided")) {
    return text.error("the elements of this constant were left out when the graph was printed");
  }
  Tensor tensor(dtype, shape);
  if (text.take_word("hex")) {
    XINFER_RETURN_IF_ERROR(read_hex(text, tensor));
    return tensor;
  }
  Status status;
  const bool known = visit_type(dtype, [&]<typename T>(T) { status = read_list<T>(text, tensor); });
  if (!known) return text.unexpected(fmt::format("\"hex\" for {}", to_string(dtype)));
  XINFER_RETURN_IF_ERROR(std::move(status));
  return tensor;
}

Result<Tensor> read_elided_elements(TextCursor& text, DType dtype, const Shape& shape,
                                    std::string_view bytes) {
  XINFER_ASSIGN_OR_RETURN(const std::uint64_t count, count_elements(text, shape, bytes.size()));
  if (count * size_of(dtype) != bytes.size()) {
    return text.error(fmt::format("the {} bytes of an elided constant do not fit {} {}",
                                  bytes.size(), to_string(dtype), xinfer::to_string(shape)));
  }
  Tensor tensor(dtype, shape);
  if (!bytes.empty()) std::memcpy(tensor.data(), bytes.data(), bytes.size());
  XINFER_RETURN_IF_ERROR(check_bools(text, tensor));
  text.peek();  // skips the blank before the hash
  if (text.word() != hash_text(tensor)) {
    return text.error("the bytes of an elided constant do not have its hash");
  }
  return tensor;
}

}  // namespace xinfer::ir
