// The example model and its images, as the tests use them.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "xinfer/builders/engine_builder.h"
#include "xinfer/data/samples.h"

namespace xinfer {

inline const std::filesystem::path kDigits =
    std::filesystem::path(XINFER_SOURCE_DIR) / "examples/digits";
inline constexpr const char* kDigitsPreprocess = "color=gray,mean=0.5,std=0.5";

inline std::vector<BindingInfo> digits_inputs() {
  BindingInfo input;
  input.name = "image";
  input.dims = {"batch", "1", "8", "8"};
  input.min = {1, 1, 8, 8};
  input.opt = input.min;
  input.max = {-1, 1, 8, 8};
  return {input};
}

inline SampleSet digits(const std::string& folder, std::int64_t batch, int workers = 1) {
  SampleOptions options;
  options.preprocess = kDigitsPreprocess;
  options.batch_size = batch;
  options.workers = workers;
  return SampleSet::open(kDigits / folder, options, digits_inputs());
}

/// A builder of the INT8 example for the CPU, calibrated in batches of `batch`.
inline EngineBuilder digits_builder(std::int64_t batch = 8, const std::string& algorithm = "auto") {
  EngineBuilder builder;
  builder.from_onnx(kDigits / "digits.onnx")
      .on("cpu")
      .with_int8(std::make_shared<SampleCalibrator>(digits("calib", batch), algorithm))
      .with_max_batch_size(32)
      .with_preprocess(kDigitsPreprocess);
  return builder;
}

inline std::string bytes_of(const Engine& engine) {
  const auto bytes = engine.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A path in the temporary folder that goes away with the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& name)
      : path_(std::filesystem::temp_directory_path() /
              ("xinfer_" + std::to_string(::getpid()) + "_" + name)) {}
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The text of the Error that `call` throws; "" if it throws none.
template <typename Call>
std::string error_text(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace xinfer
