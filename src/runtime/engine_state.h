// What Engine and Context share behind the public header.
#pragma once

#include <memory>
#include <vector>

#include "engine/engine_file.h"
#include "xinfer/core/engine.h"

namespace xinfer {

struct Engine::State {
  std::shared_ptr<const engine::EngineFile> file;
  std::vector<BindingInfo> inputs, outputs;
};

}  // namespace xinfer
