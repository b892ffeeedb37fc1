// Names of the operators' enumerations, for the text form, reports and messages.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "ir/ops.h"

namespace xinfer::ir {

template <typename Enum>
struct NamedValue {
  Enum value;
  std::string_view name;
};

/// EnumNames<kernels::Unary>::kList names every enumerator of kernels::Unary.
template <typename Enum>
struct EnumNames;

template <>
struct EnumNames<kernels::Unary> {
  using E = kernels::Unary;
  static constexpr auto kList =
      std::to_array<NamedValue<E>>({{E::kIdentity, "identity"},
                                    {E::kAbs, "abs"},
                                    {E::kNeg, "neg"},
                                    {E::kExp, "exp"},
                                    {E::kLog, "log"},
                                    {E::kSqrt, "sqrt"},
                                    {E::kReciprocal, "reciprocal"},
                                    {E::kFloor, "floor"},
                                    {E::kCeil, "ceil"},
                                    {E::kRound, "round"},
                                    {E::kSign, "sign"},
                                    {E::kErf, "erf"},
                                    {E::kTanh, "tanh"},
                                    {E::kSigmoid, "sigmoid"},
                                    {E::kHardSigmoid, "hard_sigmoid"},
                                    {E::kHardSwish, "hard_swish"},
                                    {E::kSilu, "silu"},
                                    {E::kGelu, "gelu"},
                                    {E::kGeluTanh, "gelu_tanh"},
                                    {E::kRelu, "relu"},
                                    {E::kLeakyRelu, "leaky_relu"},
                                    {E::kElu, "elu"},
                                    {E::kSelu, "selu"},
                                    {E::kCelu, "celu"},
                                    {E::kThresholdedRelu, "thresholded_relu"},
                                    {E::kSoftplus, "softplus"},
                                    {E::kSoftsign, "softsign"},
                                    {E::kMish, "mish"},
                                    {E::kShrink, "shrink"},
                                    {E::kSwish, "swish"},
                                    {E::kSin, "sin"},
                                    {E::kCos, "cos"},
                                    {E::kTan, "tan"},
                                    {E::kAsin, "asin"},
                                    {E::kAcos, "acos"},
                                    {E::kAtan, "atan"},
                                    {E::kSinh, "sinh"},
                                    {E::kCosh, "cosh"},
                                    {E::kAsinh, "asinh"},
                                    {E::kAcosh, "acosh"},
                                    {E::kAtanh, "atanh"},
                                    {E::kNot, "not"},
                                    {E::kBitwiseNot, "bitwise_not"}});
};
template <>
struct EnumNames<kernels::Binary> {
  using E = kernels::Binary;
  static constexpr auto kList =
      std::to_array<NamedValue<E>>({{E::kAdd, "add"},
                                    {E::kSub, "sub"},
                                    {E::kMul, "mul"},
                                    {E::kDiv, "div"},
                                    {E::kPow, "pow"},
                                    {E::kMin, "min"},
                                    {E::kMax, "max"},
                                    {E::kMod, "mod"},
                                    {E::kFmod, "fmod"},
                                    {E::kEqual, "equal"},
                                    {E::kLess, "less"},
                                    {E::kLessOrEqual, "less_or_equal"},
                                    {E::kGreater, "greater"},
                                    {E::kGreaterOrEqual, "greater_or_equal"},
                                    {E::kAnd, "and"},
                                    {E::kOr, "or"},
                                    {E::kXor, "xor"}});
};
template <>
struct EnumNames<kernels::PoolKind> {
  using E = kernels::PoolKind;
  static constexpr std::array<NamedValue<E>, 2> kList = {
      {{E::kMax, "max"}, {E::kAverage, "average"}}};
};
template <>
struct EnumNames<kernels::ReduceKind> {
  using E = kernels::ReduceKind;
  static constexpr auto kList = std::to_array<NamedValue<E>>({{E::kSum, "sum"},
                                                              {E::kMean, "mean"},
                                                              {E::kMax, "max"},
                                                              {E::kMin, "min"},
                                                              {E::kProd, "prod"},
                                                              {E::kL1, "l1"},
                                                              {E::kL2, "l2"},
                                                              {E::kLogSum, "log_sum"},
                                                              {E::kLogSumExp, "log_sum_exp"},
                                                              {E::kSumSquare, "sum_square"}});
};
template <>
struct EnumNames<kernels::PadMode> {
  using E = kernels::PadMode;
  static constexpr auto kList = std::to_array<NamedValue<E>>({{E::kConstant, "constant"},
                                                              {E::kReflect, "reflect"},
                                                              {E::kEdge, "edge"},
                                                              {E::kWrap, "wrap"}});
};
template <>
struct EnumNames<kernels::ResizeMode> {
  using E = kernels::ResizeMode;
  static constexpr std::array<NamedValue<E>, 3> kList = {
      {{E::kNearest, "nearest"}, {E::kLinear, "linear"}, {E::kCubic, "cubic"}}};
};
template <>
struct EnumNames<kernels::CoordinateMode> {
  using E = kernels::CoordinateMode;
  static constexpr std::array<NamedValue<E>, 7> kList = {
      {{E::kHalfPixel, "half_pixel"},
       {E::kPytorchHalfPixel, "pytorch_half_pixel"},
       {E::kAlignCorners, "align_corners"},
       {E::kAsymmetric, "asymmetric"},
       {E::kTfCropAndResize, "tf_crop_and_resize"},
       {E::kHalfPixelSymmetric, "half_pixel_symmetric"},
       {E::kTfHalfPixelForNn, "tf_half_pixel_for_nn"}}};
};
template <>
struct EnumNames<kernels::NearestMode> {
  using E = kernels::NearestMode;
  static constexpr std::array<NamedValue<E>, 4> kList = {
      {{E::kRoundPreferFloor, "round_prefer_floor"},
       {E::kRoundPreferCeil, "round_prefer_ceil"},
       {E::kFloor, "floor"},
       {E::kCeil, "ceil"}}};
};
template <>
struct EnumNames<EpilogueOp::Kind> {
  using E = EpilogueOp::Kind;
  static constexpr std::array<NamedValue<E>, 3> kList = {
      {{E::kResidual, "residual"}, {E::kClip, "clip"}, {E::kUnary, "unary"}}};
};
template <>
struct EnumNames<DType> {
  using E = DType;
  static constexpr auto kList = std::to_array<NamedValue<E>>({{E::kFloat32, "float32"},
                                                              {E::kFloat16, "float16"},
                                                              {E::kBFloat16, "bfloat16"},
                                                              {E::kFloat64, "float64"},
                                                              {E::kInt8, "int8"},
                                                              {E::kUInt8, "uint8"},
                                                              {E::kInt16, "int16"},
                                                              {E::kUInt16, "uint16"},
                                                              {E::kInt32, "int32"},
                                                              {E::kUInt32, "uint32"},
                                                              {E::kInt64, "int64"},
                                                              {E::kUInt64, "uint64"},
                                                              {E::kBool, "bool"}});
};

template <typename Enum>
concept NamedEnum = requires {
  EnumNames<Enum>::kList;
};

/// "leaky_relu"; "?" for a number that no enumerator has.
template <NamedEnum Enum>
constexpr std::string_view enum_name(Enum value) {
  for (const auto& entry : EnumNames<Enum>::kList) {
    if (entry.value == value) return entry.name;
  }
  return "?";
}

template <NamedEnum Enum>
constexpr std::optional<Enum> parse_enum(std::string_view name) {
  for (const auto& entry : EnumNames<Enum>::kList) {
    if (entry.name == name) return entry.value;
  }
  return std::nullopt;
}

}  // namespace xinfer::ir
