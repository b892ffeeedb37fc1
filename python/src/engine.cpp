// Engine and Context: loading and running.
#include "xinfer/core/engine.h"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <mutex>
#include <optional>

#include "arrays.h"
#include "describe.h"
#include "module.h"

namespace xinfer::python {
namespace {

/// A Context that threads may share: calls wait for each other.
class PyContext {
 public:
  PyContext(Engine engine, const ContextOptions& options) : context_(std::move(engine), options) {}

  std::vector<Tensor> infer(const std::vector<Tensor>& inputs) {
    const nb::gil_scoped_release unlocked;
    const std::lock_guard<std::mutex> guard(mutex_);
    return context_.infer(inputs);
  }

  void infer_into(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs) {
    const nb::gil_scoped_release unlocked;
    const std::lock_guard<std::mutex> guard(mutex_);
    context_.infer_into(inputs, outputs);
  }

  /// On tensors of any place: enqueued on the stream if one is given, else over when this returns,
  /// behind what the legacy default stream has to do.
  void infer_on(const std::vector<IoTensor>& inputs, const std::vector<IoTensor>& outputs,
                std::optional<std::uintptr_t> stream) {
    const nb::gil_scoped_release unlocked;
    const std::lock_guard<std::mutex> guard(mutex_);
    if (stream) {
      context_.infer_async(inputs, outputs, reinterpret_cast<void*>(*stream));
    } else if (on_gpu()) {
      context_.infer_async(inputs, outputs, nullptr);
      context_.synchronize();
    } else {
      context_.infer_into(inputs, outputs);
    }
  }

  void synchronize() {
    const nb::gil_scoped_release unlocked;
    const std::lock_guard<std::mutex> guard(mutex_);
    context_.synchronize();
  }

  bool on_gpu() const { return context_.cpu_isa().empty(); }

  std::vector<StepProfile> profile(const std::vector<Tensor>& inputs) {
    const nb::gil_scoped_release unlocked;
    const std::lock_guard<std::mutex> guard(mutex_);
    return context_.profile(inputs);
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) {
    const std::lock_guard<std::mutex> guard(mutex_);
    return context_.output_shapes(inputs);
  }

  const Context& context() const { return context_; }
  const Engine& engine() const { return context_.engine(); }

 private:
  std::mutex mutex_;
  Context context_;
};

/// The arrays of a call, in the order of the engine's inputs, and tensors over their memory.
struct CallInputs {
  std::vector<HostArray> arrays;
  std::vector<Tensor> tensors;

  void add(nb::handle object, const BindingInfo& binding) {
    const std::string what = "input \"" + binding.name + "\"";
    arrays.push_back(to_array(object, what));
    tensors.push_back(view_of(arrays.back(), what));
  }
};

/// The same for arrays that may lie in memory of a GPU.
struct AnyInputs {
  std::vector<AnyArray> arrays;
  std::vector<IoTensor> tensors;

