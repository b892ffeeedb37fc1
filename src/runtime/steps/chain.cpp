// Chains of convolutions: kernels/chain.
#include "runtime/steps/chain.h"

#include "kernels/chain/chain.h"
#include "runtime/executor.h"
#include "runtime/steps/conv_operands.h"

namespace xinfer::runtime {
namespace {

using kernels::Chain;
using kernels::ChainLayer;

/// A convolution of the plan as it is bound now.
Result<ChainLayer> make_layer(const StepSource& source) {
  const fb::Conv* params = source.step.params_as_Conv();
  if (params == nullptr) return misfit("a chain of something else than convolutions");
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  ChainLayer layer;
  XINFER_ASSIGN_OR_RETURN(layer.shape, conv_shape(*params, *source.input(0), *source.output()));
  layer.type = static_cast<kernels::ConvType>(params->type());
  const ConvOperands operands{.weights = params->weights(),
                              .epilogue = params->epilogue(),
                              .out_channels = layer.shape.out_channels,
                              .type = layer.type};
  XINFER_RETURN_IF_ERROR(check_weights(source, layer.shape, operands, params->depthwise()));
  XINFER_ASSIGN_OR_RETURN(layer.arguments, make_arguments(source, operands));
  return layer;
}

/// An expansion, a depthwise convolution and perhaps a projection.
Result<Chain> make_layers(const std::vector<StepSource>& sources) {
  if (sources.size() > 3) return misfit("a chain that is too long");
  std::vector<ChainLayer> layers;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    XINFER_ASSIGN_OR_RETURN(ChainLayer layer, make_layer(sources[i]));
    layers.push_back(std::move(layer));
    if (sources[i].step.params_as_Conv()->depthwise() != (i == 1)) {
      return misfit("a chain without its depthwise convolution");
    }
    if (i > 0 && sources[i].input(0) != sources[i - 1].output()) {
      return misfit("a chain of steps that do not follow one another");
    }
  }
  Chain chain{layers[0], layers[1], {}};
  if (layers.size() > 2) chain.project = layers[2];
  return chain;
}

class ChainStep final : public Step {
 public:
  ChainStep(std::vector<StepSource> sources, std::unique_ptr<kernels::Convolution> chain)
      : sources_(std::move(sources)), chain_(std::move(chain)) {}

  Status run(ThreadPool& pool) override {
    chain_->run(pool);
    return {};
  }
  const char* kernel() const override { return chain_->name(); }
  bool holds_addresses() const override { return true; }
  Result<bool> rebind(const StepSource& /*source*/) override {
    XINFER_ASSIGN_OR_RETURN(const ChainLayer first, make_layer(sources_.front()));
    XINFER_ASSIGN_OR_RETURN(ChainLayer last, make_layer(sources_.back()));
    last.arguments.x = first.arguments.x;
    // Making the step again says what is wrong with null.
    if (last.arguments.x == nullptr || last.arguments.y == nullptr) return false;
    return chain_->rebind(last.arguments);
  }

 private:
  std::vector<StepSource> sources_;
  std::unique_ptr<kernels::Convolution> chain_;
};

class ChainedStep final : public Step {
 public:
  Status run(ThreadPool& /*pool*/) override { return {}; }
  const char* kernel() const override { return kLaterStep; }
};

}  // namespace

Result<std::unique_ptr<Step>> make_chain_step(const std::vector<StepSource>& sources) {
  XINFER_ASSIGN_OR_RETURN(const Chain layers, make_layers(sources));
  const StepSource& source = sources.front();
  if (!kernels::is_worth_chaining(layers, source.isa, source.threads)) {
    return std::unique_ptr<Step>();
  }
  XINFER_ASSIGN_OR_RETURN(auto chain, kernels::make_chain(layers, source.isa, source.threads));
  return std::unique_ptr<Step>(std::make_unique<ChainStep>(sources, std::move(chain)));
}

std::unique_ptr<Step> make_chained_step() { return std::make_unique<ChainedStep>(); }

}  // namespace xinfer::runtime
