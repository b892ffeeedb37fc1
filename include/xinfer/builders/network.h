// A network: read from an ONNX model or built layer by layer, and what the user demands of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "xinfer/builders/model_info.h"
#include "xinfer/builders/precision.h"
#include "xinfer/core/engine.h"
#include "xinfer/core/tensor.h"

namespace xinfer::ir {
struct Constraints;
class Graph;
}  // namespace xinfer::ir

namespace xinfer::builders {

/// A tensor of a network; only of use with the network that handed it out.
struct NetworkValue {
  std::int32_t id = -1;  ///< -1: an optional operand that is absent

  bool exists() const { return id >= 0; }
  friend bool operator==(const NetworkValue&, const NetworkValue&) = default;
};

/// A demand on a layer.
struct LayerPrecision {
  std::string layer;
  Precision precision = Precision::kFp32;
  bool required = true;  ///< else a preference
};

/// How a window moves over the spatial axes, one entry an axis; an empty list stands for all ones
/// (strides, dilations) or all zeros (pads).
struct WindowOptions {
  std::vector<std::int64_t> kernel;  ///< poolings; convolutions take it from their weights
  std::vector<std::int64_t> strides, dilations, pads_begin, pads_end;
  std::int64_t groups = 1;         ///< convolutions
  bool ceil_mode = false;          ///< poolings
  bool count_include_pad = false;  ///< average poolings
};

/// ONNX Resize without its region of interest.
struct ResizeOptions {
  std::string mode = "nearest";  ///< or "linear", "cubic"
  /// "half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"
  std::string coordinates = "half_pixel";
  std::string nearest_mode = "round_prefer_floor";  ///< or "round_prefer_ceil", "floor", "ceil"
  double cubic_coefficient = -0.75;
  bool exclude_outside = false;
  /// One of the two, an entry for every axis of the input; a size of -1 keeps the dimension.
  std::vector<double> scales;
  std::vector<std::int64_t> size;
};

/// Layers are appended in the order in which they run; types and shapes are found as they are
/// added. Operators mean what the ONNX operators of the same name mean. A layer's output takes the
/// layer's name unless it is renamed. A copy is independent (weights are shared). Functions throw
/// Error: invalid_argument or unsupported with the layer's name and what does not fit, after which
/// the network is as before the call.
class Network {
 public:
  using Value = NetworkValue;

  explicit Network(std::string name = "network");
  /// The model's graph with its own names. `warnings`, if given, receives one sentence for each
  /// oddity that was accepted.
  static Network from_onnx(const std::filesystem::path& path,
                           std::vector<std::string>* warnings = nullptr);
  static Network from_onnx(std::span<const std::byte> bytes,
                           std::vector<std::string>* warnings = nullptr);
  Network(const Network& other);
  Network& operator=(const Network& other);
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;
  ~Network();

  // --- borders ---
  /// `dims`: a number, or the name of a dynamic dimension ("batch") in each place.
  Value add_input(const std::string& name, DType dtype, const std::vector<std::string>& dims);
  Value add_constant(Tensor tensor, const std::string& name = "");
  /// The value keeps its name if `name` is empty.
  void mark_output(Value value, const std::string& name = "");
  void unmark_output(Value value);
  /// The value behind `outputs()[number]`.
  Value output_value(std::size_t number) const;

