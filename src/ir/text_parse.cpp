// Text to graph; text.h shows the form.
#include "ir/text.h"
#include "ir/text_constants.h"
#include "ir/text_cursor.h"
#include "ir/text_fields.h"

namespace xinfer::ir {
namespace {

/// "%x: int8[batch, 64] scale 0.05"
struct TypedName {
  std::string name;  ///< empty: "_", no value
  DType dtype = DType::kFloat32;
  SymbolicShape shape;
  float scale = 0;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}
  Parser(std::string_view text, std::span<const std::string_view> elided)
      : text_(text), elided_(elided), takes_elided_(true) {}

  Result<Graph> parse() {
    XINFER_RETURN_IF_ERROR(header());
    while (!text_.take('}')) XINFER_RETURN_IF_ERROR(statement());
    if (!text_.at_end()) return text_.unexpected("nothing behind the closing brace");
    if (!elided_.empty()) return text_.error("fewer constants are elided than there are bytes of");
    return std::move(graph_);
  }

 private:
  Status header() {
    XINFER_RETURN_IF_ERROR(text_.expect_word("graph"));
    XINFER_ASSIGN_OR_RETURN(graph_.name, text_.quoted_text());
    XINFER_RETURN_IF_ERROR(text_.expect_word("opset"));
    XINFER_ASSIGN_OR_RETURN(graph_.opset, text_.number<int>());
    return text_.expect('{');
  }

  Status statement() {
    const char next = text_.peek();
    if (next == '%' || next == '_') return node();
    if (text_.take_word("input")) return input();
    if (text_.take_word("constant")) return constant();
    if (text_.take_word("output")) return output();
    return text_.unexpected("input, constant, output, a value or '}'");
  }

  Result<TypedName> typed_name() {
    TypedName typed;
    if (text_.take('_')) return typed;
    XINFER_ASSIGN_OR_RETURN(typed.name, text_.value_name());
    if (typed.name.empty()) return text_.error("a value needs a name");
    if (graph_.find_value(typed.name) != kNoValue) {
      return text_.error(fmt::format("value \"{}\" is defined a second time", typed.name));
    }
    XINFER_RETURN_IF_ERROR(text_.expect(':'));
    XINFER_RETURN_IF_ERROR(read_field(text_, typed.dtype));
    XINFER_RETURN_IF_ERROR(read_field(text_, typed.shape));
    if (text_.take_word("scale")) XINFER_RETURN_IF_ERROR(read_field(text_, typed.scale));
    return typed;
  }

  void set_type(ValueId id, const TypedName& typed) {
    Value& value = graph_.value(id);
    value.dtype = typed.dtype;
    value.shape = typed.shape;
    value.scale = typed.scale;
  }

  Status input() {
    XINFER_ASSIGN_OR_RETURN(const TypedName typed, typed_name());
    if (typed.name.empty()) return text_.error("a graph input needs a name");
    set_type(graph_.add_input(typed.name, typed.dtype, typed.shape), typed);
    return {};
  }

  Status constant() {
    XINFER_ASSIGN_OR_RETURN(const TypedName typed, typed_name());
    if (typed.name.empty()) return text_.error("a constant needs a name");
    Shape shape;
    for (const Dim& dim : typed.shape) {
      if (!dim.is_constant()) {
        return text_.error(fmt::format("constant \"{}\" has the symbolic dimension {}", typed.name,
                                       dim.to_string()));
      }
      shape.push_back(dim.constant());
    }
    XINFER_RETURN_IF_ERROR(text_.expect('='));
    XINFER_ASSIGN_OR_RETURN(Tensor tensor, elements(typed.dtype, shape));
    set_type(graph_.add_constant(typed.name, std::move(tensor)), typed);
    return {};
  }

  Result<Tensor> elements(DType dtype, const Shape& shape) {
    if (!takes_elided_ || !text_.take_word("elided")) return read_elements(text_, dtype, shape);
    if (elided_.empty()) return text_.error("more constants are elided than there are bytes of");
    const std::string_view bytes = elided_.front();
    elided_ = elided_.subspan(1);
    return read_elided_elements(text_, dtype, shape, bytes);
  }

  Result<ValueId> operand() {
    if (text_.take('_')) return kNoValue;
    XINFER_ASSIGN_OR_RETURN(const std::string name, text_.value_name());
    const ValueId id = graph_.find_value(name);
    if (id == kNoValue) return text_.error(fmt::format("value \"{}\" is not defined yet", name));
    return id;
  }

  Status output() {
    XINFER_ASSIGN_OR_RETURN(const std::string name, text_.quoted_text());
    XINFER_RETURN_IF_ERROR(text_.expect('='));
    XINFER_ASSIGN_OR_RETURN(const ValueId value, operand());
    if (value == kNoValue) return text_.error("a graph output needs a value");
    graph_.add_output(name, value);
    return {};
  }

  Status node() {
    std::vector<TypedName> results;
    do {
      XINFER_ASSIGN_OR_RETURN(TypedName typed, typed_name());
      for (const TypedName& other : results) {
        if (!typed.name.empty() && other.name == typed.name) {
          return text_.error(fmt::format("value \"{}\" is defined a second time", typed.name));
        }
      }
      results.push_back(std::move(typed));
    } while (text_.take(','));
    XINFER_RETURN_IF_ERROR(text_.expect('='));
    XINFER_ASSIGN_OR_RETURN(Op op, make_op(text_, text_.word()));
    XINFER_ASSIGN_OR_RETURN(std::vector<ValueId> inputs, operands());
    if (text_.peek() == '{') XINFER_RETURN_IF_ERROR(read_fields(text_, op));
    return finish_node(std::move(op), std::move(inputs), results);
  }

  Result<std::vector<ValueId>> operands() {
    XINFER_RETURN_IF_ERROR(text_.expect('('));
    std::vector<ValueId> inputs;
    if (text_.take(')')) return inputs;
    do {
      XINFER_ASSIGN_OR_RETURN(const ValueId input, operand());
      inputs.push_back(input);
    } while (text_.take(','));
    XINFER_RETURN_IF_ERROR(text_.expect(')'));
    return inputs;
  }

  /// The node's name and origins, then the node itself.
  Status finish_node(Op op, std::vector<ValueId> inputs, const std::vector<TypedName>& results) {
    std::string name = results[0].name;
    if (text_.take_word("node")) {
      XINFER_ASSIGN_OR_RETURN(name, text_.quoted_text());
    }
    if (name.empty()) return text_.error("a node without a first output needs a name");
    if (graph_.find_node(name) != kNoNode) {
      return text_.error(fmt::format("node \"{}\" is defined a second time", name));
    }
    std::vector<std::string> origins = {name};
    if (text_.take_word("from")) XINFER_RETURN_IF_ERROR(read_field(text_, origins));
    std::vector<std::string> names;
    for (const TypedName& typed : results) names.push_back(typed.name);
    const NodeId id = graph_.add_node(name, std::move(op), std::move(inputs), std::move(names));
    graph_.node(id).origins = std::move(origins);
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!results[i].name.empty()) set_type(graph_.node(id).outputs[i], results[i]);
    }
    return {};
  }

  TextCursor text_;
  std::span<const std::string_view> elided_;  ///< bytes of elided constants that are to come
  bool takes_elided_ = false;
  Graph graph_;
};

}  // namespace

Result<Graph> parse(std::string_view text) { return Parser(text).parse(); }

Result<Graph> parse_apart(std::string_view text, std::span<const std::string_view> constants) {
  return Parser(text, constants).parse();
}

}  // namespace xinfer::ir
