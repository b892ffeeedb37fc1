// Graph to text; text.h shows the form.
#include "ir/quoting.h"
#include "ir/text.h"
#include "ir/text_constants.h"
#include "ir/text_fields.h"

namespace xinfer::ir {
namespace {

/// Constants of up to this many elements are written as numbers where all elements are wanted.
constexpr int kListLimit = 16;

class Printer {
 public:
  Printer(const Graph& graph, int inline_limit) : graph_(graph), inline_limit_(inline_limit) {}

  std::string print() {
    out_ = fmt::format("graph {} opset {} {{\n", quoted(graph_.name), graph_.opset);
    for (ValueId id : graph_.inputs()) {
      out_ += "  input ";
      write_typed(id);
      out_ += '\n';
    }
    write_constants();
    for (NodeId id : graph_.order()) write_node(graph_.node(id));
    for (const GraphOutput& output : graph_.outputs()) {
      out_ += "  output " + quoted(output.name) + " = ";
      write_name(output.value);
      out_ += '\n';
    }
    out_ += "}\n";
    return std::move(out_);
  }

  /// Those that the text leaves out, in its order.
  std::vector<Tensor> take_elided() { return std::move(elided_); }

 private:
  /// Also for graphs that the verifier refuses: they are printed to see why.
  bool is_value(ValueId id) const {
    return id >= 0 && static_cast<std::size_t>(id) < graph_.value_count();
  }

  void write_name(ValueId id) {
    if (id == kNoValue) {
      out_ += '_';
    } else if (!is_value(id)) {
      out_ += fmt::format("%?{}", id);
    } else {
      out_ += '%' + bare_or_quoted(graph_.value(id).name);
    }
  }

  /// "%x: int8[batch, 64] scale 0.05"
  void write_typed(ValueId id) {
    write_name(id);
    if (!is_value(id)) return;
    const Value& value = graph_.value(id);
    out_ += ": ";
    write_field(out_, value.dtype);
    write_field(out_, value.shape);
    if (!value.is_quantized()) return;
    out_ += " scale ";
    write_field(out_, value.scale);
  }

  void write_constants() {
    const std::vector<bool> used = used_values();
    for (std::size_t i = 0; i < graph_.value_count(); ++i) {
      const auto id = static_cast<ValueId>(i);
      if (!used[i] || !graph_.value(id).is_constant()) continue;
      out_ += "  constant ";
      write_typed(id);
      out_ += " = ";
      const bool elide = inline_limit_ >= 0;
      const Tensor& constant = *graph_.value(id).constant;
      if (write_elements(out_, constant, elide ? inline_limit_ : kListLimit, elide)) {
        elided_.push_back(constant);
      }
      out_ += '\n';
    }
  }

  std::vector<bool> used_values() const {
    std::vector<bool> used(graph_.value_count(), false);
    const auto mark = [&](ValueId id) {
      if (is_value(id)) used[static_cast<std::size_t>(id)] = true;
    };
    for (NodeId id : graph_.order()) {
      for (ValueId input : graph_.node(id).inputs) mark(input);
    }
    for (const GraphOutput& output : graph_.outputs()) mark(output.value);
    return used;
  }

  void write_node(const Node& node) {
    out_ += "  ";
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      if (i > 0) out_ += ", ";
      write_typed(node.outputs[i]);
    }
    out_ += fmt::format(" = {}(", op_name(node.op));
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (i > 0) out_ += ", ";
      write_name(node.inputs[i]);
    }
    out_ += ')';
    if (const std::string fields = fields_text(node.op); !fields.empty()) {
      out_ += " {" + fields + '}';
    }
    write_provenance(node);
    out_ += '\n';
  }

  void write_provenance(const Node& node) {
    const bool named_by_output = !node.outputs.empty() && is_value(node.outputs[0]) &&
                                 graph_.value(node.outputs[0]).name == node.name;
    if (!named_by_output) out_ += " node " + quoted(node.name);
    if (node.origins == std::vector{node.name}) return;
    out_ += " from ";
    write_field(out_, node.origins);
  }

  const Graph& graph_;
  const int inline_limit_;
  std::string out_;
  std::vector<Tensor> elided_;
};

}  // namespace

std::string print(const Graph& graph, int inline_limit) {
  return Printer(graph, inline_limit).print();
}

TextAndConstants print_apart(const Graph& graph, int inline_limit) {
  Printer printer(graph, inline_limit);
  std::string text = printer.print();
  return {std::move(text), printer.take_elided()};
}

}  // namespace xinfer::ir
