// EngineBuilder: from a model to an engine.
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "calibrator.h"
#include "describe.h"
#include "module.h"
#include "xinfer/builders/engine_builder.h"
#include "xinfer/builders/network.h"
#include "xinfer/core/error.h"
#include "xinfer/data/samples.h"

namespace xinfer::python {
namespace {

using builders::BuildProgress;
using builders::EngineBuilder;
using builders::Precision;

Precision parse_precision(const std::string& name) {
  if (name == "int8") return Precision::kInt8;
  if (name == "fp16") return Precision::kFp16;
  if (name == "fp32") return Precision::kFp32;
  throw Error(ErrorCode::kInvalidArgument,
              "precision \"" + name + "\"; needed: int8, fp16 or fp32");
}

/// Every report lets pending signals through, so that Ctrl-C ends a build; then calls the callback,
/// which may be None.
void set_progress(EngineBuilder& builder, nb::object callback) {
  builder.with_progress([held = SharedObject(std::move(callback))](const BuildProgress& progress) {
    const nb::gil_scoped_acquire lock;
    if (PyErr_CheckSignals() != 0) nb::raise_python_error();
    if (!held->is_none()) (*held)(progress.stage.c_str(), progress.done, progress.total);
  });
}

void set_samples(EngineBuilder& builder, const std::filesystem::path& data,
                 const std::string& preprocess, std::int64_t batch_size, std::int64_t count,
                 const std::string& algorithm, const nb::list& inputs) {
  std::vector<BindingInfo> bindings;
  for (nb::handle entry : inputs) {
    BindingInfo& binding = bindings.emplace_back();
    binding.name = nb::cast<std::string>(entry["name"]);
    binding.dims = nb::cast<std::vector<std::string>>(nb::list(entry["dims"]));
    binding.min = nb::cast<Shape>(nb::list(entry["min"]));
    binding.opt = nb::cast<Shape>(nb::list(entry["opt"]));
    binding.max = nb::cast<Shape>(nb::list(entry["max"]));
  }
  SampleOptions options;
  options.preprocess = preprocess;
  options.batch_size = batch_size;
  options.count = count;
  builder.with_int8(
      std::make_shared<SampleCalibrator>(SampleSet::open(data, options, bindings), algorithm));
}

nb::bytes calibrate(EngineBuilder& builder) {
  std::string cache;
  {
    const nb::gil_scoped_release unlocked;
    cache = builder.calibrate();
  }
  return nb::bytes(cache.data(), cache.size());
}

}  // namespace

void bind_builder(nb::module_& module) {
  nb::class_<EngineBuilder>(module, "EngineBuilder", "Builds engines; setters change it in place.")
      .def(nb::init<>())
      .def("from_path",
           [](EngineBuilder& self, const std::filesystem::path& path) { self.from_onnx(path); })
      .def("from_bytes",
           [](EngineBuilder& self, const nb::bytes& model) {
             self.from_onnx(std::span(static_cast<const std::byte*>(model.data()), model.size()));
           })
      .def("from_network", [](EngineBuilder& self,
                              const builders::Network& network) { self.from_network(network); })
      .def("with_int8", [](EngineBuilder& self) { self.with_int8(); })
      .def("with_calibrator",
           [](EngineBuilder& self, nb::object source) { self.with_int8(make_calibrator(source)); })
      .def("with_samples", &set_samples, nb::arg("data"), nb::arg("preprocess"),
           nb::arg("batch_size"), nb::arg("count"), nb::arg("algorithm"), nb::arg("inputs"))
      .def("with_fp16", [](EngineBuilder& self) { self.with_fp16(); })
      .def("with_max_batch_size",
           [](EngineBuilder& self, std::int64_t n) { self.with_max_batch_size(n); })
      .def("with_profile", [](EngineBuilder& self, const std::string& input, Shape min, Shape opt,
                              Shape max) { self.with_profile(input, min, opt, max); })
      .def("with_shape", [](EngineBuilder& self, const std::string& input,
                            Shape shape) { self.with_shape(input, std::move(shape)); })
      .def("on", [](EngineBuilder& self, const std::string& device) { self.on(device); })
      .def("with_calibration_cache",
           [](EngineBuilder& self, const std::filesystem::path& path, bool partial) {
             self.with_calibration_cache(path, partial ? builders::CacheMismatch::kPartial
                                                       : builders::CacheMismatch::kRefuse);
           })
      .def("with_calibration_algorithm",
           [](EngineBuilder& self, const std::string& name) {
             self.with_calibration_algorithm(name);
           })
      .def("keep",
           [](EngineBuilder& self, const std::string& pattern, const std::string& precision) {
             self.keep(pattern, parse_precision(precision));
           })
      .def("int8_only",
           [](EngineBuilder& self, const std::string& pattern) { self.int8_only(pattern); })
      .def("with_range", [](EngineBuilder& self, const std::string& value, double low,
                            double high) { self.with_range(value, low, high); })
      .def("with_preprocess",
           [](EngineBuilder& self, const std::string& text) { self.with_preprocess(text); })
      .def("with_u8_input", [](EngineBuilder& self) { self.with_u8_input(); })
      .def("with_threads", [](EngineBuilder& self, int threads) { self.with_threads(threads); })
      .def("with_cpu_isa",
           [](EngineBuilder& self, const std::string& isa) { self.with_cpu_isa(isa); })
      .def("with_timing_cache",
           [](EngineBuilder& self, const std::filesystem::path& path) {
             self.with_timing_cache(path);
           })
      .def("without_tuning", [](EngineBuilder& self) { self.without_tuning(); })
      .def("with_progress", &set_progress, nb::arg("callback").none())
      .def("build", &EngineBuilder::build, nb::call_guard<nb::gil_scoped_release>())
      .def("calibrate", &calibrate)
      .def(
          "quantize",
          [](EngineBuilder& self, bool for_tensorrt) {
            std::vector<std::byte> model;
            {
              const nb::gil_scoped_release unlocked;
              model = self.quantize({for_tensorrt});
            }
            return nb::bytes(model.data(), model.size());
          },
          nb::arg("for_tensorrt") = false)
      .def(
          "calibrate_and_save",
          [](EngineBuilder& self, const std::filesystem::path& cache) {
            const nb::gil_scoped_release unlocked;
            self.calibrate_and_save(cache);
          },
          nb::arg("cache"))
      .def("report", [](const EngineBuilder& self) { return describe(self.report()); });
}

}  // namespace xinfer::python
