#include "step_operations.h"

#include <map>
#include <utility>

namespace xinfer::tools {

std::vector<double> step_operations(const Engine& engine, const std::string& target,
                                    std::int64_t batch) {
  std::map<std::string, std::int64_t> macs;
  for (const LayerInfo& layer : engine.layers()) macs[layer.name] = layer.macs;
  std::vector<double> operations;
  for (const StepInfo& step : engine.steps(target)) {
    double sum = 0;
    for (const std::string& origin : step.origins) {
      const auto it = macs.find(origin);
      if (it != macs.end()) sum += 2.0 * static_cast<double>(it->second * batch);
    }
    operations.push_back(sum);
  }
  return operations;
}

void count_where_done(std::span<const StepProfile> steps, std::span<double> operations) {
  double carried = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].left_out) {
      carried += std::exchange(operations[i], 0);
    } else {
      operations[i] += std::exchange(carried, 0);
    }
  }
}

}  // namespace xinfer::tools
