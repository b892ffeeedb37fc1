// Networks built by hand through the public header: types, outputs against formulas, demands,
// errors.
#include "xinfer/builders/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "xinfer/builders/engine_builder.h"
#include "xinfer/core/error.h"

namespace xinfer {
namespace {

using builders::Precision;
using testing::ElementsAre;
using testing::HasSubstr;

Tensor random_tensor(Shape shape, std::uint32_t seed) {
  std::mt19937 random(seed);
  Tensor tensor(DType::kFloat32, std::move(shape));
  for (float& value : tensor.values<float>()) {
    value = static_cast<float>(random() >> 8) * 0x1p-23f - 1.0f;
  }
  return tensor;
}

/// x [batch, 3, 8, 8] to convolution, ReLU, mean, softmax.
Network small_network() {
  Network network("small");
  const auto x = network.add_input("x", DType::kFloat32, {"batch", "3", "8", "8"});
  const auto weights = network.add_constant(random_tensor({4, 3, 3, 3}, 1), "weights");
  const auto bias = network.add_constant(random_tensor({4}, 2), "bias");
  builders::WindowOptions window;
  window.pads_begin = window.pads_end = {1, 1};
  const auto conv = network.add_convolution(x, weights, bias, window, "conv");
  const auto relu = network.add_unary("relu", conv, 0, 0, "relu");
  const auto mean = network.add_reduce("mean", relu, {2, 3}, false, "mean");
  network.mark_output(network.add_softmax(mean, 1, false, "softmax"), "probability");
  return network;
}

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Network, TakesOtherWeightsOfTheSameShape) {
  Network network = small_network();
  EXPECT_THAT(network.constants(), ElementsAre("weights", "bias"));
  const auto bias = network.find_value("bias");
  network.set_constant(bias, random_tensor({4}, 9));
  EXPECT_EQ(network.constant_of(bias).values<float>()[0], random_tensor({4}, 9).values<float>()[0]);
  EXPECT_THAT(message_of([&] { network.set_constant(bias, random_tensor({5}, 9)); }),
              testing::HasSubstr("constant \"bias\": float32[5]; needed: float32[4]"));
  EXPECT_THAT(message_of([&] { network.set_constant(network.find_value("conv"), Tensor()); }),
              testing::HasSubstr("\"conv\" is no constant"));
}

TEST(Network, KnowsTypesAndLayers) {
  Network network = small_network();
  EXPECT_THAT(network.dims_of(network.find_value("conv")), ElementsAre("batch", "4", "8", "8"));
  EXPECT_EQ(network.dtype_of(network.find_value("softmax")), DType::kFloat32);
  ASSERT_EQ(network.layers().size(), 4u);
  EXPECT_EQ(network.layers()[0].name, "conv");
  EXPECT_EQ(network.layers()[0].op, "Conv");
  EXPECT_EQ(network.inputs()[0].name, "x");
  EXPECT_EQ(network.outputs()[0].name, "probability");
  EXPECT_FALSE(network.find_value("none").exists());
}

TEST(Network, BuildsAndRuns) {
  EngineBuilder builder;
  builder.from_network(small_network()).with_max_batch_size(2);
  Context context(builder.build());
  const Tensor y = context.infer(random_tensor({2, 3, 8, 8}, 3));
  ASSERT_EQ(y.shape(), (Shape{2, 4}));
  // Four exponentials, three sums and four divisions, each rounded once: far below 1e-6.
  EXPECT_NEAR(
      y.values<float>()[0] + y.values<float>()[1] + y.values<float>()[2] + y.values<float>()[3],
      1.0, 1e-6);
}

TEST(Network, MovementAndElementwiseLayers) {
  Network network;
  const auto x = network.add_input("x", DType::kFloat32, {"2", "6"});
  const auto rows = network.add_reshape(x, {0, 2, -1}, "rows");        // [2, 2, 3]
  const auto turned = network.add_transpose(rows, {0, 2, 1}, "turn");  // [2, 3, 2]
  const auto part = network.add_slice(turned, {0, 1, 0}, {2, Network::kToTheEnd, 2}, {1, 1, 1});
  const auto sum = network.add_binary("add", part, part, "double");
  network.mark_output(network.add_concat({sum, part}, 1, "both"));
  EngineBuilder builder;
  builder.from_network(network);
  Context context(builder.build());
  Tensor input(DType::kFloat32, {2, 6});
  for (int i = 0; i < 12; ++i) input.values<float>()[static_cast<std::size_t>(i)] = float(i);
  const Tensor y = context.infer(input);
  ASSERT_EQ(y.shape(), (Shape{2, 4, 2}));
  // Row 0 holds 0..5: [[0,1,2],[3,4,5]] turned is [[0,3],[1,4],[2,5]]; from row 1, doubled and
  // plain.
  EXPECT_THAT(y.values<float>().first(8), ElementsAre(2, 8, 4, 10, 1, 4, 2, 5));
}

TEST(Network, OutputsAndNamesCanChange) {
  Network network = small_network();
  const auto relu = network.find_value("relu");
  network.unmark_output(network.find_value("softmax"));
  network.rename_value(relu, "features");
  network.mark_output(relu);
  ASSERT_EQ(network.outputs().size(), 1u);
  EXPECT_EQ(network.outputs()[0].name, "features");
  EXPECT_EQ(network.output_value(0), relu);
  EngineBuilder builder;
  builder.from_network(network).with_max_batch_size(1);
  EXPECT_EQ(builder.build().outputs()[0].name, "features");
}

TEST(Network, CopiesAreIndependent) {
  Network network = small_network();
  Network copy = network;
  copy.add_softmax(copy.find_value("mean"), 1, true, "logs");
  EXPECT_EQ(network.layers().size(), 4u);
  EXPECT_EQ(copy.layers().size(), 5u);
}

std::string precision_of_conv(const Network& network) {
  const Tensor sample = random_tensor({4, 3, 8, 8}, 5);
  bool sent = false;
  EngineBuilder builder;
  builder.from_network(network).with_max_batch_size(4).with_int8(
      std::make_shared<CallbackCalibrator>(4, [&](const auto&, std::vector<Tensor>& batch) {
        batch = {sample};
        return !std::exchange(sent, true);
      }));
  return builder.build().layers().at(0).precision;
}

TEST(Network, DemandsReachTheBuild) {
  Network network = small_network();
  EXPECT_EQ(precision_of_conv(network), "int8");
  network.set_precision("conv", Precision::kFp32);
  EXPECT_EQ(precision_of_conv(network), "fp32");
  network.set_range("x", -1.0, 1.0);
  EXPECT_EQ(network.ranges().at("x").second, 1.0);
}

TEST(Network, ErrorsNameTheLayerAndLeaveTheNetworkAsItWas) {
  Network network = small_network();
  const auto x = network.find_value("x");
  const auto odd = network.add_constant(random_tensor({5}, 7));
  EXPECT_THAT(message_of([&] { network.add_binary("add", x, odd, "misfit"); }),
              HasSubstr("\"misfit\" (Binary)"));
  EXPECT_EQ(network.layers().size(), 4u);
  EXPECT_THAT(message_of([&] { network.add_unary("relv", x); }), HasSubstr("relv"));
  EXPECT_THAT(message_of([&] { network.add_softmax({999}, 1); }), HasSubstr("does not have"));
  EXPECT_THAT(message_of([&] { network.add_input("x", DType::kFloat32, {"1"}); }),
              HasSubstr("\"x\""));
  EXPECT_THAT(message_of([&] { network.set_precision("none", Precision::kInt8); }),
              HasSubstr("no layer \"none\""));
  EXPECT_THAT(message_of([&] { network.set_range("x", 1, 1); }), HasSubstr("low < high"));
  EXPECT_THAT(message_of([&] { network.add_slice(x, {0}, {1}, {1}); }), HasSubstr("one an axis"));
}

TEST(Network, BuildWithoutAModelSaysWhatIsMissing) {
  EXPECT_THAT(message_of([] { EngineBuilder().build(); }), HasSubstr("from_network"));
}

std::vector<float> outputs_of(const Network& network, const Tensor& x) {
  Context context(EngineBuilder().from_network(network).on("cpu").build());
  const Tensor y = context.infer(x);
  return {y.values<float>().begin(), y.values<float>().end()};
}

TEST(Network, ComesBackFromItsText) {
  const Network network = small_network();
  const Network again = Network::from_text(network.to_text());
  EXPECT_EQ(again.to_text(), network.to_text());
  EXPECT_EQ(again.constants(), network.constants());
  const Tensor x = random_tensor({2, 3, 8, 8}, 5);
  EXPECT_EQ(outputs_of(again, x), outputs_of(network, x));
  EXPECT_THAT(message_of([] { Network::from_text("graph \"g\" {"); }), HasSubstr("line"));
  const std::string unknown = "graph \"g\" opset 0 { output \"y\" = %x }";
  EXPECT_NE(message_of([&] { Network::from_text(unknown); }), "no error");
}

TEST(Network, ALayerReadsWhatAnAppendedOneMakes) {
  Network network = small_network();
  const auto x = network.find_value("x");
  const auto doubled = network.add_binary("add", x, x, "doubled");
  network.set_input("conv", 0, doubled);
  Network expected("expected");  // the same with twice the weights
  {
    Tensor weights = random_tensor({4, 3, 3, 3}, 1);
    for (float& weight : weights.values<float>()) weight *= 2;
    Network plain = small_network();
    plain.set_constant(plain.find_value("weights"), weights);
    expected = plain;
  }
  const Tensor input = random_tensor({2, 3, 8, 8}, 6);
  EXPECT_EQ(outputs_of(network, input), outputs_of(expected, input));
}

TEST(Network, RefusesInputsThatDoNotFit) {
  Network network = small_network();
  const std::string before = network.to_text();
  const auto softmax = network.find_value("softmax");
  EXPECT_THAT(message_of([&] { network.set_input("conv", 0, softmax); }), HasSubstr("depends on"));
  EXPECT_THAT(message_of([&] { network.set_input("conv", 0, network.find_value("conv")); }),
              HasSubstr("depends on"));
  EXPECT_THAT(message_of([&] { network.set_input("conv", 7, softmax); }), HasSubstr("input 7"));
  EXPECT_THAT(message_of([&] { network.set_input("con", 0, softmax); }), HasSubstr("\"con\""));
  EXPECT_THAT(message_of([&] { network.set_input("relu", 0, network.find_value("bias")); }),
              HasSubstr("mean"));  // over axes that [4] does not have
  EXPECT_EQ(network.to_text(), before);
}

TEST(Network, QuantisedValuesKeepTheirScales) {
  Network network("quantised");
  const auto x = network.add_input("x", DType::kFloat32, {"2"});
  const auto q = network.add_quantize(x, 0.5f, DType::kInt8, "q");
  EXPECT_EQ(network.scale_of(q), 0.5f);
  EXPECT_EQ(network.scale_of(x), 0.0f);
  EXPECT_EQ(network.dtype_of(q), DType::kInt8);
  network.mark_output(network.add_dequantize(q, "y"));
  Tensor values(DType::kFloat32, {2});
  values.values<float>()[0] = 0.75f;  // half to even: 1.5 steps are 2
  values.values<float>()[1] = -100;
  EXPECT_THAT(outputs_of(network, values), ElementsAre(1.0f, -64.0f));
  EXPECT_THAT(message_of([&] { network.add_quantize(x, 0, DType::kInt8); }), HasSubstr("scale"));
  EXPECT_THAT(message_of([&] { network.add_quantize(x, 1, DType::kInt32); }), HasSubstr("int32"));
  EXPECT_THAT(message_of([&] { network.add_dequantize(x); }), HasSubstr("needs int8"));
}

}  // namespace
}  // namespace xinfer
