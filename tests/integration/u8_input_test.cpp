// Engines that read u8 images: the same values as engines that read what the images become.
#include <gtest/gtest.h>

#include "digits.h"
#include "xinfer/builders/network.h"

namespace xinfer {
namespace {

/// The images of `folder` as `engine` reads them, in one batch.
SampleBatch samples_for(const Engine& engine, const std::string& folder) {
  SampleOptions options;
  options.preprocess = engine.preprocess();
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

std::string complaint(EngineBuilder& builder) {
  try {
    builder.with_u8_input().build();
  } catch (const Error& error) {
    return error.what();
  }
  return "built";
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