  void add(nb::handle object, const BindingInfo& binding) {
    const std::string what = "input \"" + binding.name + "\"";
    arrays.push_back(to_any_array(object, what));
    tensors.push_back(io_tensor_of(arrays.back(), what));
  }
};

[[noreturn]] void refuse_inputs(const Engine& engine, const std::string& found) {
  std::string names;
  for (const BindingInfo& input : engine.inputs()) {
    names += (names.empty() ? "\"" : ", \"") + input.name + "\"";
  }
  throw Error(ErrorCode::kInvalidArgument, found + "; the engine has the inputs " + names);
}

template <typename Inputs>
Inputs inputs_from_dict(const Engine& engine, const nb::dict& given) {
  Inputs inputs;
  for (const BindingInfo& binding : engine.inputs()) {
    const nb::str name(binding.name.c_str());
    if (!given.contains(name)) refuse_inputs(engine, "no array for input \"" + binding.name + "\"");
    inputs.add(given[name], binding);
  }
  if (given.size() != engine.inputs().size()) {
    refuse_inputs(engine, std::to_string(given.size()) + " arrays given");
  }
  return inputs;
}

template <typename Inputs>
Inputs inputs_from_sequence(const Engine& engine, const nb::sequence& given) {
  const std::size_t count = nb::len(given);
  if (count != engine.inputs().size()) {
    refuse_inputs(engine, std::to_string(count) + " arrays given");
  }
  Inputs inputs;
  for (std::size_t i = 0; i < count; ++i) inputs.add(given[i], engine.inputs()[i]);
  return inputs;
}

bool is_sequence(nb::handle object) {
  return nb::isinstance<nb::list>(object) || nb::isinstance<nb::tuple>(object);
}

template <typename Inputs = CallInputs>
Inputs call_inputs(const Engine& engine, nb::handle given) {
  if (nb::isinstance<nb::dict>(given)) {
    return inputs_from_dict<Inputs>(engine, nb::borrow<nb::dict>(given));
  }
  if (is_sequence(given)) {
    return inputs_from_sequence<Inputs>(engine, nb::borrow<nb::sequence>(given));
  }
  if (engine.inputs().size() != 1) refuse_inputs(engine, "one array given");
  Inputs inputs;
  inputs.add(given, engine.inputs()[0]);
  return inputs;
}

/// Outputs in the form that the inputs had: a dict, a list, or the one array.
nb::object shaped_as(nb::handle given, const Engine& engine, std::vector<nb::object> outputs) {
  if (nb::isinstance<nb::dict>(given)) {
    nb::dict named;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      named[engine.outputs()[i].name.c_str()] = std::move(outputs[i]);
    }
    return nb::object(std::move(named));
  }
  if (!is_sequence(given) && outputs.size() == 1) return std::move(outputs[0]);
  nb::list list;
  for (nb::object& output : outputs) list.append(std::move(output));
  return nb::object(std::move(list));
}

nb::object run(PyContext& context, nb::handle given) {
  const CallInputs inputs = call_inputs(context.engine(), given);
  std::vector<nb::object> outputs;
  for (Tensor& tensor : context.infer(inputs.tensors)) {
    outputs.push_back(to_numpy(std::move(tensor)));
  }
  return shaped_as(given, context.engine(), std::move(outputs));
}

void run_into(PyContext& context, nb::handle given, const nb::sequence& wanted) {
  const CallInputs inputs = call_inputs(context.engine(), given);
  std::vector<Tensor> outputs;
  std::vector<HostArray> arrays;
  for (nb::handle target : wanted) {
    using Writable = nb::ndarray<nb::device::cpu, nb::c_contig>;
    Writable array;
    if (!nb::try_cast(target, array, false)) {
      throw Error(ErrorCode::kInvalidArgument,
                  "out: needed: writable, C-contiguous arrays in host memory");
    }
    arrays.emplace_back(array);
    outputs.push_back(view_of(arrays.back(), "out"));
  }
  context.infer_into(inputs.tensors, outputs);
}

/// Runs on arrays that may lie in memory of a GPU, into arrays that may.
void run_on(PyContext& context, nb::handle given, const nb::sequence& wanted,
            std::optional<std::uintptr_t> stream) {
  const AnyInputs inputs = call_inputs<AnyInputs>(context.engine(), given);
  std::vector<AnyArray> arrays;
  std::vector<IoTensor> outputs;
  for (nb::handle target : wanted) {
    nb::ndarray<> array;
    if (!nb::try_cast(target, array, false)) {
      throw Error(ErrorCode::kInvalidArgument, "out: needed: writable arrays");
    }
    arrays.push_back(to_any_array(target, "out"));
    outputs.push_back(io_tensor_of(arrays.back(), "out"));
  }
  context.infer_on(inputs.tensors, outputs, stream);
}

/// Runs on addresses, in host memory or in memory of the context's GPU: one for every input, with
/// its shape, and for every output.
void run_at(PyContext& context, const std::vector<std::uintptr_t>& inputs,
            const std::vector<Shape>& shapes, const std::vector<std::uintptr_t>& outputs,
            bool on_gpu, std::optional<std::uintptr_t> stream) {
  const Engine& engine = context.engine();
  if (inputs.size() != engine.inputs().size() || shapes.size() != inputs.size() ||
      outputs.size() != engine.outputs().size()) {
    throw Error(ErrorCode::kInvalidArgument, "run_at: needed: an address for every binding");
  }
  std::vector<IoTensor> in, out;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    in.push_back({engine.inputs()[i].dtype, shapes[i], reinterpret_cast<void*>(inputs[i]), on_gpu});
  }
  const std::vector<Shape> out_shapes = context.output_shapes(shapes);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    out.push_back(
        {engine.outputs()[i].dtype, out_shapes[i], reinterpret_cast<void*>(outputs[i]), on_gpu});
  }
  context.infer_on(in, out, stream);
}

nb::list profile(PyContext& context, nb::handle given) {
  const CallInputs inputs = call_inputs(context.engine(), given);
  nb::list steps;
  for (const StepProfile& step : context.profile(inputs.tensors)) {
    nb::dict entry;
    entry["name"] = step.name;
    entry["kind"] = step.kind;
    entry["kernel"] = step.kernel;
    entry["microseconds"] = step.microseconds;
    steps.append(entry);
  }
  return steps;
}

