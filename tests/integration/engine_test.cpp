// Running engines: shapes, batches, instruction sets, threads, contexts side by side, bad input.
#include <thread>

#include "digits.h"
#include "xinfer/core/device.h"

namespace xinfer {
namespace {

const Engine& int8_engine() {
  static const Engine engine = digits_builder().build();
  return engine;
}

const Engine& float_engine() {
  static const Engine engine = [] {
    EngineBuilder builder;
    return builder.from_onnx(kDigits / "digits.onnx").with_max_batch_size(32).build();
  }();
  return engine;
}

Tensor images(std::int64_t count) {
  SampleSet samples = digits("eval", count);
  SampleBatch batch;
  samples.next(batch);
  return batch.inputs[0];
}

std::vector<float> scores(const Engine& engine, const Tensor& input,
                          const ContextOptions& options = {}) {
  Context context(engine, options);
  const Tensor output = context.infer(input);
  const auto values = output.values<float>();
  return {values.begin(), values.end()};
}

TEST(Context, ABatchGivesWhatItsImagesGiveOneByOne) {
  const Tensor batch = images(32);
  for (const Engine* engine : {&int8_engine(), &float_engine()}) {
    const std::vector<float> together = scores(*engine, batch);
    Context context(*engine);
    for (std::int64_t i = 0; i < 32; ++i) {
      Tensor one(DType::kFloat32, {1, 1, 8, 8});
      std::copy_n(batch.values<float>().data() + i * 64, 64, one.values<float>().data());
      const Tensor output = context.infer(one);
      for (int c = 0; c < 10; ++c) {
        EXPECT_EQ(output.values<float>()[c], together[static_cast<std::size_t>(i) * 10 + c]);
      }
    }
  }
}

/// A profile that forbids the chunks the batch would be cut into: it is run whole.
TEST(Context, ABatchIsNotCutBelowTheProfilesSmallest) {
  EngineBuilder builder = digits_builder();
  builder.with_profile("image", {16, 1, 8, 8}, {16, 1, 8, 8}, {32, 1, 8, 8});
  const Engine engine = builder.build();
  const Tensor batch = images(32);
  for (const int threads : {1, 2}) {
    ContextOptions options;
    options.threads = threads;
    EXPECT_EQ(scores(engine, batch, options), scores(int8_engine(), batch)) << threads;
  }
}

TEST(Context, EqualResultsOnEveryInstructionSetAndThreadCount) {
  const Tensor batch = images(7);
  for (const Engine* engine : {&int8_engine(), &float_engine()}) {
    const std::vector<float> expected = scores(*engine, batch, {1, "portable"});
    for (const std::string& isa : cpu_instruction_sets()) {
      for (int threads : {1, 2, 3}) {
        EXPECT_EQ(scores(*engine, batch, {threads, isa}), expected) << isa << " " << threads;
      }
    }
  }
}

TEST(Context, OnTheCpuAnEnqueuedRunIsOverAtOnceAndGpuMemoryIsRefused) {
  const Tensor batch = images(3);
  Context context(float_engine());
  Tensor output(DType::kFloat32, {3, 10});
  const IoTensor in = {batch.dtype(), batch.shape(), const_cast<void*>(batch.data()), false};
  const IoTensor out = {output.dtype(), output.shape(), output.data(), false};
  context.infer_async(std::span(&in, 1), std::span(&out, 1));
  EXPECT_TRUE(std::ranges::equal(output.values<float>(), scores(float_engine(), batch)));
  const auto failure_of = [&](IoTensor input, auto... stream) -> std::string {
    try {
      context.infer_async(std::span(&input, 1), std::span(&out, 1), stream...);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  IoTensor elsewhere = in;
  elsewhere.on_gpu = true;
  EXPECT_EQ(failure_of(elsewhere),
            "invalid_argument: a tensor is in GPU memory, but this context runs on the CPU");
  EXPECT_EQ(failure_of(in, nullptr),
            "invalid_argument: a stream is given, but this context runs on the CPU");
}

TEST(Context, ManyContextsShareOneEngine) {
  const Tensor batch = images(5);
  const std::vector<float> expected = scores(int8_engine(), batch);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    threads.emplace_back([&, i] {
      Context context(int8_engine(), {static_cast<int>(i % 2) + 1, "auto"});
      for (int run = 0; run < 20; ++run) {
        const Tensor output = context.infer(batch);
        wrong[i] += std::ranges::equal(output.values<float>(), expected) ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST(Context, AlternatingBuffersAndShapesGiveTheSame) {
  Context context(int8_engine());
  for (std::int64_t count : {1, 32, 3, 32, 1}) {
    const Tensor batch = images(count);
    const std::vector<float> expected = scores(int8_engine(), batch);
    for (int buffer = 0; buffer < 3; ++buffer) {
      std::vector<Tensor> outputs = {Tensor(DType::kFloat32, {count, 10})};
      const std::vector<Tensor> inputs = {batch.clone()};
      context.infer_into(inputs, outputs);
      EXPECT_TRUE(std::ranges::equal(outputs[0].values<float>(), expected)) << count;
    }
  }
}

TEST(Context, RefusesWhatDoesNotFit) {
  Context context(int8_engine());
  EXPECT_EQ(error_text([&] {
              context.infer(Tensor(DType::kFloat32, {1, 1, 8, 9}));
            }),
            "invalid_argument: input \"image\" has shape [1, 1, 8, 9]: dimension 3 (8) is 9; the "
            "engine was built for 8");
  EXPECT_EQ(error_text([&] {
              context.infer(Tensor(DType::kFloat32, {33, 1, 8, 8}));
            }),
            "invalid_argument: input \"image\" has shape [33, 1, 8, 8]: dimension 0 (batch) is 33; "
            "the engine was built for 1 to 32");
  EXPECT_EQ(error_text([&] {
              context.infer(Tensor(DType::kFloat32, {8, 8}));
            }),
            "invalid_argument: input \"image\" has shape [8, 8]; the engine expects [batch, 1, 8, "
            "8]");
  EXPECT_EQ(error_text([&] {
              context.infer(Tensor(DType::kInt32, {1, 1, 8, 8}));
            }),
            "invalid_argument: input \"image\" is int32; the engine expects float32");
  EXPECT_EQ(error_text([&] { context.infer(std::map<std::string, Tensor>{}); }),
            "invalid_argument: input \"image\" is missing");
  EXPECT_EQ(error_text([] {
              Context(int8_engine(), {1, "sse9"});
            }).substr(0, 44),
            "invalid_argument: unknown instruction set \"s");
  EXPECT_EQ(error_text([] {
              Context(int8_engine(), {-1, "auto"});
            }),
            "invalid_argument: threads is -1; needed: 0 (all processors) or more");
}

TEST(Context, ProfilesEveryStep) {
  Context context(int8_engine());
  const std::vector<Tensor> inputs = {images(2)};
  const std::vector<StepProfile> profile = context.profile(inputs);
  ASSERT_EQ(profile.size(), int8_engine().steps().size());
  for (const StepProfile& step : profile) EXPECT_GE(step.microseconds, 0) << step.name;
}

TEST(Context, ShowsTheModelsValues) {
  Context context(float_engine());
  const std::vector<Tensor> inputs = {images(1)};
  std::vector<std::string> names;
  context.infer_observed(inputs, [&](const std::string& name, const Tensor& values) {
    names.push_back(name);
    EXPECT_GT(values.size(), 0) << name;
  });
  EXPECT_EQ(names.front(), "image");
  EXPECT_NE(std::find(names.begin(), names.end(), "scores"), names.end());
}

TEST(Engine, SavesAndLoadsTheSameBytes) {
  const TemporaryFile file("digits.engine");
  int8_engine().save(file.path());
  EXPECT_EQ(bytes_of(Engine::load(file.path())), bytes_of(int8_engine()));
  InferenceEngine engine(file.path());
  EXPECT_EQ(engine.infer(images(1)).shape(), (Shape{1, 10}));
  EXPECT_EQ(engine.engine().preprocess(), kDigitsPreprocess);
}

}  // namespace
}  // namespace xinfer
