// Scores candidate ranges by the error that they cause at the outputs of the layers behind a value:
// what the `auto` calibrator decides by.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "calibrate/race.h"
#include "core/cpu_isa.h"
#include "core/status.h"
#include "core/thread_pool.h"
#include "ir/graph.h"
#include "lower/lower.h"
#include "xinfer/core/tensor.h"

namespace xinfer::compile {

/// The few samples that scoring runs on: those whose content hashes are least, so that the choice
/// depends on no order, batch size or thread.
class ScoringSamples {
 public:
  explicit ScoringSamples(std::size_t capacity) : capacity_(capacity) {}

  /// Offers one sample: the model's inputs, each with a leading axis of one run. Copies what it
  /// keeps.
  void offer(std::uint64_t hash, const std::vector<Tensor>& inputs);
  /// Kept samples, in the order of their hashes.
  std::vector<std::vector<Tensor>> take() &&;

 private:
  std::size_t capacity_;
  std::multimap<std::uint64_t, std::vector<Tensor>> kept_;
};

/// Thresholds scored for one value: error of each candidate, less is better.
struct ScoredValue {
  bool at_reader = false;  ///< the errors are those of layers that read the value
  std::vector<calibrate::Candidate> candidates;
  std::vector<double> errors;
  std::vector<double> own_errors;  ///< mean squared error of the value itself over the samples
};
using ScoredValues = std::map<std::string, ScoredValue>;

/// For every value that a convolution or a product with constant weights reads, and each of its
/// candidates: the squared error at that layer's output when the value is quantised with the
/// candidate's threshold, relative to the output's energy, the mean over readers and samples. A
/// depthwise convolution mixes no channels and would show only its loudest; there the output is
/// that of the next layer that mixes them, if only functions of one value lie between. Values
/// without such a reader are scored by their own error. `grids` says s8 or u8 per value.
Result<ScoredValues> score_by_output_error(
    const ir::Graph& graph, const lower::SymbolRanges& symbols,
    const std::vector<std::vector<Tensor>>& samples,
    const std::map<std::string, std::vector<calibrate::Candidate>>& candidates,
    const std::map<std::string, DType>& grids, CpuIsa isa, ThreadPool& pool);

}  // namespace xinfer::compile
