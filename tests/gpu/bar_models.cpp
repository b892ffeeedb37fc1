#include "bar_models.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "import/test_model.h"

namespace xinfer::gpu {
namespace {

using Dims = std::vector<std::int64_t>;
using Names = std::vector<std::string>;

/// A model under construction; functions that add a node return the name of its value.
class Writer {
 public:
  Writer() : model_(17) { model_.input("input", {"batch", "3", "224", "224"}); }

  import::TestModel& model(){return model_;
} std::string fresh(const char* kind) {
  return kind + std::to_string(++count_);
}

std::string normal(const Dims& dims, double deviation) {
  std::int64_t count = 1;
  for (const std::int64_t dim : dims) count *= dim;
  std::normal_distribution<float> distribution(0.0f, static_cast<float>(deviation));
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = distribution(random_);
  return constant(dims, values);
}
std::string constant(const Dims& dims, const std::vector<float>& values) {
  const std::string name = fresh("w");
  model_.floats(name.c_str(), dims, values);
  return name;
}
std::string number(double value) { return constant({}, {static_cast<float>(value)}); }
std::string integers(const Dims& values) {
  const std::string name = fresh("i");
  model_.ints(name.c_str(), {static_cast<std::int64_t>(values.size())}, values);
  return name;
}

std::string node(const char* op, const Names& inputs) { return attributed(op, inputs).first; }
/// With the node, for its attributes.
std::pair<std::string, import::TestNode> attributed(const char* op, const Names& inputs) {
  const std::string output = fresh(op);
  return {output, model_.node(op, inputs, {output})};
}

struct Conv {
  std::int64_t inputs, outputs, kernel, stride = 1, groups = 1;
  double gain = 2.0;   ///< He initialisation
  bool padded = true;  ///< by half of the kernel
};
std::string conv(const std::string& x, const Conv& c) {
  const std::int64_t depth = c.inputs / c.groups;
  const double deviation = std::sqrt(c.gain / static_cast<double>(depth * c.kernel * c.kernel));
  const std::string weights = normal({c.outputs, depth, c.kernel, c.kernel}, deviation);
  auto [y, conv] = attributed("Conv", {x, weights, normal({c.outputs}, 0.1)});
  conv.integers("kernel_shape", {c.kernel, c.kernel}).integers("strides", {c.stride, c.stride});
  conv.integers("pads", Dims(4, c.padded ? c.kernel / 2 : 0)).integer("group", c.groups);
  return y;
}

std::string transpose(const std::string& x, const Dims& permutation) {
  auto [y, transpose] = attributed("Transpose", {x});
  transpose.integers("perm", permutation);
  return y;
}
std::string reshape(const std::string& x, const Dims& dims) {
  return node("Reshape", {x, integers(dims)});
}
std::string global_average(const std::string& x) {
  auto [y, flatten] = attributed("Flatten", {node("GlobalAveragePool", {x})});
  flatten.integer("axis", 1);
  return y;
}

/// The file, whose output is that value.
std::string finish(const std::string& output) {
  model_.output(output.c_str());
  return model_.bytes();
}

private:
import::TestModel model_;
std::mt19937 random_{1};
int count_ = 0;
};  // namespace

std::string bottleneck(Writer& w, const std::string& x, std::int64_t inputs, std::int64_t width,
                       std::int64_t stride) {
  const auto relu = [&](const std::string& y) { return w.node("Relu", {y}); };
  std::string y = relu(w.conv(x, {.inputs = inputs, .outputs = width, .kernel = 1}));
  y = relu(w.conv(y, {.inputs = width, .outputs = width, .kernel = 3, .stride = stride}));
  y = w.conv(y, {.inputs = width, .outputs = 4 * width, .kernel = 1, .gain = 0.125});
  const bool adapts = stride != 1 || inputs != 4 * width;
  const Writer::Conv downsample = {
      .inputs = inputs, .outputs = 4 * width, .kernel = 1, .stride = stride};
  return relu(w.node("Add", {y, adapts ? w.conv(x, downsample) : x}));
}

std::string relu6(Writer& w, const std::string& x) {
  return w.node("Clip", {x, w.number(0), w.number(6)});
}

std::string inverted_residual(Writer& w, const std::string& x, std::int64_t inputs,
                              std::int64_t outputs, std::int64_t expansion, std::int64_t stride) {
  const std::int64_t width = inputs * expansion;
  std::string y = x;
  if (expansion != 1) {
    y = relu6(w, w.conv(y, {.inputs = inputs, .outputs = width, .kernel = 1}));
  }
  y = relu6(
      w,
      w.conv(y,
             {.inputs = width, .outputs = width, .kernel = 3, .stride = stride, .groups = width}));
  y = w.conv(y, {.inputs = width, .outputs = outputs, .kernel = 1, .gain = 1.0});
  return stride == 1 && inputs == outputs ? w.node("Add", {x, y}) : y;
}

/// Weights and bias of a linear layer.
struct Linear {
  std::string weights, bias;
};

Linear linear_weights(Writer& w, std::int64_t inputs, std::int64_t outputs, double gain = 1.0) {
  return {w.normal({inputs, outputs}, std::sqrt(gain / static_cast<double>(inputs))),
          w.normal({outputs}, 0.02)};
}

std::string linear(Writer& w, const std::string& x, const Linear& layer) {
  return w.node("Add", {w.node("MatMul", {x, layer.weights}), layer.bias});
}

constexpr std::int64_t kWidth = 768, kHeads = 12, kTokens = 197, kBlocks = 12;

/// The weights of a transformer block.
struct Block {
  explicit Block(Writer& w)
      : q(linear_weights(w, kWidth, kWidth)),
        k(linear_weights(w, kWidth, kWidth)),
        v(linear_weights(w, kWidth, kWidth)),
        out(linear_weights(w, kWidth, kWidth, 0.2)),
        up(linear_weights(w, kWidth, 4 * kWidth)),
        down(linear_weights(w, 4 * kWidth, kWidth, 0.2)) {}
  Linear q, k, v, out, up, down;
};

std::string layer_norm(Writer& w, const std::string& x) {
  const std::string scale = w.constant({kWidth}, std::vector<float>(kWidth, 1.0f));
  auto [y, norm] = w.attributed("LayerNormalization", {x, scale, w.normal({kWidth}, 0.05)});
  norm.integer("axis", -1).real("epsilon", 1e-6f);
  return y;
}

std::string heads(Writer& w, const std::string& x, const Dims& permutation) {
  return w.transpose(w.reshape(x, {0, kTokens, kHeads, kWidth / kHeads}), permutation);
}

std::string softmax(Writer& w, const std::string& x) {
  auto [y, softmax] = w.attributed("Softmax", {x});
  softmax.integer("axis", -1);
  return y;
}

std::string attention(Writer& w, const std::string& x, const Block& block) {
  const std::string q = linear(w, x, block.q), k = linear(w, x, block.k), v = linear(w, x, block.v);
  const std::string scores =
      w.node("MatMul", {heads(w, q, {0, 2, 1, 3}), heads(w, k, {0, 2, 3, 1})});
  const std::string scale = w.number(1 / std::sqrt(static_cast<double>(kWidth / kHeads)));
  const std::string weights = softmax(w, w.node("Mul", {scores, scale}));
  const std::string y =
      w.transpose(w.node("MatMul", {weights, heads(w, v, {0, 2, 1, 3})}), {0, 2, 1, 3});
  return linear(w, w.reshape(y, {0, kTokens, kWidth}), block.out);
}

std::string gelu(Writer& w, const std::string& x) {
  const std::string erf = w.node("Erf", {w.node("Div", {x, w.number(std::sqrt(2.0))})});
  const std::string twice = w.node("Mul", {x, w.node("Add", {erf, w.number(1)})});
  return w.node("Mul", {twice, w.number(0.5)});
}

std::string concat(Writer& w, const Names& inputs, std::int64_t axis) {
  auto [y, concat] = w.attributed("Concat", inputs);
  concat.integer("axis", axis);
  return y;
}

std::string gather(Writer& w, const std::string& x, const std::string& indices, std::int64_t axis) {
  auto [y, gather] = w.attributed("Gather", {x, indices});
  gather.integer("axis", axis);
  return y;
}

/// Patches, the class token before them, and positions.
std::string embeddings(Writer& w) {
  const Writer::Conv patches = {
      .inputs = 3, .outputs = kWidth, .kernel = 16, .stride = 16, .gain = 1.0, .padded = false};
  const std::string x =
      w.transpose(w.reshape(w.conv("input", patches), {0, kWidth, kTokens - 1}), {0, 2, 1});
  const std::string batch = gather(w, w.node("Shape", {"input"}), w.integers({0}), 0);
  const std::string sizes = concat(w, {batch, w.integers({1, kWidth})}, 0);
  const std::string token = w.node("Expand", {w.normal({1, 1, kWidth}, 0.02), sizes});
  return w.node("Add", {concat(w, {token, x}, 1), w.normal({1, kTokens, kWidth}, 0.02)});
}

}  // namespace xinfer::gpu

std::string resnet50_onnx() {
  Writer w;
  const Writer::Conv stem = {.inputs = 3, .outputs = 64, .kernel = 7, .stride = 2};
  auto [x, pool] = w.attributed("MaxPool", {w.node("Relu", {w.conv("input", stem)})});
  pool.integers("kernel_shape", {3, 3}).integers("strides", {2, 2}).integers("pads", Dims(4, 1));
  std::int64_t channels = 64, width = 64;
  for (const int blocks : {3, 4, 6, 3}) {
    for (int i = 0; i < blocks; ++i) {
      x = bottleneck(w, x, channels, width, width > 64 && i == 0 ? 2 : 1);
      channels = 4 * width;
    }
    width *= 2;
  }
  const std::string weights = w.normal({1000, channels}, std::sqrt(1.0 / 2048));
  auto [y, fc] = w.attributed("Gemm", {w.global_average(x), weights, w.normal({1000}, 0.05)});
  fc.integer("transB", 1);
  return w.finish(y);
}

std::string mobilenetv2_onnx() {
  struct Stage {
    std::int64_t expansion, outputs, repeats, stride;
  };
  Writer w;
  std::string x = relu6(w, w.conv("input", {.inputs = 3, .outputs = 32, .kernel = 3, .stride = 2}));
  std::int64_t channels = 32;
  for (const Stage& stage : {Stage{1, 16, 1, 1},
                             {6, 24, 2, 2},
                             {6, 32, 3, 2},
                             {6, 64, 4, 2},
                             {6, 96, 3, 1},
                             {6, 160, 3, 2},
                             {6, 320, 1, 1}}) {
    for (int i = 0; i < stage.repeats; ++i) {
      x = inverted_residual(w, x, channels, stage.outputs, stage.expansion,
                            i == 0 ? stage.stride : 1);
      channels = stage.outputs;
    }
  }
  x = relu6(w, w.conv(x, {.inputs = channels, .outputs = 1280, .kernel = 1}));
  return w.finish(linear(w, w.global_average(x), linear_weights(w, 1280, 1000)));
}

std::string vit_b16_onnx() {
  Writer w;
  std::string x = embeddings(w);
  const Block block(w);
  for (int i = 0; i < kBlocks; ++i) {
    x = w.node("Add", {x, attention(w, layer_norm(w, x), block)});
    const std::string hidden = gelu(w, linear(w, layer_norm(w, x), block.up));
    x = w.node("Add", {x, linear(w, hidden, block.down)});
  }
  w.model().ints("first", {}, {0});
  const std::string y = gather(w, layer_norm(w, x), "first", 1);
  return w.finish(linear(w, y, linear_weights(w, kWidth, 1000)));
}

}  // namespace xinfer::gpu
