// Resize, Upsample.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "import/registry.h"

namespace xinfer::import {
namespace {

using kernels::CoordinateMode;
using kernels::NearestMode;
using kernels::ResizeMode;

struct NamedMode {
  const char* name;
  int value;
};

/// The value of a named mode; an unknown name is refused with the list of those that are known.
Result<int> read_mode(NodeContext& node, const char* attribute, const char* fallback,
                      std::span<const NamedMode> modes) {
  const std::string text = node.attributes().text(attribute, fallback);
  std::string known;
  for (const NamedMode& mode : modes) {
    if (text == mode.name) return mode.value;
    known += (known.empty() ? "" : ", ") + std::string(mode.name);
  }
  return node.unsupported("{} \"{}\"; supported: {}", attribute, text, known);
}

constexpr NamedMode kModes[] = {{"nearest", static_cast<int>(ResizeMode::kNearest)},
                                {"linear", static_cast<int>(ResizeMode::kLinear)},
                                {"cubic", static_cast<int>(ResizeMode::kCubic)}};
/// Before opset 11 there was no cubic; the name "bilinear" comes from opset 7's drafts.
constexpr NamedMode kOldModes[] = {{"nearest", static_cast<int>(ResizeMode::kNearest)},
                                   {"linear", static_cast<int>(ResizeMode::kLinear)},
                                   {"bilinear", static_cast<int>(ResizeMode::kLinear)}};
constexpr NamedMode kCoordinates[] = {
    {"half_pixel", static_cast<int>(CoordinateMode::kHalfPixel)},
    {"pytorch_half_pixel", static_cast<int>(CoordinateMode::kPytorchHalfPixel)},
    {"align_corners", static_cast<int>(CoordinateMode::kAlignCorners)},
    {"asymmetric", static_cast<int>(CoordinateMode::kAsymmetric)},
    {"tf_crop_and_resize", static_cast<int>(CoordinateMode::kTfCropAndResize)},
    {"half_pixel_symmetric", static_cast<int>(CoordinateMode::kHalfPixelSymmetric)},
    {"tf_half_pixel_for_nn", static_cast<int>(CoordinateMode::kTfHalfPixelForNn)}};
constexpr NamedMode kNearest[] = {
    {"round_prefer_floor", static_cast<int>(NearestMode::kRoundPreferFloor)},
    {"round_prefer_ceil", static_cast<int>(NearestMode::kRoundPreferCeil)},
    {"floor", static_cast<int>(NearestMode::kFloor)},
    {"ceil", static_cast<int>(NearestMode::kCeil)}};

/// floor(size * factor), the way ONNX defines the output's size.
Result<ir::Dim> scaled(NodeContext& node, const ir::Dim& size, double factor) {
  const auto product = apply(kernels::Binary::kMul, DType::kFloat32,
                             cast(DType::kInt64, DType::kFloat32, Number::of_dim(size)).value(),
                             Number::of_real(factor));
  const auto floor =
      product ? apply(kernels::Unary::kFloor, DType::kFloat32, *product) : std::nullopt;
  const auto whole = floor ? cast(DType::kFloat32, DType::kInt64, *floor) : std::nullopt;
  if (!whole) {
    return node.unsupported(
        "scale {} of dimension {}; supported: simple fractions of dynamic dimensions", factor,
        size.to_string());
  }
  return *whole->integer();
}

Status check_scales(NodeContext& node, const std::vector<double>& scales) {
  for (const double scale : scales) {
    if (!(scale > 0) || !std::isfinite(scale)) return node.invalid("scales holds {}", scale);
  }
  return Status();
}

/// Sets scales (one for each of `axes`) and the sizes that follow from them.
Status apply_scales(NodeContext& node, const ir::SymbolicShape& shape,
                    const std::vector<std::int64_t>& axes, const std::vector<double>& scales,
                    ir::Resize& op) {
  if (scales.size() != axes.size()) {
    return node.invalid("scales has {} entries, needs {}", scales.size(), axes.size());
  }
  XINFER_RETURN_IF_ERROR(check_scales(node, scales));
  op.scales.assign(shape.size(), 1.0);
  op.size = shape;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(axes[i]);
    op.scales[axis] = scales[i];
    double extent = scales[i];
    if (op.coordinates == CoordinateMode::kTfCropAndResize) {
      extent *= op.roi[axis + shape.size()] - op.roi[axis];
    }
    if (extent == 1) continue;
    XINFER_ASSIGN_OR_RETURN(op.size[axis], scaled(node, shape[axis], extent));
  }
  return Status();
}

/// keep_aspect_ratio_policy: one scale for all axes, the smallest or the largest that is asked for.
Status keep_aspect_ratio(NodeContext& node, const ir::SymbolicShape& shape,
                         const std::vector<std::int64_t>& axes, bool not_larger, ir::Resize& op) {
  double common = 0;
  for (const std::int64_t a : axes) {
    const auto axis = static_cast<std::size_t>(a);
    if (!shape[axis].is_constant() || !op.size[axis].is_constant()) {
      return node.unsupported(
          "keep_aspect_ratio_policy on dynamic dimensions; supported: static dimensions");
    }
    if (shape[axis].constant() < 1) return node.invalid("dimension {} is empty", axis);
    const double scale =
        static_cast<double>(op.size[axis].constant()) / static_cast<double>(shape[axis].constant());
    if (common == 0) common = scale;
    common = not_larger ? std::min(common, scale) : std::max(common, scale);
  }
  op.scales.assign(shape.size(), 1.0);
  for (const std::int64_t a : axes) {
    const auto axis = static_cast<std::size_t>(a);
    const double size = std::floor(common * static_cast<double>(shape[axis].constant()) + 0.5);
    if (!(size <= static_cast<double>(std::int64_t{1} << 31))) {
      return node.invalid("sizes are too large");
    }
    op.size[axis] = ir::Dim(static_cast<std::int64_t>(size));
    op.scales[axis] = common;
  }
  return Status();
}

/// Sets the sizes given for `axes`; the scales follow from them.
Status apply_sizes(NodeContext& node, const ir::SymbolicShape& shape,
                   const std::vector<std::int64_t>& axes, ir::Resize& op) {
  XINFER_ASSIGN_OR_RETURN(const ir::SymbolicShape sizes, node.dims(3, "sizes"));
  if (sizes.size() != axes.size()) {
    return node.invalid("sizes has {} entries, needs {}", sizes.size(), axes.size());
  }
  op.size = shape;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(axes[i]);
    const bool is_freed_batch = node.state().free_batch.active() && sizes[i] == ir::Dim(1) &&
                                FreeBatch::depends_on_batch(shape[axis]);
    if (!is_freed_batch) op.size[axis] = sizes[i];
  }
  const std::string policy = node.attributes().text("keep_aspect_ratio_policy", "stretch");
  if (policy == "stretch") return Status();
  if (policy != "not_larger" && policy != "not_smaller") {
    return node.unsupported(
        "keep_aspect_ratio_policy \"{}\"; supported: stretch, not_larger, not_smaller", policy);
  }
  return keep_aspect_ratio(node, shape, axes, policy == "not_larger", op);
}

