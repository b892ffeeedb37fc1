// The decision which node runs in which precision and how each value is quantised, with reasons.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/status.h"
#include "ir/constraints.h"
#include "ir/graph.h"

namespace xinfer::passes {

/// What calibration learned about one float value, as this pass needs it.
struct ValueRange {
  double amax = 0;       ///< largest magnitude seen
  double min = 0;        ///< smallest value seen
  double threshold = 0;  ///< the calibrator's choice T: values beyond are clipped
  /// Noise power over signal power that the range causes at the output of the layers that read the
  /// value; absent where it was not measured.
  std::optional<double> output_error{};
  /// Largest magnitude of every channel (last axis); empty where it was not observed.
  std::vector<float> channel_amax{};
};

/// Largest `output_error` at which a Conv or MatMul still runs in INT8: a signal 17 dB above its
/// noise. Layers of trained networks keep 21 to 45 dB where one scale fits the value at all.
inline constexpr double kLargestOutputError = 0.02;

/// By value name of the simplified float graph.
using RangeMap = std::map<std::string, ValueRange>;

struct NodePrecision {
  ir::Precision precision = ir::Precision::kFp32;
  std::string reason;     ///< "INT8: …" or why it is not, in words, with the numbers behind it
  std::int64_t macs = 0;  ///< multiply-accumulates at batch 1 (symbols at their smallest)
};

struct ValueQuantization {
  DType dtype = DType::kInt8;  ///< kInt8 or kUInt8
  float scale = 0;
  double threshold = 0;
  std::string reason;  ///< "u8: after ReLU", "shares the scale of …", …
};

/// What is added to a value: the same everywhere, or a number for every element of one axis.
struct ChannelOffset {
  std::vector<double> values{};  ///< one, or one a channel
  std::int64_t axis = 0;         ///< of the channels; without meaning for one value

  bool is_uniform() const { return values.size() == 1; }
  double at(std::size_t channel) const { return is_uniform() ? values[0] : values[channel]; }
  double largest() const { return *std::max_element(values.begin(), values.end()); }
};

/// Values lifted so that none is negative, and tables' inputs moved to the middle of their grid
/// (passes/activation_offsets.h).
struct ActivationOffsets {
  std::map<ir::ValueId, ChannelOffset> values;
  std::map<ir::NodeId, double> tables;        ///< what functions add to their result
  std::map<ir::NodeId, double> table_inputs;  ///< what layers add for the function behind them
};

/// Keyed by node and value ids of the simplified graph it was made for.
struct PrecisionPlan {
  std::map<ir::NodeId, NodePrecision> nodes;        ///< every live node
  std::map<ir::ValueId, ValueQuantization> values;  ///< every value that exists in INT8
  ActivationOffsets offsets;  ///< for apply_offsets; grids in `values` are those behind it

  /// Share of the multiply-accumulates of Conv and MatMul nodes that run in INT8, 0..1.
  double int8_mac_share(const ir::Graph& graph) const;
};

struct PrecisionOptions {
  bool int8 = false;
  bool fp16 = false;        ///< what is not INT8 runs in FP16
  bool fp16_exists = true;  ///< some target has FP16 kernels; otherwise FP16 layers are FP32
  bool offsets = true;      ///< lift functions such as GELU to u8; false keeps them s8
};

/// The largest finite FP16 number: layers whose values were seen beyond it stay in FP32.
inline constexpr double kLargestHalf = 65504;

/// Decides. Rules, each with its test and its place in docs/how-it-works.md:
/// - Conv and MatMul with constant weights are INT8 if ranges exist for input and output, the
///   accumulator cannot overflow, weights are finite and no constraint forbids it; their outputs
///   are written as float where only float nodes or graph outputs read them.
/// - Values proved non-negative are u8 with scale fl32(fl32(T / 127) * 127 / 255); others s8 with
///   fl32(T / 127).
/// - What a function a little below zero (SiLU, GELU) writes is lifted by its minimum and becomes
/// u8
///   where all readers can take that back.
/// - Scale-preserving movement (MaxPool, Reshape, Transpose, Slice, nearest Resize, zero Pad, …) is
///   INT8 between INT8 neighbours; input and output share one scale.
/// - Concat in INT8 unless the ranges of its inputs differ too much (boxes beside scores).
/// - Residual Add, average pooling, elementwise tables, broadcast Mul in INT8 between INT8
///   neighbours; LayerNorm, Softmax and a transformer's residual stream stay float.
/// - Graph outputs are never requantised.
/// - With `fp16`, or by a rule, float nodes that compute float values are FP16, unless a range says
///   that their values reach beyond it.
Result<PrecisionPlan> plan_precisions(const ir::Graph& graph, const RangeMap& ranges,
                                      const ir::Constraints& constraints,
                                      const PrecisionOptions& options);

}  // namespace xinfer::passes
