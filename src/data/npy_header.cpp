// The header of a .npy file: magic, version, length, and a Python dictionary literal.
#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "data/npy.h"

namespace xinfer {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
// Real headers hold a hundred bytes; anything near this is damage.
constexpr std::size_t kMaxHeaderBytes = 1 << 16;

struct Descriptor {
  std::string_view text;
  DType dtype;
};
constexpr std::array<Descriptor, 12> kDescriptors = {{{"<f4", DType::kFloat32},
                                                      {"<f2", DType::kFloat16},
                                                      {"<f8", DType::kFloat64},
                                                      {"|i1", DType::kInt8},
                                                      {"|u1", DType::kUInt8},
                                                      {"<i2", DType::kInt16},
                                                      {"<u2", DType::kUInt16},
                                                      {"<i4", DType::kInt32},
                                                      {"<u4", DType::kUInt32},
                                                      {"<i8", DType::kInt64},
                                                      {"<u8", DType::kUInt64},
                                                      {"|b1", DType::kBool}}};

/// Reads the dictionary `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : rest_(text) {}

  bool accept(char c) {
    skip_spaces();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool accept(std::string_view word) {
    skip_spaces();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  std::optional<std::string_view> quoted() {
    skip_spaces();
    if (rest_.empty() || (rest_.front() != '\'' && rest_.front() != '"')) return std::nullopt;
    const std::size_t end = rest_.find(rest_.front(), 1);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view value = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return value;
  }

  std::optional<std::int64_t> integer() {
    skip_spaces();
    std::int64_t value = 0;
    const auto result = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (result.ec != std::errc{} || value < 0) return std::nullopt;
    rest_.remove_prefix(static_cast<std::size_t>(result.ptr - rest_.data()));
    accept('L');  // Python 2 wrote long integers so.
    return value;
  }

  /// "()", "(3,)", "(2, 3)".
  std::optional<Shape> tuple() {
    if (!accept('(')) return std::nullopt;
    Shape shape;
    while (!accept(')')) {
      const std::optional<std::int64_t> value = integer();
      if (!value) return std::nullopt;
      shape.push_back(*value);
      if (!accept(',')) return accept(')') ? std::optional(shape) : std::nullopt;
    }
    return shape;
  }

  bool at_end() {
    skip_spaces();
    return rest_.empty();
  }

 private:
  void skip_spaces() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) {
      rest_.remove_prefix(1);
    }
  }

  std::string_view rest_;
};

struct Fields {
  std::optional<std::string_view> descr;
  std::optional<bool> fortran_order;
  std::optional<Shape> shape;
};

/// Nothing if `text` is no dictionary of the three keys.
std::optional<Fields> parse_dictionary(std::string_view text) {
  HeaderReader reader(text);
  Fields fields;
  if (!reader.accept('{')) return std::nullopt;
  while (!reader.accept('}')) {
    const std::optional<std::string_view> key = reader.quoted();
    if (!key || !reader.accept(':')) return std::nullopt;
    if (*key == "descr") {
      fields.descr = reader.quoted();
      // A structured type is a list; an empty descriptor stands for "something else".
      if (!fields.descr) return Fields{"", false, Shape{}};
    } else if (*key == "fortran_order") {
      fields.fortran_order = reader.accept("True");
      if (!*fields.fortran_order && !reader.accept("False")) return std::nullopt;
    } else if (*key == "shape") {
      fields.shape = reader.tuple();
    } else {
      return std::nullopt;
    }
    if (!reader.accept(',')) {
      if (!reader.accept('}')) return std::nullopt;
      break;
    }
  }
  const bool complete = fields.descr && fields.fortran_order && fields.shape && reader.at_end();
  return complete ? std::optional(fields) : std::nullopt;
}

