// The operators of the graph: small structs in one variant. The importer resolves opset
// differences, so each struct holds exactly one meaning; comments name the ONNX operators that
// become it. Axes are non-negative. Attributes that ONNX passes as tensors (shapes, axes, pads) are
// resolved to numbers or symbolic dimensions here; whatever cannot be resolved is refused at
// import.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "ir/dim.h"
#include "kernels/elementwise/kinds.h"
#include "kernels/movement/kinds.h"
#include "kernels/pool/kinds.h"
#include "kernels/reduce/kinds.h"
#include "kernels/resize/kinds.h"
#include "xinfer/core/dtype.h"

namespace xinfer::ir {

/// A step that fusion moved into the node before it (kernels/epilogue.h has the arithmetic).
struct EpilogueOp {
  enum class Kind { kResidual, kClip, kUnary };
  Kind kind = Kind::kClip;
  int residual_input = -1;  ///< kResidual: which of the node's inputs is added
  double low = -std::numeric_limits<double>::infinity();  ///< kClip
  double high = std::numeric_limits<double>::infinity();
  kernels::Unary function = kernels::Unary::kRelu;  ///< kUnary
  double alpha = 0, beta = 0;
  double input_offset = 0, offset = 0;  ///< kUnary: as Unary's
  /// kUnary inside an INT8 region: the table's own input grid, and the grid of the bytes it holds.
  /// Zero in float graphs, and for kLeakyRelu, which needs no table.
  float table_input_scale = 0, table_output_scale = 0;
  DType table_input_dtype = DType::kFloat32, table_output_dtype = DType::kFloat32;
  /// Name of the value that this step's result had before fusion, for reports.
  std::string value_name;

