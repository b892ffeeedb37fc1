// The shapes that an engine promises to take, tried before it is handed out.
#pragma once

#include "xinfer/core/engine.h"

namespace xinfer::compile {

/// Binds the smallest, usual and largest shapes of all inputs for the CPU. Throws the Error of a
/// step that cannot take them, with the shapes: a model may have free dimensions and constants that
/// fit one size alone. Engines without a plan for the CPU are not tried.
void check_shapes(const Engine& engine);

}  // namespace xinfer::compile
