// The text form of a Preprocessing: parsing and printing.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "data/preprocess.h"

namespace xinfer {
namespace {

// Sides beyond this are mistakes, and their product would overflow.
constexpr int kMaxSide = 32768;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const char* const end = text.data() + text.size();
  const std::from_chars_result result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc{} || result.ptr != end) return std::nullopt;
  return value;
}

std::optional<double> parse_finite(std::string_view text) {
  const std::optional<double> value = parse_number<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<int> parse_side(std::string_view text) {
  const std::optional<int> value = parse_number<int>(text);
  return value && *value >= 1 && *value <= kMaxSide ? value : std::nullopt;
}

/// "WxH".
std::optional<Size2d> parse_size(std::string_view text) {
  const std::vector<std::string_view> sides = split(text, 'x');
  if (sides.size() != 2) return std::nullopt;
  const std::optional<int> width = parse_side(sides[0]);
  const std::optional<int> height = parse_side(sides[1]);
  if (!width || !height) return std::nullopt;
  return Size2d{*width, *height};
}

/// One `KEY=VALUE`, which knows how to complain about itself.
struct Element {
  std::string_view key;
  std::string_view value;

  Status expected(const char* what) const {
    return invalid_argument("preprocessing key \"{}\" is \"{}\"; expected {}", key, value, what);
  }
};

Status parse_letterbox(const Element& element, Preprocessing* p) {
  Status error = element.expected(
      "letterbox:WxH[:center|:topleft][:FILL] with sides of 1..32768 and FILL of 0..255");
  std::vector<std::string_view> parts = split(element.value, ':');
  if (parts.size() < 2 || parts.size() > 4) return error;
  const std::optional<Size2d> size = parse_size(parts[1]);
  if (!size) return error;
  p->resize = ResizeMode::kLetterbox;
  p->resize_size = *size;
  std::size_t next = 2;
  if (next < parts.size() && (parts[next] == "center" || parts[next] == "topleft")) {
    p->placement = parts[next++] == "center" ? Placement::kCenter : Placement::kTopLeft;
  }
  if (next < parts.size()) {
    const std::optional<int> fill = parse_number<int>(parts[next++]);
    if (!fill || *fill < 0 || *fill > 255) return error;
    p->fill = *fill;
  }
  return next == parts.size() ? Status() : error;
}

Status parse_resize(const Element& element, Preprocessing* p) {
  const Preprocessing defaults;
  p->resize = ResizeMode::kNone;
  p->resize_size = defaults.resize_size;
  p->placement = defaults.placement;
  p->fill = defaults.fill;
  if (element.value == "none") return {};
  if (element.value.starts_with("letterbox")) return parse_letterbox(element, p);
  if (const std::optional<int> side = parse_side(element.value)) {
    p->resize = ResizeMode::kShorterSide;
    p->resize_size = {*side, *side};
    return {};
  }
  const std::optional<Size2d> size = parse_size(element.value);
  if (!size) {
    return element.expected("none, a shorter side N, WxH or letterbox:WxH, with sides of 1..32768");
  }
  p->resize = ResizeMode::kExact;
  p->resize_size = *size;
  return {};
}

Status parse_crop(const Element& element, Preprocessing* p) {
  if (element.value == "none") {
    p->crop.reset();
    return {};
  }
  if (const std::optional<int> side = parse_side(element.value)) {
    p->crop = Size2d{*side, *side};
    return {};
  }
  p->crop = parse_size(element.value);
  return p->crop ? Status() : element.expected("none, N or WxH, with sides of 1..32768");
}

Status parse_filter(const Element& element, Preprocessing* p) {
  for (const ResizeFilter filter : {ResizeFilter::kBilinear, ResizeFilter::kBicubic}) {
    if (element.value != to_string(filter)) continue;
    p->filter = filter;
    return {};
  }
  return element.expected("bilinear or bicubic");
}

constexpr std::array<std::string_view, 3> kColorNames = {"rgb", "bgr", "gray"};

Status parse_color(const Element& element, Preprocessing* p) {
  const auto* found = std::find(kColorNames.begin(), kColorNames.end(), element.value);
  if (found == kColorNames.end()) return element.expected("rgb, bgr or gray");
  p->color = static_cast<ColorOrder>(found - kColorNames.begin());
  return {};
}

Status parse_scale(const Element& element, Preprocessing* p) {
  const std::vector<std::string_view> parts = split(element.value, '/');
  const std::optional<double> numerator = parse_finite(parts[0]);
  const std::optional<double> denominator = parts.size() == 2 ? parse_finite(parts[1]) : 1.0;
  const bool ok = parts.size() <= 2 && numerator && denominator && *numerator > 0 &&
                  *denominator > 0 && std::isnormal(*numerator / *denominator);
  if (!ok) return element.expected("a positive number or a fraction such as 1/255");
  p->scale = *numerator / *denominator;
  return {};
}

Status parse_list(const Element& element, std::vector<double>* list) {
  list->clear();
  for (const std::string_view part : split(element.value, ':')) {
    const std::optional<double> value = parse_finite(part);
    if (!value) return element.expected("numbers joined by \":\", such as 0.485:0.456:0.406");
    list->push_back(*value);
  }
  return {};
}

Status parse_mean(const Element& element, Preprocessing* p) {
  return parse_list(element, &p->mean);
}

Status parse_std(const Element& element, Preprocessing* p) {
  XINFER_RETURN_IF_ERROR(parse_list(element, &p->std));
  const bool positive = std::all_of(p->std.begin(), p->std.end(), [](double v) { return v > 0; });
  return positive ? Status() : element.expected("positive numbers");
}

Status parse_layout(const Element& element, Preprocessing* p) {
  if (element.value == "nchw") {
    p->layout = ImageLayout::kNchw;
  } else if (element.value == "nhwc") {
    p->layout = ImageLayout::kNhwc;
  } else {
    return element.expected("nchw or nhwc");
  }
  return {};
}

struct Key {
  std::string_view name;
  Status (*parse)(const Element& element, Preprocessing* p);
};
constexpr std::array<Key, 8> kKeys = {{{"resize", parse_resize},
                                       {"crop", parse_crop},
                                       {"filter", parse_filter},
                                       {"color", parse_color},
                                       {"scale", parse_scale},
                                       {"mean", parse_mean},
                                       {"std", parse_std},
                                       {"layout", parse_layout}}};

Preprocessing imagenet() {
  Preprocessing p;
  p.resize = ResizeMode::kShorterSide;
  p.resize_size = {256, 256};
  p.crop = Size2d{224, 224};
  p.mean = {0.485, 0.456, 0.406};
  p.std = {0.229, 0.224, 0.225};
  return p;
}

Status check_channel_count(const char* key, const std::vector<double>& list,
                           const Preprocessing& p) {
  if (list.size() == 1 || list.size() == static_cast<std::size_t>(p.channels())) return {};
  return invalid_argument("preprocessing key \"{}\" has {} values; color={} takes 1{}", key,
                          list.size(), kColorNames[static_cast<std::size_t>(p.color)],
                          p.channels() == 1 ? "" : " or 3");
}

std::string print_size(Size2d size) {
  return size.width == size.height ? fmt::format("{}", size.width)
                                   : fmt::format("{}x{}", size.width, size.height);
}

std::string print_resize(const Preprocessing& p) {
  const Size2d size = p.resize_size;
  switch (p.resize) {
    case ResizeMode::kNone:
      return "";
    case ResizeMode::kShorterSide:
      return fmt::format("resize={},", size.width);
    case ResizeMode::kExact:
      return fmt::format("resize={}x{},", size.width, size.height);
    case ResizeMode::kLetterbox:
      break;
  }
  return fmt::format("resize=letterbox:{}x{}:{}:{},", size.width, size.height,
                     p.placement == Placement::kCenter ? "center" : "topleft", p.fill);
}

/// Shortest decimals that read back equal.
std::string print_list(const std::vector<double>& list) {
  std::string text;
  for (const double value : list) text += fmt::format("{}{}", text.empty() ? "" : ":", value);
  return text;
}

}  // namespace