  // --- layers ---
  /// x [N, C, spatial…], weights [M, C / groups, kernel…], bias [M] or absent.
  Value add_convolution(Value x, Value weights, Value bias, const WindowOptions& window = {},
                        const std::string& name = "");
  /// kind: "max" or "average".
  Value add_pooling(const std::string& kind, Value x, const WindowOptions& window,
                    const std::string& name = "");
  /// op(a) · op(b) + bias, where op transposes the last two axes if asked for; batch axes
  /// broadcast.
  Value add_matrix_product(Value a, Value b, Value bias, bool transpose_a = false,
                           bool transpose_b = false, const std::string& name = "");
  /// function: "relu", "sigmoid", "tanh", "exp", "gelu", "leaky_relu", … as docs/supported-ops.md
  /// lists them; alpha and beta where the function has parameters.
  Value add_unary(const std::string& function, Value x, double alpha = 0, double beta = 0,
                  const std::string& name = "");
  /// function: "add", "sub", "mul", "div", "pow", "min", "max", "equal", "less", "greater", "and",
  /// …
  Value add_binary(const std::string& function, Value a, Value b, const std::string& name = "");
  Value add_clip(Value x, double low, double high, const std::string& name = "");
  Value add_select(Value condition, Value x, Value y, const std::string& name = "");
  Value add_cast(Value x, DType dtype, const std::string& name = "");
  /// kind: "sum", "mean", "max", "min", "prod", "l1", "l2", "log_sum", "log_sum_exp", "sum_square".
  Value add_reduce(const std::string& kind, Value x, std::vector<std::int64_t> axes, bool keep_dims,
                   const std::string& name = "");
  /// Indices (int64) of the largest or smallest element along an axis.
  Value add_arg_reduce(bool largest, Value x, std::int64_t axis, bool keep_dims,
                       const std::string& name = "");
  Value add_softmax(Value x, std::int64_t axis, bool log = false, const std::string& name = "");
  /// Inference: scale, bias, mean and variance are [C].
  Value add_batch_norm(Value x, Value scale, Value bias, Value mean, Value variance,
                       double epsilon = 1e-5, const std::string& name = "");
  /// Over the axes from `axis` on.
  Value add_layer_norm(Value x, Value scale, Value bias, std::int64_t axis, double epsilon = 1e-5,
                       const std::string& name = "");
  Value add_transpose(Value x, std::vector<std::int64_t> permutation, const std::string& name = "");
  /// A 0 keeps the input's dimension of that place, one -1 takes what is left.
  Value add_reshape(Value x, const std::vector<std::int64_t>& target, const std::string& name = "");
  /// As x[start:end:step] in NumPy, one entry an axis; kToTheEnd is what its name says.
  static constexpr std::int64_t kToTheEnd = std::numeric_limits<std::int64_t>::max();
  Value add_slice(Value x, const std::vector<std::int64_t>& start,
                  const std::vector<std::int64_t>& end, const std::vector<std::int64_t>& step,
                  const std::string& name = "");
  Value add_concat(const std::vector<Value>& inputs, std::int64_t axis,
                   const std::string& name = "");
  /// mode: "constant", "reflect", "edge", "wrap"; negative pads crop.
  Value add_pad(Value x, std::vector<std::int64_t> begin, std::vector<std::int64_t> end,
                const std::string& mode = "constant", double value = 0,
                const std::string& name = "");
  Value add_gather(Value data, Value indices, std::int64_t axis, const std::string& name = "");
  /// Broadcasts; -1 keeps the input's dimension.
  Value add_expand(Value x, const std::vector<std::int64_t>& shape, const std::string& name = "");
  Value add_resize(Value x, const ResizeOptions& options, const std::string& name = "");
  /// The dimensions as an int64 tensor.
  Value add_shape(Value x, const std::string& name = "");
  /// x / scale, rounded half to even and clamped: an INT8 value of zero point 0, s8 or u8. A build
  /// keeps a network with such values at their scales and calibrates nothing.
  Value add_quantize(Value x, float scale, DType dtype = DType::kInt8,
                     const std::string& name = "");
  /// The real values of what add_quantize gave.
  Value add_dequantize(Value quantized, const std::string& name = "");

  // --- changing ---
  /// Lets a layer, by its exact name, read another value in place of operand number `index`; the
  /// layers behind it take the shapes that follow. The value must not depend on the layer.
  void set_input(const std::string& layer, std::size_t index, Value value);

  // --- as text ---
  /// Everything but the demands, for from_text of the same version. Large for large weights:
  /// hexadecimal.
  std::string to_text() const;
  static Network from_text(std::string_view text);

  // --- names and reading ---
  std::string name() const;
  /// The value of that name; absent if there is none.
  Value find_value(const std::string& name) const;
  const std::string& name_of(Value value) const;
  DType dtype_of(Value value) const;
  /// Of what add_quantize gave and what moves it; 0 for others.
  float scale_of(Value value) const;
  /// Numbers, symbols or expressions of symbols.
  std::vector<std::string> dims_of(Value value) const;
  /// Elements of a constant, or an empty tensor.
  Tensor constant_of(Value value) const;
  /// Names of all constants, in the order in which they came.
  std::vector<std::string> constants() const;
  /// Gives a constant other elements of its type and shape.
  void set_constant(Value value, Tensor tensor);
  void rename_value(Value value, const std::string& name);
  /// Inputs and outputs as inspect_model gives them.
  std::vector<BindingInfo> inputs() const;
  std::vector<BindingInfo> outputs() const;
  std::vector<NodeInfo> layers() const;

  // --- demands ---
  /// A layer's precision, by its exact name. Required: a build that cannot keep it fails.
  void set_precision(const std::string& layer, Precision precision, bool required = true);
  /// Real interval of a value (TensorRT's dynamic range), by its exact name.
  void set_range(const std::string& value, double low, double high);
  /// The precisions that were set, in that order.
  std::vector<LayerPrecision> precisions() const;
  /// The intervals that were set, by value name.
  std::map<std::string, std::pair<double, double>> ranges() const;

  /// For the library's own use.
  const ir::Graph& graph() const;
  const ir::Constraints& constraints() const;

 private:
  struct State;
  explicit Network(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace xinfer::builders

namespace xinfer {
using builders::Network;
}  // namespace xinfer
