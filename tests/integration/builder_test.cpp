// Building engines: what must not depend on batches, threads or instruction sets, caches, errors.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "digits.h"
#include "xinfer/builders/model_info.h"
#include "xinfer/builders/network.h"
#include "xinfer/core/device.h"

namespace xinfer {
namespace {

TEST(Builder, EqualBytesWhateverTheBatchThreadsAndInstructionSet) {
  const std::string expected = bytes_of(digits_builder(8).with_threads(1).build());
  EXPECT_EQ(bytes_of(digits_builder(1).with_threads(2).build()), expected);
  EXPECT_EQ(bytes_of(digits_builder(7).with_threads(3).build()), expected);
  for (const std::string& isa : cpu_instruction_sets()) {
    EXPECT_EQ(bytes_of(digits_builder(32).with_cpu_isa(isa).build()), expected) << isa;
  }
}

TEST(Builder, EveryCalibratorBuildsAnEngineThatIsMostlyInt8) {
  for (const char* algorithm : {"auto", "minmax", "entropy2", "entropy", "percentile",
                                "percentile:99.9", "mse", "legacy"}) {
    EngineBuilder builder = digits_builder(8, algorithm);
    const Engine engine = builder.build();
    EXPECT_GT(engine.int8_mac_share(), 0.95) << algorithm;
    EXPECT_EQ(builder.report().calibration_samples, 100) << algorithm;
  }
}

TEST(Builder, ACacheGivesTheEngineOfTheBuildThatWroteIt) {
  for (const char* name : {"digits.cache", "digits.cache.json"}) {
    const TemporaryFile cache(name);
    EngineBuilder first = digits_builder();
    const std::string expected = bytes_of(first.with_calibration_cache(cache.path()).build());
    ASSERT_TRUE(std::filesystem::exists(cache.path())) << name;
    EngineBuilder second;
    second.from_onnx(kDigits / "digits.onnx").with_int8().with_max_batch_size(32);
    second.with_preprocess(kDigitsPreprocess).with_calibration_cache(cache.path());
    const Engine engine = second.build();
    EXPECT_EQ(second.report().calibration_samples, 0);
    ASSERT_EQ(engine.layers().size(), first.report().layers.size());
    for (std::size_t i = 0; i < first.report().layers.size(); ++i) {
      EXPECT_EQ(engine.layers()[i].scale, first.report().layers[i].scale) << name;
    }
    Context a(Engine::load(std::as_bytes(std::span(expected)))), b(engine);
    SampleSet samples = digits("eval", 16);
    SampleBatch batch;
    ASSERT_TRUE(samples.next(batch));
    const Tensor x = a.infer(batch.inputs[0]), y = b.infer(batch.inputs[0]);
    EXPECT_TRUE(std::ranges::equal(x.values<float>(), y.values<float>())) << name;
  }
}

TEST(Builder, TheCalibratorsCacheSkipsItsBatches) {
  struct Cached : CallbackCalibrator {
    using CallbackCalibrator::CallbackCalibrator;
    std::optional<std::string> read_cache() override { return cache; }
    void write_cache(std::string_view text) override { cache = text; }
    bool keeps_cache() const override { return true; }
    std::optional<std::string> cache;
  };
  int batches = 0;
  SampleSet samples = digits("calib", 10);
  auto calibrator = std::make_shared<Cached>(
      10, [&](const std::vector<std::string>& names, std::vector<Tensor>& batch) {
        EXPECT_EQ(names, std::vector<std::string>{"image"});
        SampleBatch next;
        if (!samples.next(next)) return false;
        ++batches;
        batch = next.inputs;
        return true;
      });
  EngineBuilder builder;
  builder.from_onnx(kDigits / "digits.onnx").with_int8(calibrator).with_max_batch_size(4);
  const std::string first = bytes_of(builder.build());
  EXPECT_EQ(batches, 10);
  ASSERT_TRUE(calibrator->cache.has_value());
  EXPECT_TRUE(calibrator->cache->starts_with("TRT-"));
  EXPECT_EQ(bytes_of(builder.build()), first);
  EXPECT_EQ(batches, 10);
}

TEST(Builder, ADamagedOrForeignCacheIsRefusedByName) {
  const TemporaryFile cache("bad.cache");
  std::ofstream(cache.path()) << "TRT-8601-EntropyCalibration2\nnobody: 3c010a14\n";
  EngineBuilder builder;
  builder.from_onnx(kDigits / "digits.onnx").with_int8().with_calibration_cache(cache.path());
  EXPECT_NE(error_text([&] { builder.build(); }).find(cache.path().string()), std::string::npos);
}

TEST(Builder, ACallbackThatThrowsFailsTheBuildWithItsException) {
  EngineBuilder builder;
  builder.from_onnx(kDigits / "digits.onnx")
      .with_int8(std::make_shared<CallbackCalibrator>(
          1, [](const auto&, auto&) -> bool { throw std::domain_error("camera unplugged"); }));
  EXPECT_THROW(builder.build(), std::domain_error);
}

TEST(Builder, BadCalibrationDataIsNamed) {
  const auto build_with = [](Tensor tensor) {
    bool given = false;
    EngineBuilder builder;
    builder.from_onnx(kDigits / "digits.onnx")
        .with_int8(std::make_shared<CallbackCalibrator>(
            1, [&given, tensor](const auto&, std::vector<Tensor>& batch) {
              if (given) return false;
              given = true;
              batch[0] = tensor;
              return true;
            }));
    return error_text([&] { builder.build(); });
  };
  EXPECT_EQ(
      build_with(Tensor()),
      "invalid_argument: calibration batch for input \"image\": the calibrator set no tensor");
  EXPECT_EQ(build_with(Tensor(DType::kUInt8, {1, 1, 8, 8})),
            "invalid_argument: calibration batch for input \"image\": it is uint8; the model needs "
            "float32");
  EXPECT_EQ(build_with(Tensor(DType::kFloat32, {1, 3, 8, 8})),
            "invalid_argument: calibration batch for input \"image\": it has shape [1, 3, 8, 8]; "
            "the model needs [batch, 1, 8, 8]");
  Tensor nan(DType::kFloat32, {1, 1, 8, 8});
  for (float& value : nan.values<float>()) value = 0;
  nan.values<float>()[17] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(build_with(nan).find("\"image\""), std::string::npos);
}

TEST(Builder, AnEmptyCalibrationSetIsAnError) {
  EngineBuilder builder;
  builder.from_onnx(kDigits / "digits.onnx")
      .with_int8(std::make_shared<CallbackCalibrator>(1, [](auto&, auto&) { return false; }));
  EXPECT_EQ(error_text([&] { builder.build(); }),
            "invalid_argument: the calibration set is empty: the calibrator gave no batch");
}

TEST(Builder, ChecksShapesBeforeItCalibratesWhateverTheDevice) {
  EngineBuilder builder;
  builder.from_onnx(kDigits / "digits.onnx")
      .on("cpu")
      .with_int8(std::make_shared<CallbackCalibrator>(1, [](auto&, auto&) {
        ADD_FAILURE() << "calibrated";
        return false;
      }));
  EXPECT_EQ(error_text([&] {
              builder.with_shape("typo", {1, 1, 8, 8}).build();
            }),
            "invalid_argument: a shape names input \"typo\", which the model does not have");
}

TEST(Builder, KeepsWhatItIsToldToKeep) {
  EngineBuilder builder = digits_builder();
  builder.keep("*", builders::Precision::kFp32);
  const Engine engine = builder.build();
  EXPECT_EQ(engine.int8_mac_share(), 0);
  for (const LayerInfo& layer : engine.layers()) EXPECT_EQ(layer.precision, "fp32") << layer.name;
}

TEST(Builder, SaysWhatIsMissing) {
  EXPECT_EQ(error_text([] { EngineBuilder().build(); }),
            "invalid_argument: no model: call from_onnx or from_network first");
  EXPECT_EQ(error_text([] { EngineBuilder().with_max_batch_size(0); }),
            "invalid_argument: the largest batch is 0; needed: 1 or more");
  EngineBuilder no_data;
  no_data.from_onnx(kDigits / "digits.onnx").with_int8();
  EXPECT_EQ(error_text([&] { no_data.build(); }),
            "invalid_argument: INT8 needs ranges: give a calibrator with samples or an existing "
            "calibration cache");
  EngineBuilder profile;
  profile.from_onnx(kDigits / "digits.onnx")
      .with_profile("picture", {1, 1, 8, 8}, {1, 1, 8, 8}, {4, 1, 8, 8});
  EXPECT_EQ(error_text([&] { profile.build(); }),
            "invalid_argument: a profile names input \"picture\"; the model has \"image\"");
}

TEST(Builder, ReportsEveryLayerWithAReason) {
  EngineBuilder builder = digits_builder();
  builder.build();
  EXPECT_FALSE(builder.report().layers.empty());
  for (const LayerInfo& layer : builder.report().layers) {
    EXPECT_FALSE(layer.reason.empty()) << layer.name;
  }
  EXPECT_GT(builder.report().layers_in("int8"), 3);
}

TEST(Builder, IsForTheGpuThatIsThereAndElseForTheCpu) {
  const Engine engine = EngineBuilder().from_onnx(kDigits / "digits.onnx").build();
  const bool gpu =
      !gpus().empty() && builders::kernel_compiler_status().starts_with("NVRTC of CUDA");
  ASSERT_EQ(engine.targets().size(), 1U);
  EXPECT_EQ(engine.targets()[0].starts_with("cuda:sm_"), gpu) << engine.targets()[0];
  EXPECT_EQ(engine.targets()[0] == "cpu", !gpu);
}

TEST(Builder, ReadsTheModelOnce) {
  const TemporaryFile model("once.onnx");
  std::filesystem::copy_file(kDigits / "digits.onnx", model.path());
  EngineBuilder builder;
  builder.from_onnx(model.path()).with_max_batch_size(4);
  ASSERT_EQ(builder.inputs().size(), 1u);
  EXPECT_EQ(builder.inputs()[0].name, "image");
  std::filesystem::remove(model.path());
  EXPECT_EQ(builder.build().model_name(), model.path().stem().string());
  builder.from_onnx(model.path());
  EXPECT_THROW(builder.inputs(), Error) << "another model is read anew";
}

TEST(ModelInfo, DescribesInputsAndNodes) {
  const builders::ModelInfo model = builders::inspect_model(kDigits / "digits.onnx");
  ASSERT_EQ(model.inputs.size(), 1u);
  EXPECT_EQ(model.inputs[0].name, "image");
  EXPECT_EQ(model.inputs[0].max, (Shape{-1, 1, 8, 8}));
  EXPECT_FALSE(model.nodes.empty());
}

Tensor filled(Shape shape, float value) {
  Tensor tensor(DType::kFloat32, std::move(shape));
  std::fill(tensor.values<float>().begin(), tensor.values<float>().end(), value);
  return tensor;
}

/// A convolution by one number to 4 channels.
Network::Value convolve(Network& network, Network::Value x, std::int64_t in, float weight,
                        const std::string& name) {
  return network.add_convolution(
      x, network.add_constant(filled({4, in, 1, 1}, weight), name + ".weights"),
      network.add_constant(filled({4}, 0), name + ".bias"), {}, name);
}

/// Two convolutions whose values differ by a factor of 10,000, concatenated and convolved.
Network network_with_concat() {
  Network network("concat");
  const auto x = network.add_input("x", DType::kFloat32, {"1", "3", "4", "4"});
  const auto joined = network.add_concat(
      {convolve(network, x, 3, 0.01f, "little"), convolve(network, x, 3, -100.0f, "large")}, 1,
      "joined");
  network.mark_output(convolve(network, joined, 8, 1.0f, "last"), "y");
  return network;
}

/// Two batches of ones.
std::shared_ptr<CallbackCalibrator> ones(const std::string& algorithm) {
  return std::make_shared<CallbackCalibrator>(
      1,
      [batches = 0](const std::vector<std::string>&, std::vector<Tensor>& batch) mutable {
        batch = {filled({1, 3, 4, 4}, 1.0f)};
        return batches++ < 2;
      },
      algorithm);
}

TEST(Builder, CalibratesEachPartOfAConcatByItself) {
  const TemporaryFile cache("concat.json");
  EngineBuilder builder;
  builder.from_network(network_with_concat()).with_int8(ones("minmax"));
  builder.calibrate_and_save(cache.path());
  std::map<std::string, double> amax;
  for (const builders::RangeInfo& range : builders::inspect_cache(cache.path()).ranges) {
    amax[range.name] = range.amax;
  }
  EXPECT_NEAR(amax.at("little"), 0.03, 1e-6);
  EXPECT_NEAR(amax.at("large"), 300, 1e-3);
  EXPECT_NEAR(amax.at("joined"), 300, 1e-3);
}

TEST(Builder, AVanishingValueStaysFloatAndIsNamed) {
  constexpr float kBelowEveryScale = 1e-20f;  // less than 2^-60
  Network network("vanishing");
  const auto x = network.add_input("x", DType::kFloat32, {"1", "3", "4", "4"});
  const auto least = convolve(network, x, 3, kBelowEveryScale, "least");
  network.mark_output(convolve(network, least, 4, 1.0f, "last"), "y");
  const TemporaryFile cache("vanishing.json");
  for (int from_cache = 0; from_cache < 2; ++from_cache) {
    EngineBuilder builder;
    builder.from_network(network).with_int8(ones("auto")).with_calibration_cache(cache.path());
    const Engine engine = builder.build();
    Context context(engine);
    EXPECT_GT(context.infer(filled({1, 3, 4, 4}, 1.0f)).values<float>()[0], 0);
    EXPECT_EQ(builder.report().calibration_samples, from_cache ? 0 : 2);
    if (from_cache) continue;
    EXPECT_THAT(builder.report().warnings, testing::Contains(testing::HasSubstr("\"least\"")));
  }
}

}  // namespace
}  // namespace xinfer
