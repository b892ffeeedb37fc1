// Engines that read u8 images: the same values as engines that read what the images become.
#include <gtest/gtest.h>

#include "digits.h"
#include "xinfer/builders/network.h"

namespace xinfer {
namespace {

using builders::Network;

/// The images of `folder` as `engine` reads them, in one batch.
SampleBatch samples_for(const Engine& engine, const std::string& folder) {
  SampleOptions options = sample_options(engine);
  options.batch_size = 32;
  SampleBatch batch;
  SampleSet set = SampleSet::open(kDigits / folder, options, engine.inputs());
  EXPECT_TRUE(set.next(batch));
  return batch;
}

std::vector<Tensor> run(const Engine& engine, const std::vector<Tensor>& inputs) {
  ContextOptions options;
  options.device = "cpu";
  Context context(engine, options);
  return context.infer(inputs);
}

EngineBuilder float_builder() {
  EngineBuilder builder;
  builder.from_onnx(kDigits / "digits.onnx")
      .on("cpu")
      .with_max_batch_size(32)
      .with_preprocess(kDigitsPreprocess);
  return builder;
}

TEST(U8Input, GivesTheFloatsOfPreprocessing) {
  const Engine floats = float_builder().build();
  EngineBuilder builder = float_builder();
  const Engine bytes = builder.with_u8_input().build();
  ASSERT_EQ(bytes.inputs().size(), 1u);
  EXPECT_EQ(bytes.inputs()[0].name, floats.inputs()[0].name);
  EXPECT_EQ(bytes.inputs()[0].dtype, DType::kUInt8);
  EXPECT_EQ(bytes.inputs()[0].max, (Shape{32, 8, 8, 1}));
  EXPECT_EQ(bytes.properties().at("u8_input"), "nchw");
  const SampleBatch images = samples_for(bytes, "eval");
  ASSERT_EQ(images.inputs[0].dtype(), DType::kUInt8);
  const Tensor expected = run(floats, samples_for(floats, "eval").inputs)[0];
  const Tensor actual = run(bytes, images.inputs)[0];
  ASSERT_EQ(actual.shape(), expected.shape());
  for (std::int64_t i = 0; i < expected.size(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    EXPECT_EQ(actual.values<float>()[at], expected.values<float>()[at]) << i;
  }
}

TEST(U8Input, QuantisesByItsTables) {
  const Engine floats = digits_builder().build();
  EngineBuilder builder = digits_builder();
  const Engine bytes = builder.with_u8_input().build();
  // Nothing reads the image but its conversion, which makes INT8 at once.
  const std::vector<StepInfo> steps = bytes.steps();
  EXPECT_EQ(steps[0].kind, "ConvertImage");
  EXPECT_EQ(steps[0].output_dtype, floats.steps()[0].output_dtype);
  EXPECT_EQ(steps.size(), floats.steps().size());
  const Tensor expected = run(floats, samples_for(floats, "eval").inputs)[0];
  const Tensor actual = run(bytes, samples_for(bytes, "eval").inputs)[0];
  // No pixel of these images lies where double and float32 round apart.
  for (std::int64_t i = 0; i < expected.size(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    EXPECT_EQ(actual.values<float>()[at], expected.values<float>()[at]) << i;
  }
}

TEST(U8Input, TakesImagesOfDynamicSize) {
  Network network("any_size");
  const auto x = network.add_input("x", DType::kFloat32, {"batch", "3", "height", "width"});
  network.mark_output(network.add_unary("relu", x, 0, 0, "positive"), "y");
  for (const bool bytes : {false, true}) {
    EngineBuilder builder;
    builder.from_network(network).on("cpu").with_preprocess("resize=12x10,layout=nchw,mean=0.5");
    builder.with_profile("x", {1, 3, 8, 8}, {8, 3, 10, 12}, {32, 3, 16, 16});
    if (bytes) builder.with_u8_input();
    const Engine engine = builder.build();
    const SampleBatch images = samples_for(engine, "eval");
    EXPECT_EQ(images.inputs[0].shape(), bytes ? (Shape{32, 10, 12, 3}) : (Shape{32, 3, 10, 12}));
    EXPECT_EQ(run(engine, images.inputs)[0].shape(), (Shape{32, 3, 10, 12}));
  }
}

TEST(U8Input, OfAModelWithoutNodesIsNormalised) {
  Network network("input_alone");
  network.mark_output(network.add_input("x", DType::kFloat32, {"batch", "1", "8", "8"}), "y");
  EngineBuilder builder;
  builder.from_network(network).on("cpu").with_preprocess("color=gray,scale=1,mean=100");
  const Engine engine = builder.with_u8_input().build();
  Tensor pixels(DType::kUInt8, {1, 8, 8, 1});
  for (std::size_t i = 0; i < 64; ++i) {
    pixels.values<std::uint8_t>()[i] = static_cast<std::uint8_t>(4 * i);
  }
  const Tensor y = run(engine, {pixels})[0];
  ASSERT_EQ(y.shape(), (Shape{1, 1, 8, 8}));
  for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(y.values<float>()[i], 4.0f * i - 100);
}

std::string complaint(EngineBuilder& builder) {
  return error_text([&] { builder.with_u8_input().build(); });
}

/// A model that reads uint8 [batch, height, width, 3] itself.
EngineBuilder pixel_model(const std::string& preprocess) {
  Network network("pixels");
  const auto x = network.add_input("x", DType::kUInt8, {"batch", "height", "width", "3"});
  network.mark_output(network.add_cast(x, DType::kFloat32, "cast"), "y");
  EngineBuilder builder;
  builder.from_network(network).on("cpu").with_preprocess(preprocess);
  builder.with_profile("x", {1, 8, 8, 3}, {1, 10, 12, 3}, {32, 16, 16, 3});
  return builder;
}

TEST(U8Input, OfTheModelItselfTakesPixelsAsTheyAre) {
  for (const char* preprocess : {"resize=12x10", "resize=12x10,scale=1"}) {
    const Engine engine = pixel_model(preprocess).build();
    SampleSet set = SampleSet::open(kDigits / "eval", sample_options(engine), engine.inputs());
    SampleBatch images;
    ASSERT_TRUE(set.next(images));
    EXPECT_EQ(images.inputs[0].shape(), (Shape{1, 10, 12, 3}));
    EXPECT_EQ(run(engine, images.inputs)[0].shape(), (Shape{1, 10, 12, 3}));
  }
}

TEST(U8Input, RefusesANormalisationThatNothingApplies) {
  const std::string text = "filter=bilinear,color=rgb,scale=1/255,mean=0.5,std=1";
  const std::string expected = "invalid_argument: input \"x\": preprocessing \"" + text +
                               "\" sets scale, mean or std, but the input is uint8, and what reads "
                               "it takes pixels as they are; leave them out";
  EXPECT_EQ(error_text([] { pixel_model("mean=0.5").build(); }), expected);
  const Engine engine = pixel_model("").build();
  const auto open = [](const Engine& reader, const std::string& preprocess) {
    SampleSet::open(kDigits / "eval", sample_options(reader, preprocess), reader.inputs());
  };
  EXPECT_EQ(error_text([&] { open(engine, "mean=0.5"); }), expected);

  EngineBuilder builder = float_builder();
  const Engine bytes = builder.with_u8_input().build();
  const std::string gray = "filter=bilinear,color=gray,scale=1/255,mean=";
  EXPECT_EQ(error_text([&] { open(bytes, "color=gray,mean=0.25"); }),
            "invalid_argument: input \"image\": preprocessing \"" + gray +
                "0.25,std=1\" sets scale, mean or std, but the input is uint8, and what reads it "
                "applies those of \"" +
                gray + "0.5,std=0.5\"; leave them out");
  EXPECT_NO_THROW(open(bytes, "color=gray,filter=bicubic"));
  EXPECT_NO_THROW(open(bytes, kDigitsPreprocess));
}

TEST(U8Input, IsNotForQuantisedModels) {
  EngineBuilder builder = digits_builder();
  EXPECT_EQ(error_text([&] { builder.with_u8_input().quantize(); }),
            "invalid_argument: a u8 input is part of an engine; a quantised ONNX model keeps the "
            "float32 input");
}

TEST(U8Input, RefusesWhatIsNoImage) {
  EngineBuilder colors = float_builder();
  colors.with_preprocess("");
  EXPECT_EQ(complaint(colors),
            "invalid_argument: u8 input: preprocessing gives 3 channels, but the model's input is "
            "[-1, 1, 8, 8]; "
            "color=gray gives 1, color=rgb and color=bgr give 3");
  Network two("two");
  const auto a = two.add_input("a", DType::kFloat32, {"1", "3", "4", "4"});
  const auto b = two.add_input("b", DType::kFloat32, {"1", "3", "4", "4"});
  two.mark_output(two.add_concat({a, b}, 1, "joined"), "y");
  EngineBuilder pair;
  pair.from_network(two).on("cpu");
  EXPECT_EQ(complaint(pair),
            "invalid_argument: a u8 input needs a model with one input, images; this one has 2");
}

}  // namespace
}  // namespace xinfer
