#include "runtime/executor.h"

#include <algorithm>

#include "runtime/cuda/cuda_program.h"
#include "runtime/cuda/sized_program.h"
#include "runtime/program.h"

namespace xinfer::runtime {

const engine::fb::Plan* find_plan(const engine::EngineFile& file, const std::string& target) {
  for (const engine::fb::Plan* plan : *file.engine().plans()) {
    if (plan->target()->str() == target) return plan;
  }
  return nullptr;
}

std::vector<std::string> targets_of(const engine::EngineFile& file) {
  std::vector<std::string> targets;
  for (const engine::fb::Plan* plan : *file.engine().plans()) {
    const std::string target = plan->target()->str();
    if (std::find(targets.begin(), targets.end(), target) == targets.end()) {
      targets.push_back(target);
    }
  }
  return targets;
}

std::string targets_text(const engine::EngineFile& file) {
  std::string held;
  for (const std::string& target : targets_of(file)) {
    held += (held.empty() ? "" : ", ") + target;
  }
  return held;
}

Result<std::unique_ptr<Executor>> make_executor(std::shared_ptr<const engine::EngineFile> file,
                                                const ExecutorOptions& options) {
  const bool has_cpu = find_plan(*file, "cpu") != nullptr;
  if (options.device.kind == Device::Kind::kCpu ||
      (options.device.kind == Device::Kind::kAuto && has_cpu)) {
    XINFER_ASSIGN_OR_RETURN(auto program,
                            Program::create(std::move(file), {options.isa, options.threads}));
    return std::unique_ptr<Executor>(std::move(program));
  }
  if (has_sized_plans(*file)) {
    XINFER_ASSIGN_OR_RETURN(auto program,
                            SizedProgram::create(std::move(file), options.device.ordinal));
    return std::unique_ptr<Executor>(std::move(program));
  }
  XINFER_ASSIGN_OR_RETURN(auto program,
                          CudaProgram::create(std::move(file), {options.device.ordinal}));
  return std::unique_ptr<Executor>(std::move(program));
}

}  // namespace xinfer::runtime
