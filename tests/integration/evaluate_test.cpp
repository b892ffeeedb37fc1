// Accuracy through the public evaluation, on the images that the repository carries.
#include "xinfer/evaluate/evaluate.h"

#include "digits.h"

namespace xinfer {
namespace {

TEST(Evaluate, Int8KeepsTheExamplesAccuracy) {
  EngineBuilder float_builder;
  float_builder.from_onnx(kDigits / "digits.onnx").with_max_batch_size(32);
  SampleSet samples = digits("eval", 32);
  EvaluationOptions options;
  options.baseline = float_builder.build();
  options.layers = true;
  const EvaluationReport report = evaluate(digits_builder().build(), samples, options);
  EXPECT_EQ(report.engine.labelled, 500);
  // ONNX Runtime classifies 99.20 % right in float32; one image is 0.2 points.
  EXPECT_NEAR(report.baseline->top1_percent, 99.2, 1e-9);
  EXPECT_GE(report.engine.top1_percent, report.baseline->top1_percent - 0.5);
  EXPECT_GE(*report.agreement_percent, 99.0);
  EXPECT_FALSE(report.layers.empty());
}

TEST(Evaluate, TopKBreaksTiesByTheLowerIndex) {
  const float values[] = {1, 3, 3, 0, 5, 5};
  const auto ranked = top_k(Tensor(Shape{2, 3}, std::span<const float>(values)), 2);
  EXPECT_EQ(ranked[0], (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(ranked[1], (std::vector<std::int64_t>{1, 2}));
}

TEST(SampleSet, NamesWhatDoesNotFit) {
  EXPECT_EQ(error_text([] { SampleSet::open("/nowhere", {}, digits_inputs()); }),
            "io_error: /nowhere: no such file or folder");
  SampleOptions options;
  options.batch_size = 0;
  EXPECT_EQ(error_text([&] { SampleSet::open(kDigits / "eval", options, digits_inputs()); }),
            "invalid_argument: the batch size is 0; needed: 1 or more");
}

TEST(SampleSet, SpreadsACountOverAllClasses) {
  SampleOptions options;
  options.preprocess = kDigitsPreprocess;
  options.count = 10;
  options.batch_size = 10;
  SampleSet set = SampleSet::open(kDigits / "eval", options, digits_inputs());
  SampleBatch batch;
  ASSERT_TRUE(set.next(batch));
  for (std::int64_t i = 0; i < 10; ++i) EXPECT_EQ(batch.targets[static_cast<std::size_t>(i)], i);
  EXPECT_FALSE(set.next(batch));
}

}  // namespace
}  // namespace xinfer
