// The range of a table's input that its output can still show.
#pragma once

#include <functional>

#include "quant/table.h"

namespace xinfer::passes {

/// The least T <= `threshold` such that a table over [-T, T] loses nothing: clamping any input of
/// [-threshold, threshold] to it moves the output, on the grid `output`, by at most half a step.
/// A SiLU whose output saturates at 12 needs no codes for inputs of 80, and every sigmoid is flat
/// beyond about 6; the codes saved make the table's input step finer. `function` is the table's
/// function in double; `threshold` > 0. Where nothing may be cut the result is `threshold`; where
/// the output never moves it is `threshold` as well.
double useful_table_range(const std::function<double(double)>& function, double threshold,
                          const quant::Encoding& output);

}  // namespace xinfer::passes
