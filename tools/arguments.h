// Options that several subcommands share, and how their text becomes values.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "xinfer/builders/engine_builder.h"
#include "xinfer/core/engine.h"
#include "xinfer/data/samples.h"

namespace xinfer::tools {

/// Everything that decides how a model is built.
struct ModelArguments {
  std::string model;
  bool int8 = false, fp16 = false;
  std::string device = "auto", cuda_backend = "auto", timing_cache;
  bool no_tuning = false;
  std::int64_t max_batch = 0;
  std::vector<std::string> profiles, shapes;
  std::string calib;
  std::int64_t calib_count = 0;
  std::string calibrator;
  std::string calib_cache;
  std::string cache_mismatch = "refuse";
  std::string preprocess;
  std::vector<std::string> keep, int8_only;
  int threads = 0;
  std::string cpu_isa = "auto";
  bool skip_bad = false;
  bool u8_input = false;
};

/// The model and what its shapes and samples are: build, calibrate, quantize.
void add_model_options(CLI::App& command, ModelArguments& arguments);

/// Where ranges come from and which layers are INT8: build, quantize.
void add_precision_options(CLI::App& command, ModelArguments& arguments);

/// A builder set up from the arguments, with a calibrator if `calib` is given.
builders::EngineBuilder make_builder(const ModelArguments& arguments);

/// Lets the builder's engine read the same input as `engine` if that is u8 images.
void take_same_images(builders::EngineBuilder& builder, const Engine& engine);

/// The model's shape of an input of that shape: [N, C, H, W] where the engine takes u8 images of a
/// model with that layout.
Shape model_shape(const Engine& engine, const Shape& shape);

/// How an engine is run.
struct RunArguments {
  int threads = 0;
  std::string cpu_isa = "auto", device = "auto";
  ContextOptions context() const { return {threads, cpu_isa, device}; }
};
void add_run_options(CLI::App& command, RunArguments& arguments);

/// True for the path of an ONNX model; any other is taken for an engine.
bool is_model(const std::string& path);

/// Adds `--json FILE`.
void add_json_option(CLI::App& command, std::string& path);

}  // namespace xinfer::tools
