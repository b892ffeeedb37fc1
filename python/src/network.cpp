// Network: built layer by layer, or read from a model.
#include "xinfer/builders/network.h"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "arrays.h"
#include "describe.h"
#include "module.h"

namespace xinfer::python {
namespace {

using builders::Network;
using builders::NetworkValue;
using builders::Precision;
using builders::WindowOptions;
using Numbers = std::vector<std::int64_t>;

/// Values cross as their numbers; -1 is an absent operand.
NetworkValue value(std::int32_t id) { return {id}; }

WindowOptions window_of(Numbers kernel, Numbers strides, Numbers dilations, Numbers pads_begin,
                        Numbers pads_end) {
  WindowOptions window;
  window.kernel = std::move(kernel);
  window.strides = std::move(strides);
  window.dilations = std::move(dilations);
  window.pads_begin = std::move(pads_begin);
  window.pads_end = std::move(pads_end);
  return window;
}

Precision parse_precision(const std::string& name) {
  return name == "int8" ? Precision::kInt8 : name == "fp16" ? Precision::kFp16 : Precision::kFp32;
}

const char* name_of(Precision precision) {
  return precision == Precision::kInt8 ? "int8" : precision == Precision::kFp16 ? "fp16" : "fp32";
}

nb::list nodes_to_list(const std::vector<builders::NodeInfo>& nodes) {
  nb::list list;
  for (const builders::NodeInfo& node : nodes) {
    nb::dict entry;
    entry["name"] = node.name.c_str();
    entry["op"] = node.op.c_str();
    entry["inputs"] = nb::tuple(describe(node.inputs));
    entry["outputs"] = nb::tuple(describe(node.outputs));
    entry["output_type"] = node.output_type.c_str();
    list.append(entry);
  }
  return list;
}

nb::object parsed(Network network, const std::vector<std::string>& warnings) {
  return nb::make_tuple(nb::cast(std::move(network)), nb::tuple(describe(warnings)));
}

nb::object from_bytes(const nb::bytes& model) {
  std::vector<std::string> warnings;
  Network network = Network::from_onnx(
      std::span(static_cast<const std::byte*>(model.data()), model.size()), &warnings);
  return parsed(std::move(network), warnings);
}

nb::object from_path(const std::filesystem::path& path) {
  std::vector<std::string> warnings;
  Network network = Network::from_onnx(path, &warnings);
  return parsed(std::move(network), warnings);
}

void bind_layers(nb::class_<Network>& network) {
  network
      .def("add_convolution",
           [](Network& self, int x, int weights, int bias, Numbers strides, Numbers dilations,
              Numbers pads_begin, Numbers pads_end, std::int64_t groups, const std::string& name) {
             WindowOptions window = window_of({}, std::move(strides), std::move(dilations),
                                              std::move(pads_begin), std::move(pads_end));
             window.groups = groups;
             return self.add_convolution(value(x), value(weights), value(bias), window, name).id;
           })
      .def("add_pooling",
           [](Network& self, const std::string& kind, int x, Numbers kernel, Numbers strides,
              Numbers pads_begin, Numbers pads_end, bool ceil_mode, bool count_include_pad,
              const std::string& name) {
             WindowOptions window = window_of(std::move(kernel), std::move(strides), {},
                                              std::move(pads_begin), std::move(pads_end));
             window.ceil_mode = ceil_mode;
             window.count_include_pad = count_include_pad;
             return self.add_pooling(kind, value(x), window, name).id;
           })
      .def("add_matrix_product",
           [](Network& self, int a, int b, int bias, bool transpose_a, bool transpose_b,
              const std::string& name) {
             return self
                 .add_matrix_product(value(a), value(b), value(bias), transpose_a, transpose_b,
                                     name)
                 .id;
           })
      .def("add_unary",
           [](Network& self, const std::string& function, int x, double alpha, double beta,
              const std::string& name) {
             return self.add_unary(function, value(x), alpha, beta, name).id;
           })
      .def("add_binary",
           [](Network& self, const std::string& function, int a, int b, const std::string& name) {
             return self.add_binary(function, value(a), value(b), name).id;
           })
      .def("add_clip",
           [](Network& self, int x, double low, double high, const std::string& name) {
             return self.add_clip(value(x), low, high, name).id;
           })
      .def("add_select",
           [](Network& self, int condition, int x, int y, const std::string& name) {
             return self.add_select(value(condition), value(x), value(y), name).id;
           })
      .def("add_cast",
           [](Network& self, int x, const std::string& dtype, const std::string& name) {
             return self.add_cast(value(x), parse_dtype(dtype), name).id;
           })
      .def("add_reduce",
           [](Network& self, const std::string& kind, int x, Numbers axes, bool keep_dims,
              const std::string& name) {
             return self.add_reduce(kind, value(x), std::move(axes), keep_dims, name).id;
           })
      .def("add_arg_reduce",
           [](Network& self, bool largest, int x, std::int64_t axis, bool keep_dims,
              const std::string& name) {
             return self.add_arg_reduce(largest, value(x), axis, keep_dims, name).id;
           })
      .def("add_softmax",
           [](Network& self, int x, std::int64_t axis, bool log, const std::string& name) {
             return self.add_softmax(value(x), axis, log, name).id;
           })
      .def("add_batch_norm",
           [](Network& self, int x, int scale, int bias, int mean, int variance, double epsilon,
              const std::string& name) {
             return self
                 .add_batch_norm(value(x), value(scale), value(bias), value(mean), value(variance),
                                 epsilon, name)
                 .id;
           })
      .def(
          "add_layer_norm",
          [](Network& self, int x, int scale, int bias, std::int64_t axis, double epsilon,
             const std::string& name) {
            return self.add_layer_norm(value(x), value(scale), value(bias), axis, epsilon, name).id;
          })
      .def("add_transpose",
           [](Network& self, int x, Numbers permutation, const std::string& name) {
             return self.add_transpose(value(x), std::move(permutation), name).id;
           })
      .def("add_reshape",
           [](Network& self, int x, const Numbers& target, const std::string& name) {
             return self.add_reshape(value(x), target, name).id;
           })
      .def("add_slice",
           [](Network& self, int x, const Numbers& start, const Numbers& end, const Numbers& step,
              const std::string& name) {
             return self.add_slice(value(x), start, end, step, name).id;
           })
      .def("add_concat",
           [](Network& self, const std::vector<std::int32_t>& inputs, std::int64_t axis,
              const std::string& name) {
             std::vector<NetworkValue> values;
             for (std::int32_t id : inputs) values.push_back(value(id));
             return self.add_concat(values, axis, name).id;
           })
      .def("add_pad",
           [](Network& self, int x, Numbers begin, Numbers end, const std::string& mode,
              double fill, const std::string& name) {
             return self.add_pad(value(x), std::move(begin), std::move(end), mode, fill, name).id;
           })
      .def("add_gather",
           [](Network& self, int data, int indices, std::int64_t axis, const std::string& name) {
             return self.add_gather(value(data), value(indices), axis, name).id;
           })
      .def("add_expand",
           [](Network& self, int x, const Numbers& shape, const std::string& name) {
             return self.add_expand(value(x), shape, name).id;
           })
      .def("add_resize",
           [](Network& self, int x, const std::string& mode, const std::string& coordinates,
              const std::string& nearest_mode, const std::vector<double>& scales, Numbers size,
              double cubic_coefficient, bool exclude_outside, const std::string& name) {
             builders::ResizeOptions options;
             options.mode = mode;
             options.coordinates = coordinates;
             options.nearest_mode = nearest_mode;
             options.scales = scales;
             options.size = std::move(size);
             options.cubic_coefficient = cubic_coefficient;
             options.exclude_outside = exclude_outside;
             return self.add_resize(value(x), options, name).id;
           })
      .def("add_shape", [](Network& self, int x,
                           const std::string& name) { return self.add_shape(value(x), name).id; })
      .def("add_quantize",
           [](Network& self, int x, float scale, const std::string& name) {
             return self.add_quantize(value(x), scale, DType::kInt8, name).id;
           })
      .def("add_dequantize", [](Network& self, int x, const std::string& name) {
        return self.add_dequantize(value(x), name).id;
      });
}

}  // namespace

void bind_network(nb::module_& module) {
  nb::class_<Network> network(module, "Network",
                              "Layers, values and demands; a value is a number.");
  network.def(nb::init<std::string>(), nb::arg("name") = "network")
      .def_static("from_bytes", &from_bytes, nb::arg("model"), "The network and warnings.")
      .def_static("from_path", &from_path, nb::arg("path"), "The network and warnings.")
      .def("copy", [](const Network& self) { return Network(self); })
      .def("add_input",
           [](Network& self, const std::string& name, const std::string& dtype,
              const std::vector<std::string>& dims) {
             return self.add_input(name, parse_dtype(dtype), dims).id;
           })
      .def("add_constant",
           [](Network& self, nb::handle array, const std::string& name) {
             const std::string what = "constant \"" + name + "\"";
             return self.add_constant(adopt(to_array(array, what), what), name).id;
           })
      .def("mark_output", [](Network& self, int id,
                             const std::string& name) { self.mark_output(value(id), name); })
      .def("unmark_output", [](Network& self, int id) { self.unmark_output(value(id)); })
      .def("output_value",
           [](const Network& self, std::size_t number) { return self.output_value(number).id; })
      .def("name", &Network::name)
      .def("find_value",
           [](const Network& self, const std::string& name) { return self.find_value(name).id; })
      .def("name_of", [](const Network& self, int id) { return self.name_of(value(id)); })
      .def("dtype_of",
           [](const Network& self, int id) { return to_string(self.dtype_of(value(id))); })
      .def("scale_of", [](const Network& self, int id) { return self.scale_of(value(id)); })
      .def("dims_of", [](const Network& self, int id) { return self.dims_of(value(id)); })
      .def("constant_of",
           [](const Network& self, int id) -> nb::object {
             Tensor tensor = self.constant_of(value(id));
             return tensor.empty() ? nb::none() : to_numpy(std::move(tensor));
           })
      .def("constants", &Network::constants)
      .def("set_constant",
           [](Network& self, int id, nb::handle array) {
             const std::string what = "constant \"" + self.name_of(value(id)) + "\"";
             self.set_constant(value(id), adopt(to_array(array, what), what));
           })
      .def("rename_value", [](Network& self, int id,
                              const std::string& name) { self.rename_value(value(id), name); })
      .def("inputs", [](const Network& self) { return describe(self.inputs()); })
      .def("outputs", [](const Network& self) { return describe(self.outputs()); })
      .def("layers", [](const Network& self) { return nodes_to_list(self.layers()); })
      .def("set_precision",
           [](Network& self, const std::string& layer, const std::string& precision,
              bool required) { self.set_precision(layer, parse_precision(precision), required); })
      .def("precisions",
           [](const Network& self) {
             nb::list list;
             for (const builders::LayerPrecision& entry : self.precisions()) {
               list.append(nb::make_tuple(entry.layer, name_of(entry.precision), entry.required));
             }
             return list;
           })
      .def("set_input", [](Network& self, const std::string& layer, std::size_t index,
                           int id) { self.set_input(layer, index, value(id)); })
      .def("to_text", &Network::to_text)
      .def_static(
          "from_text", [](const std::string& text) { return Network::from_text(text); },
          nb::arg("text"))
      .def("set_range", &Network::set_range)
      .def("ranges", [](const Network& self) {
        nb::list list;
        for (const auto& [name, range] : self.ranges()) {
          list.append(nb::make_tuple(name.c_str(), range.second));
        }
        return list;
      });
  bind_layers(network);
}

}  // namespace xinfer::python