void bind_engine_class(nb::module_& module) {
  nb::class_<Engine>(module, "Engine", "An immutable compiled model.")
      .def_static(
          "load", [](const std::filesystem::path& path) { return Engine::load(path); },
          nb::arg("path"))
      .def_static(
          "from_bytes",
          [](const nb::bytes& bytes) {
            return Engine::load(
                std::span(static_cast<const std::byte*>(bytes.data()), bytes.size()));
          },
          nb::arg("bytes"))
      .def("save", &Engine::save, nb::arg("path"))
      .def("to_bytes",
           [](const Engine& engine) {
             return nb::bytes(engine.bytes().data(), engine.bytes().size());
           })
      .def("attachment",
           [](const Engine& engine, const std::string& name) -> nb::object {
             const auto content = engine.attachment(name);
             if (!content) return nb::none();
             return nb::bytes(content->data(), content->size());
           })
      .def("has_attachment",
           [](const Engine& engine, const std::string& name) {
             return engine.attachment(name).has_value();
           })
      .def("with_attachment",
           [](const Engine& engine, const std::string& name, const nb::bytes& content) {
             return engine.with_attachment(
                 name, std::span(static_cast<const std::byte*>(content.data()), content.size()));
           })
      .def("inputs", [](const Engine& engine) { return describe(engine.inputs()); })
      .def("outputs", [](const Engine& engine) { return describe(engine.outputs()); })
      .def("layers", [](const Engine& engine) { return describe(engine.layers()); })
      .def("steps", [](const Engine& engine) { return describe(engine.steps()); })
      .def("targets", &Engine::targets)
      .def("preprocess", &Engine::preprocess)
      .def("model_name", &Engine::model_name)
      .def("properties", &Engine::properties)
      .def("int8_mac_share", &Engine::int8_mac_share)
      .def("weight_bytes", &Engine::weight_bytes)
      .def("activation_bytes", [](const Engine& engine) { return engine.activation_bytes(); });
}

void bind_context_class(nb::module_& module) {
  nb::class_<PyContext>(module, "Context", "Executes an engine; calls of several threads queue.")
      .def(
          "__init__",
          [](PyContext* self, const Engine& engine, int threads, const std::string& cpu_isa,
             const std::string& device) {
            ContextOptions options;
            options.threads = threads;
            options.cpu_isa = cpu_isa;
            options.device = device;
            new (self) PyContext(engine, options);
          },
          nb::arg("engine"), nb::arg("threads") = 0, nb::arg("cpu_isa") = "auto",
          nb::arg("device") = "auto")
      .def("run", &run, nb::arg("inputs"))
      .def("run_into", &run_into, nb::arg("inputs"), nb::arg("out"))
      .def("run_on", &run_on, nb::arg("inputs"), nb::arg("out"), nb::arg("stream") = nb::none())
      .def("run_at", &run_at, nb::arg("inputs"), nb::arg("shapes"), nb::arg("outputs"),
           nb::arg("on_gpu") = false, nb::arg("stream") = nb::none())
      .def("synchronize", &PyContext::synchronize)
      .def("output_shapes", &PyContext::output_shapes, nb::arg("inputs"))
      .def("profile", &profile, nb::arg("inputs"))
      .def("threads", [](const PyContext& self) { return self.context().threads(); })
      .def("cpu_isa", [](const PyContext& self) { return self.context().cpu_isa(); })
      .def("device", [](const PyContext& self) { return self.context().device(); })
      .def("target", [](const PyContext& self) { return self.context().target(); })
      .def("on_gpu", &PyContext::on_gpu)
      .def("memory_bytes", [](const PyContext& self) { return self.context().memory_bytes(); });
}

}  // namespace

void bind_engine(nb::module_& module) {
  bind_engine_class(module);
  bind_context_class(module);
  module.def(
      "address_of",
      [](nb::handle array) {
        return reinterpret_cast<std::uintptr_t>(to_any_array(array, "the array").data());
      },
      nb::arg("array"), "Where a call would read this array: its own memory if it is dense.");
  module.def(
      "gpu_array",
      [](std::uintptr_t address, const Shape& shape, const std::string& dtype, int ordinal,
         nb::object owner) {
        return to_gpu_array(address, shape, parse_dtype(dtype), ordinal, std::move(owner));
      },
      nb::arg("address"), nb::arg("shape"), nb::arg("dtype"), nb::arg("ordinal"), nb::arg("owner"),
      "An object with DLPack over GPU memory that `owner` keeps.");
}

}  // namespace xinfer::python