/// The region of tf_crop_and_resize: starts of all axes, then ends; the whole where none is given.
Status read_roi(NodeContext& node, std::size_t rank, const std::vector<std::int64_t>& axes,
                ir::Resize& op) {
  if (op.coordinates != CoordinateMode::kTfCropAndResize) return Status();
  XINFER_ASSIGN_OR_RETURN(const std::vector<double> roi, node.reals(1, "roi"));
  if (roi.size() != 2 * axes.size()) {
    return node.invalid("roi has {} entries, needs {}", roi.size(), 2 * axes.size());
  }
  op.roi.assign(2 * rank, 0.0);
  std::fill(op.roi.begin() + static_cast<std::ptrdiff_t>(rank), op.roi.end(), 1.0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(axes[i]);
    op.roi[axis] = roi[i];
    op.roi[axis + rank] = roi[i + axes.size()];
  }
  return Status();
}

Status read_modes(NodeContext& node, ir::Resize& op) {
  XINFER_ASSIGN_OR_RETURN(const int mode, read_mode(node, "mode", "nearest", kModes));
  XINFER_ASSIGN_OR_RETURN(const int coordinates, read_mode(node, "coordinate_transformation_mode",
                                                           "half_pixel", kCoordinates));
  XINFER_ASSIGN_OR_RETURN(const int nearest,
                          read_mode(node, "nearest_mode", "round_prefer_floor", kNearest));
  op.mode = static_cast<ResizeMode>(mode);
  op.coordinates = static_cast<CoordinateMode>(coordinates);
  op.nearest = static_cast<NearestMode>(nearest);
  op.cubic_coefficient = node.attributes().real("cubic_coeff_a", -0.75);
  op.exclude_outside = node.attributes().flag("exclude_outside", false);
  op.antialias = node.attributes().flag("antialias", false);
  op.extrapolation_value = node.attributes().real("extrapolation_value", 0);
  return Status();
}

