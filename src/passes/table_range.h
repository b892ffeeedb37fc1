// The range of a table's input that its output can still show.
#pragma once

#include <algorithm>
#include <functional>

#include "quant/table.h"

namespace xinfer::passes {

/// Inputs [low, high], low < high.
struct TableRange {
  double low = 0;
  double high = 0;

  double center() const { return (low + high) / 2; }
  double half() const { return (high - low) / 2; }
  /// Of the least symmetric range that holds it.
  double threshold() const { return std::max(-low, high); }
};

/// The least range such that a table over it loses nothing: clamping any input of [-threshold,
/// threshold] to it moves the output, on the grid `output`, by at most half a step. A SiLU whose
/// output saturates at 12 needs no codes for inputs of 80, nor for any below -6, and every sigmoid
/// is flat beyond about 6; the codes saved make the table's input step finer. `function` is the
/// table's function in double; `threshold` > 0. Where nothing may be cut, or the output never
/// moves, the result is the whole range.
TableRange useful_table_range(const std::function<double(double)>& function, double threshold,
                              const quant::Encoding& output);

}  // namespace xinfer::passes
