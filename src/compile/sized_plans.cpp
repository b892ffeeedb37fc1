#include "compile/sized_plans.h"

#include <algorithm>
#include <utility>

#include "compile/cuda_plan.h"
#include "compile/devices.h"
#include "compile/profiles.h"
#include "compile/stored_graph.h"
#include "ir/fix_symbols.h"

namespace xinfer::compile {
namespace {

namespace fb = engine::fb;
using runtime::PlanSizes;

/// The sizes that input shape `shape` gives; the usual ones where it says nothing.
Result<PlanSizes> sizes_of_shape(const ir::Graph& graph, const lower::SymbolRanges& ranges,
                                 const std::string& name, const Shape& shape) {
  const auto input = std::ranges::find_if(
      graph.inputs(), [&](ir::ValueId id) { return graph.value(id).name == name; });
  if (input == graph.inputs().end()) {
    return invalid_argument("a shape names input \"{}\", which the model does not have", name);
  }
  const ir::SymbolicShape& dims = graph.value(*input).shape;
  if (shape.size() != dims.size()) {
    return invalid_argument("shape {} of input \"{}\": the model's is {}", to_string(shape), name,
                            ir::to_string(dims));
  }
  PlanSizes sizes;
  for (const auto& [symbol, range] : ranges) sizes[symbol] = range.opt;
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    const auto range = ranges.find(dims[axis].symbol_name());
    if (range == ranges.end()) {
      if (!dims[axis].is_constant() || dims[axis].constant() == shape[axis]) continue;
      return invalid_argument("shape {} of input \"{}\": the model's is {}", to_string(shape), name,
                              ir::to_string(dims));
    }
    if (shape[axis] < range->second.min || shape[axis] > range->second.max) {
      return invalid_argument("shape {} of input \"{}\": dimension {} goes from {} to {}",
                              to_string(shape), name, axis, range->second.min, range->second.max);
    }
    sizes[range->first] = shape[axis];
  }
  return sizes;
}

/// What is left of the ranges once `sizes` are constants.
lower::SymbolRanges without(lower::SymbolRanges symbols, const PlanSizes& sizes) {
  for (const auto& [name, size] : sizes) symbols.erase(name);
  return symbols;
}

}  // namespace

lower::SymbolRanges ranges_beside_batch(const ir::Graph& graph,
                                        const lower::SymbolRanges& symbols) {
  lower::SymbolRanges ranges = symbols;
  for (const std::string& batch : batch_symbols(graph)) ranges.erase(batch);
  return ranges;
}

Result<std::vector<PlanSizes>> plan_sizes(
    const ir::Graph& graph, const lower::SymbolRanges& symbols,
    const std::vector<std::pair<std::string, Shape>>& shapes) {
  const lower::SymbolRanges ranges = ranges_beside_batch(graph, symbols);
  std::vector<PlanSizes> all;
  const auto add = [&](PlanSizes sizes) {
    if (!sizes.empty() && std::ranges::find(all, sizes) == all.end()) {
      all.push_back(std::move(sizes));
    }
  };
  for (const auto member :
       {&lower::SymbolRange::opt, &lower::SymbolRange::min, &lower::SymbolRange::max}) {
    PlanSizes sizes;
    for (const auto& [symbol, range] : ranges) sizes[symbol] = range.*member;
    add(std::move(sizes));
  }
  for (const auto& [input, shape] : shapes) {
    XINFER_ASSIGN_OR_RETURN(PlanSizes sizes, sizes_of_shape(graph, ranges, input, shape));
    add(std::move(sizes));
  }
  return all;
}

Status add_cuda_plans(const ir::Graph& graph, const lower::SymbolRanges& symbols,
                      const CudaBuild& target, const std::vector<PlanSizes>& sizes,
                      engine::BlobWriter& blobs, fb::EngineT& details) {
  if (sizes.empty()) {
    XINFER_ASSIGN_OR_RETURN(auto plan, make_cuda_plan(graph, symbols, target, blobs));
    details.plans.push_back(std::move(plan));
    return Status();
  }
  for (const PlanSizes& one : sizes) {
    ir::Graph fixed = graph;
    XINFER_RETURN_IF_ERROR(ir::fix_symbols(fixed, one));
    XINFER_ASSIGN_OR_RETURN(auto plan, make_cuda_plan(fixed, without(symbols, one), target, blobs));
    for (const auto& [name, size] : one) {
      auto range = std::make_unique<fb::SymbolRangeT>();
      range->name = name;
      range->min = range->opt = range->max = size;
      plan->sizes.push_back(std::move(range));
    }
    details.plans.push_back(std::move(plan));
  }
  return Status();
}

void attach_graph(const ir::Graph& graph, const EngineTargets& targets, engine::BlobWriter& blobs,
                  fb::EngineT& details) {
  StoredGraph stored{graph, targets.cuda[0].precisions, targets.cuda_backend};
  const std::string bytes = write_stored_graph(stored);
  auto attachment = std::make_unique<fb::AttachmentT>();
  attachment->name = kStoredGraph;
  attachment->content = blobs.add(std::as_bytes(std::span(bytes)));
  details.attachments.push_back(std::move(attachment));
}

Result<std::string> make_missing_plan(const engine::EngineFile& file, const std::string& target,
                                      const PlanSizes& sizes) {
  const fb::Attachment* attachment = engine::find_attachment(file, kStoredGraph);
  if (attachment == nullptr) return unsupported("the engine does not carry its graph");
  const fb::Blob& blob = *attachment->content();
  XINFER_ASSIGN_OR_RETURN(StoredGraph stored, read_stored_graph({file.blob(blob), blob.size()}));
  XINFER_RETURN_IF_ERROR(ir::fix_symbols(stored.graph, sizes));
  lower::SymbolRanges symbols;
  for (const fb::SymbolRange* range : *file.engine().symbols()) {
    if (range->name() == nullptr) continue;
    symbols[range->name()->str()] = {range->min(), range->opt(), range->max()};
  }
  XINFER_ASSIGN_OR_RETURN(EngineTargets targets, parse_targets(target, stored.backend));
  for (CudaBuild& build : targets.cuda) {
    build.cubin_folder = default_cubin_folder();
    build.precisions = stored.precisions;
    build.tune_on = -1;
  }
  fb::EngineT details;
  if (file.engine().model() != nullptr) details.model = file.engine().model()->str();
  return make_engine_bytes(stored.graph, without(std::move(symbols), sizes), std::move(details),
                           targets);
}

}  // namespace xinfer::compile
