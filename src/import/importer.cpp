#include "import/importer.h"

#include <algorithm>
#include <set>

#include "import/emit.h"
#include "import/node_order.h"
#include "import/registry.h"
#include "import/tensor_proto.h"
#include "import/utf8.h"

namespace xinfer::import {
namespace {

constexpr std::size_t kMaxListedRefusals = 10;

class Importer {
 public:
  Importer(const onnx::ModelProto& model, std::filesystem::path folder,
           const ImportOptions& options, std::vector<std::string>& warnings)
      : model_(model),
        options_(options),
        warnings_(warnings),
        values_(graph_, std::move(folder)),
        state_{graph_, values_, free_batch_, warnings_} {}

  Result<ir::Graph> run();

 private:
  Status read_opset();
  Status define_initializers(const onnx::GraphProto& graph);
  Status define_inputs();
  Status define_input(const onnx::ValueInfoProto& input);
  Result<ir::SymbolicShape> input_shape(const onnx::ValueInfoProto& input);
  Status define_outputs();

  Status import_nodes(const onnx::GraphProto& graph);
  Status import_node(const onnx::NodeProto& node);
  Status convert(NodeContext& node);
  /// Inlines the branch of an If whose condition is known.
  Status inline_if(NodeContext& node);
  Status observe_new_nodes();
  Status refuse(const onnx::NodeProto& node, std::string reason);
  Status refusals() const;