Result<Preprocessing> parse_preprocessing(std::string_view text) {
  Preprocessing p;
  if (text.empty()) return p;
  std::vector<std::string_view> seen;
  bool first = true;
  for (const std::string_view part : split(text, ',')) {
    if (std::exchange(first, false) && part == "imagenet") {
      p = imagenet();
      continue;
    }
    const std::size_t equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    const auto* key =
        std::find_if(kKeys.begin(), kKeys.end(), [name](const Key& k) { return k.name == name; });
    if (equals == std::string_view::npos || key == kKeys.end()) {
      return invalid_argument(
          "preprocessing has the element \"{}\"; expected imagenet (first) or KEY=VALUE with the "
          "keys resize, crop, filter, color, scale, mean, std, layout",
          part);
    }
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      return invalid_argument("preprocessing key \"{}\" is given twice", name);
    }
    seen.push_back(name);
    XINFER_RETURN_IF_ERROR(key->parse({name, part.substr(equals + 1)}, &p));
  }
  XINFER_RETURN_IF_ERROR(check_channel_count("mean", p.mean, p));
  XINFER_RETURN_IF_ERROR(check_channel_count("std", p.std, p));
  return p;
}

std::string to_string(const Preprocessing& p) {
  std::string text = print_resize(p);
  if (p.crop) text += fmt::format("crop={},", print_size(*p.crop));
  text += fmt::format("filter={},color={},scale={},mean={},std={}", to_string(p.filter),
                      kColorNames[static_cast<std::size_t>(p.color)],
                      p.scale == 1.0 / 255 ? "1/255" : fmt::format("{}", p.scale),
                      print_list(p.mean), print_list(p.std));
  if (p.layout != ImageLayout::kModel) {
    text += p.layout == ImageLayout::kNchw ? ",layout=nchw" : ",layout=nhwc";
  }
  return text;
}

}  // namespace xinfer
