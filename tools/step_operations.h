// The operations of every step of an engine, counted where they are done.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "xinfer/core/engine.h"

namespace xinfer::tools {

/// Operations, two a multiply-accumulate, of every step of the plan for `target` at a batch: those
/// of the nodes it computes.
std::vector<double> step_operations(const Engine& engine, const std::string& target,
                                    std::int64_t batch);

/// Counts the operations of steps that are left out to the step that does their work.
void count_where_done(std::span<const StepProfile> steps, std::span<double> operations);

}  // namespace xinfer::tools
