// A progress bar with the time left on a terminal, plain lines elsewhere. Writes to standard error.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "xinfer/builders/engine_builder.h"

namespace xinfer::tools {

class ProgressBar {
 public:
  ProgressBar();
  ~ProgressBar();

  /// `total` 0: not known.
  void update(const std::string& stage, std::int64_t done, std::int64_t total);

 private:
  using Clock = std::chrono::steady_clock;

  void draw(std::int64_t done, std::int64_t total);
  void finish_stage();

  bool terminal_;
  std::string stage_;
  std::int64_t done_ = 0, total_ = 0;
  Clock::time_point start_, drawn_;
};

/// What `step` (a build, a calibration, an export by `builder`) reports. A bar shows its progress;
/// its warnings follow as notes on standard error.
builders::BuildReport with_progress_bar(builders::EngineBuilder& builder,
                                        const std::function<builders::BuildReport()>& step);

}  // namespace xinfer::tools