  friend bool operator==(const EpilogueOp&, const EpilogueOp&) = default;
};

/// Conv 1, 11, 22. Inputs: x [N, C, spatial…] float, s8 or u8; w [M, C/groups, k…] float32 constant
/// (quantised per output channel when x is INT8) or runtime; bias [M] or absent; then the
/// epilogue's residuals. Output: [N, M, spatial…], float32, or s8 / u8 with the value's scale.
struct Conv {
  std::vector<std::int64_t> kernel, strides, dilations, pads_begin, pads_end;  ///< per spatial axis
  std::int64_t groups = 1;
  std::vector<EpilogueOp> epilogue;
};

/// MatMul 1, 9, 13 and Gemm 7–13 (alpha and beta folded into constants, or emitted as Mul).
/// y = op(a) · op(b) + bias. Inputs: a [..., M, K], b [..., K, N] (transposed last two axes as
/// flagged; 1-D operands are reshaped by the importer), bias [N] (or absent), residuals. Batch axes
/// broadcast. b may be a constant (then as Conv's w) or a runtime value (INT8: both quantised).
struct MatMul {
  bool transpose_a = false, transpose_b = false;
  std::vector<EpilogueOp> epilogue;
};

/// MaxPool 1–22, AveragePool 7–22 (ceil_mode is resolved in the output's shape).
/// Input [N, C, spatial…]; outputs: y, and for MaxPool optionally Indices (int64).
struct Pool {
  kernels::PoolKind kind = kernels::PoolKind::kMax;
  std::vector<std::int64_t> kernel, strides, dilations, pads_begin, pads_end;
  bool ceil_mode = false;
  bool count_include_pad = false;
  bool column_major_indices = false;  ///< storage_order
};

/// BatchNormalization 7–15, inference. Inputs: x, scale, bias, mean, variance ([C] each).
struct BatchNorm {
  double epsilon = 1e-5;
};

/// LayerNormalization 17, and the decomposed pattern. Normalises over axes [axis, rank).
/// Inputs: x, scale or absent, bias or absent (shape of the normalised axes). One output.
struct LayerNorm {
  std::int64_t axis = -1;
  double epsilon = 1e-5;
};

/// Softmax / LogSoftmax 13 along one axis (older opsets: the importer reshapes to 2-D around it).
struct Softmax {
  std::int64_t axis = -1;
  bool log = false;
};

/// Elementwise functions of one tensor.
struct Unary {
  kernels::Unary function = kernels::Unary::kRelu;
  double alpha = 0, beta = 0;
  /// Added to the argument and to the result: function(x + input_offset) + offset. Only where a
  /// table computes it all.
  double input_offset = 0, offset = 0;
};

/// Elementwise functions of two tensors with NumPy broadcasting. Sum/Max/Min of n inputs become
/// chains. In an INT8 graph Add and Mul may have s8/u8 inputs and an s8/u8 or float32 output.
struct Binary {
  kernels::Binary function = kernels::Binary::kAdd;
  std::vector<EpilogueOp> epilogue;  ///< kClip and kUnary only; float32 or INT8
};

/// Where 9, 16. Inputs: condition (bool), x, y; broadcasting.
struct Select {};

/// Clip 1–13 and Relu (low = 0). Bounds are exact in the value's dtype (int64 bounds beyond 2^53
/// are refused at import). INT8: the bounds are real numbers, the scale stays.
struct Clip {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

/// Cast 6–23.
struct Cast {
  DType to = DType::kFloat32;
};

/// ReduceSum/Mean/Max/… (axes resolved), GlobalAveragePool and GlobalMaxPool (keep_dims, all
/// spatial axes).
struct Reduce {
  kernels::ReduceKind kind = kernels::ReduceKind::kSum;
  std::vector<std::int64_t> axes;
  bool keep_dims = true;
};

/// ArgMax / ArgMin: int64 indices.
struct ArgReduce {
  bool max = true;
  std::int64_t axis = 0;
  bool keep_dims = true;
  bool select_last_index = false;
};

struct Transpose {
  std::vector<std::int64_t> perm;
};

/// Reshape, Flatten, Squeeze, Unsqueeze, Identity, Dropout: the same elements, another shape.
struct Reshape {
  SymbolicShape shape;
};

/// Slice 1–13 and each output of Split: element i of axis a is start[a] + i · step[a], i < size[a].
/// One entry per axis of the input.
struct Slice {
  SymbolicShape start, size;
  std::vector<std::int64_t> step;
};

struct Concat {
  std::int64_t axis = 0;
};

/// Pad 2–23; one entry per axis; negative pads crop.
struct Pad {
  kernels::PadMode mode = kernels::PadMode::kConstant;
  std::vector<std::int64_t> pads_begin, pads_end;
  double value = 0;
};

/// Gather 1–13. Inputs: data, indices (int32 / int64; constant or runtime).
struct Gather {
  std::int64_t axis = 0;
};

/// Expand 8 (and ConstantOfShape, Tile of size-1 axes): broadcast to `shape`.
struct Expand {
  SymbolicShape shape;
};

/// Resize 10–19, Upsample 7–9. One entry per axis; scales are what the coordinate formula uses
/// (empty: output size / input size).
struct Resize {
  kernels::ResizeMode mode = kernels::ResizeMode::kNearest;
  kernels::CoordinateMode coordinates = kernels::CoordinateMode::kHalfPixel;
  kernels::NearestMode nearest = kernels::NearestMode::kRoundPreferFloor;
  double cubic_coefficient = -0.75;
  bool exclude_outside = false;
  bool antialias = false;
  double extrapolation_value = 0;
  std::vector<double> roi;     ///< tf_crop_and_resize: starts then ends, normalised
  std::vector<double> scales;  ///< or empty
  SymbolicShape size;          ///< output dimensions
};

/// The input's symbolic dimensions as an int64 tensor at run time (Shape 1–21 whose result is
/// really needed as data). `dims` may be any expressions, so folded shape arithmetic ends here as
/// well. No inputs.
struct ShapeOf {
  SymbolicShape dims;
  bool scalar = false;  ///< a 0-d tensor holding dims[0]
};

/// QuantizeLinear with zero point 0: float32 (or INT8 of another scale) to the output value's dtype
/// and scale.
struct Quantize {};

/// DequantizeLinear with zero point 0: s8 / u8 with the input value's scale to float32.
struct Dequantize {};

/// A u8 image as it was decoded, made what the model reads: (x · pixel_scale − mean[c]) /
/// deviation[c], through a table of 256 entries a channel that is computed in double and rounded to
/// the output's type once. Input: u8 [N, H, W, C]; output [N, C, H, W] if `channels_first`, else
/// [N, H, W, C], float32 or quantised. Only compilation makes it (EngineBuilder::with_u8_input).
struct ConvertImage {
  double pixel_scale = 1;
  std::vector<double> mean, deviation;  ///< per channel
  bool channels_first = true;
};

using Op = std::variant<Conv, MatMul, Pool, BatchNorm, LayerNorm, Softmax, Unary, Binary, Select,
                        Clip, Cast, Reduce, ArgReduce, Transpose, Reshape, Slice, Concat, Pad,
                        Gather, Expand, Resize, ShapeOf, Quantize, Dequantize, ConvertImage>;

/// "Conv", "MatMul", …: the variant's name in the text form and in reports.
const char* op_name(const Op& op);

/// The same operator with equal fields.
bool equal(const Op& a, const Op& b);

/// The epilogue of ops that have one, else null.
const std::vector<EpilogueOp>* epilogue_of(const Op& op);
std::vector<EpilogueOp>* epilogue_of(Op& op);

}  // namespace xinfer::ir
