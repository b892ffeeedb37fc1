// What a node case's outputs are compared by.
#pragma once

#include "node_cases.h"
#include "xinfer/core/tensor.h"

namespace xinfer {

/// Fails the running test unless shapes and types agree and every element is within the case's
/// tolerance; integers and booleans are equal.
void expect_equal(const Tensor& found, const Tensor& expected, const NodeCase& node_case);

}  // namespace xinfer