  const onnx::ModelProto& model_;
  const ImportOptions& options_;
  std::vector<std::string>& warnings_;
  ir::Graph graph_;
  KnownValues values_;
  FreeBatch free_batch_;
  ImportState state_;
  std::vector<std::string> refusals_;
  std::size_t observed_ = 0;  ///< nodes of the graph that free_batch_ has seen
};

bool is_default_domain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

Status Importer::read_opset() {
  if (!model_.has_graph()) return invalid_model("the file holds no ONNX graph");
  for (const auto& import : model_.opset_import()) {
    if (!is_default_domain(import.domain())) continue;
    if (import.version() < kOldestOpset || import.version() > kNewestOpset) {
      return unsupported("opset {}; supported: {} to {}", import.version(), kOldestOpset,
                         kNewestOpset);
    }
    state_.opset = static_cast<int>(import.version());
  }
  if (state_.opset == 0) return invalid_model("the model names no opset of the domain ai.onnx");
  graph_.opset = state_.opset;
  if (is_utf8(model_.graph().name())) graph_.name = model_.graph().name();
  return Status();
}

Status Importer::define_initializers(const onnx::GraphProto& graph) {
  for (const auto& sparse : graph.sparse_initializer()) {
    return unsupported("initializer \"{}\" is sparse; supported: dense tensors",
                       sparse.values().name());
  }
  for (const auto& initializer : graph.initializer()) {
    KnownValue value;
    value.initializer = &initializer;
    XINFER_RETURN_IF_ERROR(values_.define(initializer.name(), std::move(value)));
  }
  return Status();
}

Result<ir::SymbolicShape> Importer::input_shape(const onnx::ValueInfoProto& input) {
  if (!input.type().tensor_type().has_shape()) {
    return unsupported("input \"{}\" has no shape; supported: a known number of dimensions",
                       input.name());
  }
  ir::SymbolicShape shape;
  for (const auto& dim : input.type().tensor_type().shape().dim()) {
    if (dim.has_dim_value() && dim.dim_value() != -1) {
      shape.emplace_back(dim.dim_value());
    } else if (!dim.dim_param().empty()) {
      if (!is_utf8(dim.dim_param())) {
        return invalid_model("a dimension of input \"{}\" is named by no UTF-8 text", input.name());
      }
      shape.push_back(ir::Dim::symbol(dim.dim_param()));
    } else {
      shape.push_back(ir::Dim::symbol(fmt::format("{}.{}", input.name(), shape.size())));
    }
  }
  XINFER_RETURN_IF_ERROR(check_extent(input.name(), shape));
  if (!options_.free_batch || shape.empty() || !shape[0].is_constant()) return shape;
  if (shape[0].constant() != 1) {
    return unsupported(
        "input \"{}\" has a fixed first dimension of {}; only a fixed batch of 1 can be made "
        "dynamic",
        input.name(), shape[0].constant());
  }
  shape[0] = ir::Dim::symbol(FreeBatch::kSymbol);
  free_batch_.activate();
  return shape;
}

Status Importer::define_input(const onnx::ValueInfoProto& input) {
  if (values_.find(input.name()) != nullptr) return Status();  // an initializer's declaration
  if (const auto it = options_.constant_inputs.find(input.name());
      it != options_.constant_inputs.end()) {
    KnownValue value;
    value.tensor = it->second;
    return values_.define(input.name(), std::move(value));
  }
  if (!input.type().has_tensor_type()) {
    return unsupported("input \"{}\" is no tensor; supported: tensors", input.name());
  }
  const int onnx_type = input.type().tensor_type().elem_type();
  auto dtype = dtype_of_onnx(onnx_type);
  if (!dtype.ok()) return dtype.status().with_context(fmt::format("input \"{}\"", input.name()));
  if (onnx_type == onnx::TensorProto::FLOAT16 || onnx_type == onnx::TensorProto::BFLOAT16) {
    warnings_.push_back(fmt::format("input \"{}\" is {}; xinfer takes it as float32", input.name(),
                                    onnx_type_name(onnx_type)));
  }
  XINFER_ASSIGN_OR_RETURN(ir::SymbolicShape shape, input_shape(input));
  KnownValue value;
  value.id = graph_.add_input(input.name(), *dtype, std::move(shape));
  return values_.define(input.name(), std::move(value));
}

Status Importer::define_inputs() {
  std::set<std::string> names;
  for (const auto& input : model_.graph().input()) {
    if (input.name().empty()) return invalid_model("a graph input has no name");
    if (!names.insert(input.name()).second) {
      return invalid_model("two graph inputs are named \"{}\"", input.name());
    }
    XINFER_RETURN_IF_ERROR(define_input(input));
  }
  return Status();
}

Status Importer::define_outputs() {
  if (model_.graph().output().empty()) return invalid_model("the graph has no outputs");
  std::set<std::string> names;
  for (const auto& output : model_.graph().output()) {
    if (!names.insert(output.name()).second) {
      return invalid_model("two graph outputs are named \"{}\"", output.name());
    }
    auto value = values_.materialise(output.name());
    if (!value.ok()) return value.status().with_context("graph output");
    XINFER_RETURN_IF_ERROR(free_batch_.check_output(output.name(), graph_.value(*value)));
    graph_.add_output(output.name(), *value);
  }
  return Status();
}

Status Importer::observe_new_nodes() {
  for (; observed_ < graph_.order().size(); ++observed_) {
    XINFER_RETURN_IF_ERROR(free_batch_.observe(graph_, graph_.order()[observed_]));
  }
  return Status();
}

Status Importer::refuse(const onnx::NodeProto& node, std::string reason) {
  if (!reason.empty()) refusals_.push_back(std::move(reason));
  for (const std::string& output : node.output()) {
    if (output.empty() || values_.find(output) != nullptr) continue;
    KnownValue value;
    value.refused = true;
    XINFER_RETURN_IF_ERROR(values_.define(output, std::move(value)));
  }
  return Status();
}

Status Importer::refusals() const {
  if (refusals_.size() == 1) return Status(ErrorCode::kUnsupported, refusals_[0]);
  std::string text = fmt::format("{} nodes are not supported:", refusals_.size());
  for (std::size_t i = 0; i < std::min(refusals_.size(), kMaxListedRefusals); ++i) {
    text += "\n  " + refusals_[i];
  }
  if (refusals_.size() > kMaxListedRefusals) {
    text += fmt::format("\n  and {} more", refusals_.size() - kMaxListedRefusals);
  }
  return Status(ErrorCode::kUnsupported, text);
}

Status Importer::inline_if(NodeContext& node) {
  const SymbolicTensor* condition = node.symbolic(0);
  if (condition == nullptr || condition->elements.size() != 1 || !condition->is_constant()) {
    return node.unsupported("the condition is computed from data; supported: constants");
  }
  const bool taken = condition->elements[0].constant_value() != 0;
  const onnx::GraphProto* branch = node.attributes().graph(taken ? "then_branch" : "else_branch");
  if (branch == nullptr || branch->output_size() != node.proto().output_size()) {
    return node.invalid("the branch that is taken does not give the node's outputs");
  }
  values_.open_scope();
  std::vector<KnownValue> results;
  const Status status = [&]() -> Status {
    XINFER_RETURN_IF_ERROR(define_initializers(*branch));
    XINFER_RETURN_IF_ERROR(import_nodes(*branch));
    for (const auto& output : branch->output()) {
      const KnownValue* result = values_.find(output.name());
      if (result == nullptr) return node.invalid("no node gives \"{}\"", output.name());
      results.push_back(*result);
    }
    return Status();
  }();
  values_.close_scope();
  XINFER_RETURN_IF_ERROR(Status(status));
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string& name = node.proto().output(static_cast<int>(i));
    if (!name.empty()) XINFER_RETURN_IF_ERROR(values_.define(name, std::move(results[i])));
  }
  return Status();
}

Status Importer::convert(NodeContext& node) {
  const onnx::NodeProto& proto = node.proto();
  if (!is_default_domain(proto.domain())) {
    return node.unsupported("domain \"{}\"; supported: ai.onnx", proto.domain());
  }
  if (proto.op_type() == "If") return inline_if(node);
  const OpEntry* op = find_op(proto.op_type(), state_.opset);
  if (op == nullptr) {
    const std::string opsets = opsets_of(proto.op_type());
    if (!opsets.empty()) return node.unsupported("supported for opsets {}", opsets);
    return node.unsupported("no such operator; supported: those of docs/supported-ops.md");
  }
  if (proto.input_size() < op->least_inputs || proto.input_size() > op->most_inputs) {
    return node.invalid("{} inputs; needs {} to {}", proto.input_size(), op->least_inputs,
                        op->most_inputs);
  }
  if (proto.output_size() < 1) return node.invalid("no outputs");
  if (op->fold != nullptr) {
    std::vector<SymbolicTensor> folded = op->fold(node);
    XINFER_RETURN_IF_ERROR(Status(node.attributes().status()));
    if (!folded.empty()) {
      for (std::size_t i = 0; i < folded.size(); ++i) {
        XINFER_RETURN_IF_ERROR(node.known(std::move(folded[i]), i));
      }
      return Status();
    }
  }
  XINFER_RETURN_IF_ERROR(op->handler(node));
  if (!node.attributes().status().ok()) {
    return Status(node.attributes().status()).with_context(node.where());
  }
  for (const std::string& name : node.attributes().unread()) {
    node.warn(fmt::format("attribute \"{}\" is not known and was ignored", name));
  }
  return Status();
}

Status Importer::import_node(const onnx::NodeProto& proto) {
  const bool is_cut_off =
      std::any_of(proto.input().begin(), proto.input().end(), [&](const std::string& name) {
        const KnownValue* value = name.empty() ? nullptr : values_.find(name);
        return value != nullptr && value->refused;
      });
  if (is_cut_off) return refuse(proto, "");
  if (!is_utf8(proto.name()) || !is_utf8(proto.op_type()) || !is_utf8(proto.domain())) {
    return invalid_model("the name, operator or domain of a node is no UTF-8 text");
  }
  NodeContext node(state_, proto);
  Status status = convert(node);
  if (status.ok()) return observe_new_nodes();
  if (status.code() != ErrorCode::kUnsupported) return status;
  return refuse(proto, status.message());
}

Status Importer::import_nodes(const onnx::GraphProto& graph) {
  XINFER_ASSIGN_OR_RETURN(const std::vector<int> order, node_order(graph));
  for (const int index : order) XINFER_RETURN_IF_ERROR(import_node(graph.node(index)));
  return Status();
}

Result<ir::Graph> Importer::run() {
  XINFER_RETURN_IF_ERROR(read_opset());
  XINFER_RETURN_IF_ERROR(define_initializers(model_.graph()));
  XINFER_RETURN_IF_ERROR(define_inputs());
  XINFER_RETURN_IF_ERROR(import_nodes(model_.graph()));
  if (!refusals_.empty()) return refusals();
  XINFER_RETURN_IF_ERROR(define_outputs());
  graph_.remove_dead_nodes();
  return std::move(graph_);
}

}  // namespace

Result<ir::Graph> import_model(const onnx::ModelProto& model, const std::filesystem::path& folder,
                               const ImportOptions& options, std::vector<std::string>& warnings) {
  return Importer(model, folder, options, warnings).run();
}

}  // namespace xinfer::import