Result<DType> find_dtype(std::string_view descr) {
  for (const Descriptor& candidate : kDescriptors) {
    // One-byte types have no byte order; "=" never occurs in files.
    const bool one_byte = candidate.text.front() == '|' && !descr.empty() &&
                          candidate.text.substr(1) == descr.substr(1);
    if (descr == candidate.text || one_byte) return candidate.dtype;
  }
  if (descr.starts_with('>')) return unsupported("big-endian elements (\"{}\")", descr);
  return unsupported(
      "elements of type \"{}\"; supported: bool, int8 to int64, uint8 to uint64, float16 to "
      "float64",
      descr.empty() ? "structured" : descr);
}

/// The dictionary's bytes, and in `data_offset` where the data begins.
Result<std::string_view> find_dictionary(std::string_view text, std::size_t* data_offset) {
  if (!text.starts_with(kMagic) || text.size() < 10) return io_error("not a .npy file");
  const auto byte = [text](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(text[i]));
  };
  const std::size_t version = byte(6);
  if (version < 1 || version > 3) {
    return unsupported(".npy format version {}.{}; supported: 1 to 3", version, byte(7));
  }
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  std::size_t length = byte(8) | byte(9) << 8;
  if (version > 1) {
    if (text.size() < 12) return io_error("the .npy header is cut off");
    length |= byte(10) << 16 | byte(11) << 24;
  }
  const std::size_t begin = 8 + length_bytes;
  if (length > kMaxHeaderBytes || length > text.size() - begin) {
    return io_error("the .npy header claims {} bytes; the file has {}", length, text.size());
  }
  *data_offset = begin + length;
  return text.substr(begin, length);
}

/// Bytes of the elements; nothing where they cannot be addressed.
std::optional<std::size_t> checked_size_bytes(const Shape& shape, DType dtype) {
  std::size_t size = size_of(dtype);
  for (const std::int64_t dim : shape) {
    if (dim == 0) return 0;
    const auto factor = static_cast<std::size_t>(dim);
    if (size > std::numeric_limits<std::int64_t>::max() / factor) return std::nullopt;
    size *= factor;
  }
  return size;
}

}  // namespace

Result<NpyHeader> parse_npy_header(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  NpyHeader header;
  XINFER_ASSIGN_OR_RETURN(const std::string_view dictionary,
                          find_dictionary(text, &header.data_offset));
  std::optional<Fields> fields = parse_dictionary(dictionary);
  if (!fields) {
    return io_error("the .npy header is not a dictionary of descr, fortran_order and shape");
  }
  XINFER_ASSIGN_OR_RETURN(header.dtype, find_dtype(*fields->descr));
  header.shape = *std::move(fields->shape);
  if (*fields->fortran_order && header.shape.size() > 1) {
    return unsupported("Fortran order; save the array with numpy.ascontiguousarray");
  }
  const std::optional<std::size_t> needed = checked_size_bytes(header.shape, header.dtype);
  const std::size_t present = bytes.size() - header.data_offset;
  if (!needed || *needed != present) {
    return io_error("the header says {} {}, which {} bytes of data do not fit",
                    to_string(header.dtype), to_string(header.shape), present);
  }
  return header;
}

Result<std::string> npy_header_text(const Tensor& tensor) {
  const auto* found = std::find_if(
      kDescriptors.begin(), kDescriptors.end(),
      [&tensor](const Descriptor& candidate) { return candidate.dtype == tensor.dtype(); });
  if (found == kDescriptors.end()) {
    return unsupported("NumPy has no type for {}", to_string(tensor.dtype()));
  }
  std::string shape;
  for (const std::int64_t dim : tensor.shape()) shape += fmt::format("{}, ", dim);
  if (tensor.shape().size() > 1) shape.resize(shape.size() - 2);
  if (tensor.shape().size() == 1) shape.pop_back();
  std::string dictionary =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", found->text, shape);
  const std::size_t prefix_bytes = kMagic.size() + 4;
  const std::size_t unpadded = prefix_bytes + dictionary.size() + 1;
  dictionary.append((64 - unpadded % 64) % 64, ' ');
  dictionary += '\n';
  std::string header(kMagic);
  header += '\x01';
  header += '\0';
  header += static_cast<char>(dictionary.size() & 0xFF);
  header += static_cast<char>(dictionary.size() >> 8);
  return header + dictionary;
}

}  // namespace xinfer