/// True if the input is there and has elements: exporters pass an empty tensor for "not given".
bool is_given(NodeContext& node, std::size_t index) {
  if (!node.has_input(index)) return false;
  const SymbolicTensor* known = node.symbolic(index);
  return known == nullptr || !known->elements.empty();
}

Status convert_resize(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  const ir::SymbolicShape shape = node.value(x).shape;
  ir::Resize op;
  XINFER_RETURN_IF_ERROR(read_modes(node, op));
  std::vector<std::int64_t> axes(shape.size());
  std::iota(axes.begin(), axes.end(), 0);
  if (const auto given = node.attributes().integers("axes")) {
    XINFER_ASSIGN_OR_RETURN(axes, node.axes(*given, shape.size()));
  }
  XINFER_RETURN_IF_ERROR(read_roi(node, shape.size(), axes, op));
  if (is_given(node, 2) == is_given(node, 3)) {
    return node.invalid("either scales or sizes must be given");
  }
  if (is_given(node, 3)) {
    XINFER_RETURN_IF_ERROR(apply_sizes(node, shape, axes, op));
  } else {
    XINFER_ASSIGN_OR_RETURN(const std::vector<double> scales, node.reals(2, "scales"));
    XINFER_RETURN_IF_ERROR(apply_scales(node, shape, axes, scales, op));
  }
  return node.output(std::move(op), {x});
}

/// Opsets 7 to 10: coordinates are divided by the scale; nearest takes the pixel below when it
/// enlarges and the one above when it shrinks.
Status convert_old_resize(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  const ir::SymbolicShape shape = node.value(x).shape;
  ir::Resize op;
  XINFER_ASSIGN_OR_RETURN(const int mode, read_mode(node, "mode", "nearest", kOldModes));
  op.mode = static_cast<ResizeMode>(mode);
  op.coordinates = CoordinateMode::kAsymmetric;
  std::vector<double> scales;
  if (node.has_input(1)) {
    XINFER_ASSIGN_OR_RETURN(scales, node.reals(1, "scales"));
  } else if (const auto given = node.attributes().reals("scales")) {
    scales = *given;
  }
  const auto shrinks = [](double scale) { return scale < 1; };
  const auto grows = [](double scale) { return scale > 1; };
  const bool any_shrinks = std::any_of(scales.begin(), scales.end(), shrinks);
  op.nearest = any_shrinks ? NearestMode::kCeil : NearestMode::kFloor;
  if (op.mode == ResizeMode::kNearest && any_shrinks &&
      std::any_of(scales.begin(), scales.end(), grows)) {
    return node.unsupported(
        "nearest that enlarges one axis and shrinks another; supported: one of them");
  }
  std::vector<std::int64_t> axes(shape.size());
  std::iota(axes.begin(), axes.end(), 0);
  XINFER_RETURN_IF_ERROR(apply_scales(node, shape, axes, scales, op));
  return node.output(std::move(op), {x});
}

constexpr OpEntry kOps[] = {
    {"Resize", 10, 10, 2, 2, convert_old_resize, nullptr, "constant scales"},
    {"Resize", 11, kStillValid, 1, 4, convert_resize, nullptr,
     "constant scales and roi, or sizes known at import"},
    {"Upsample", 7, 9, 1, 2, convert_old_resize, nullptr, "constant scales"},
};

}  // namespace

OpList resize_ops() { return kOps; }

}  // namespace xinfer::import
