// Every trained model of the shared data folder gives ONNX Runtime's outputs in float32.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "xinfer/builders/engine_builder.h"
#include "xinfer/data/arrays.h"

namespace xinfer {
namespace {

namespace fs = std::filesystem;

/// Of a value, or of the output's root mean square where the value is smaller: sums of a thousand
/// products round relative to their terms, not to what is left of them.
constexpr double kRelativeTolerance = 1e-4;

struct Sample {
  fs::path input;
  std::vector<fs::path> outputs;
};

struct Reference {
  fs::path model;
  std::string input;
  std::vector<Sample> samples;
};

std::ostream& operator<<(std::ostream& stream, const Reference& reference) {
  return stream << reference.model.filename().string();
}

/// tests/models/generate_references.py says what a line holds.
std::vector<Reference> references() {
  const fs::path folder = XINFER_MODEL_REFERENCES;
  std::vector<Reference> all;
  std::ifstream manifest(folder / "manifest.tsv");
  for (std::string line; std::getline(manifest, line);) {
    std::istringstream stream(line);
    std::vector<std::string> fields;
    for (std::string field; std::getline(stream, field, '\t');) fields.push_back(field);
    if (all.empty() || all.back().model != fields.at(0)) {
      all.push_back({fields.at(0), fields.at(1), {}});
    }
    Sample sample{folder / fields.at(2), {}};
    for (std::size_t i = 3; i < fields.size(); ++i) sample.outputs.push_back(folder / fields[i]);
    all.back().samples.push_back(std::move(sample));
  }
  return all;
}

double root_mean_square(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += double{value} * value;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

void expect_near(const Tensor& found, const Tensor& expected) {
  ASSERT_EQ(found.shape(), expected.shape());
  const auto a = found.values<float>();
  const auto b = expected.values<float>();
  const double rms = root_mean_square(b);
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double allowed = kRelativeTolerance * std::max<double>(std::abs(b[i]), rms);
    ASSERT_LE(std::abs(double{a[i]} - b[i]), allowed)
        << "[" << i << "]: " << a[i] << ", not " << b[i] << "; root mean square " << rms;
  }
}

/// The smallest box of shapes that holds all inputs.
EngineBuilder& with_shapes_of(EngineBuilder& builder, const std::string& input,
                              const std::vector<Tensor>& tensors) {
  Shape least = tensors.at(0).shape(), largest = least;
  for (const Tensor& tensor : tensors) {
    for (std::size_t d = 0; d < least.size(); ++d) {
      least[d] = std::min(least[d], tensor.shape()[d]);
      largest[d] = std::max(largest[d], tensor.shape()[d]);
    }
  }
  return builder.with_profile(input, least, tensors[0].shape(), largest);
}

class ModelReferences : public testing::TestWithParam<Reference> {};

TEST_P(ModelReferences, Float32EqualsOnnxRuntime) {
  const Reference& reference = GetParam();
  std::vector<Tensor> inputs;
  for (const Sample& sample : reference.samples) inputs.push_back(load_npy(sample.input));
  EngineBuilder builder;
  builder.from_onnx(reference.model);
  Context context(with_shapes_of(builder, reference.input, inputs).build());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    SCOPED_TRACE(reference.samples[i].input);
    const std::vector<Tensor> outputs = context.infer(std::span(&inputs[i], 1));
    ASSERT_EQ(outputs.size(), reference.samples[i].outputs.size());
    for (std::size_t j = 0; j < outputs.size(); ++j) {
      expect_near(outputs[j], load_npy(reference.samples[i].outputs[j]));
    }
  }
}

TEST(ModelShapes, AProfileThatTheModelCannotTakeIsRefused) {
  for (const Reference& reference : references()) {
    if (reference.model.filename() != "yolov5n.onnx") continue;
    EngineBuilder builder;
    builder.from_onnx(reference.model)
        .with_profile("images", {1, 3, 320, 320}, {1, 3, 640, 640}, {1, 3, 640, 640});
    try {
      builder.build();
      FAIL() << "a grid of 80 rows was taken for an image of 320";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("\"images\" [1, 3, 320, 320]"), std::string::npos)
          << error.what();
    }
    return;
  }
  GTEST_SKIP() << "no references";
}

TEST(ModelReferencesFolder, IsThere) {
  if (references().empty()) {
    GTEST_SKIP() << "no references: set XINFER_DATA to the folder of models and images";
  }
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ModelReferences);
INSTANTIATE_TEST_SUITE_P(Shared, ModelReferences, testing::ValuesIn(references()),
                         [](const auto& instance) {
                           std::string name = instance.param.model.stem();
                           std::replace_if(
                               name.begin(), name.end(),
                               [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

}  // namespace
}  // namespace xinfer
