#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

namespace xinfer::tools {
namespace {

constexpr int kBarWidth = 30;
constexpr auto kRedrawInterval = std::chrono::milliseconds(100);

double seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

ProgressBar::ProgressBar() : terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (!stage_.empty()) finish_stage();
}

void ProgressBar::update(const std::string& stage, std::int64_t done, std::int64_t total) {
  const Clock::time_point now = Clock::now();
  if (stage != stage_) {
    if (!stage_.empty()) finish_stage();
    stage_ = stage;
    start_ = now;
    drawn_ = {};
  }
  done_ = done;
  total_ = total;
  if (terminal_ && (now - drawn_ >= kRedrawInterval || done == total)) {
    drawn_ = now;
    draw(done, total);
  }
}

void ProgressBar::draw(std::int64_t done, std::int64_t total) {
  const double elapsed = seconds(Clock::now() - start_);
  if (total <= 0) {
    fmt::print(stderr, "\r\033[K{:<10} {} in {:.1f} s", stage_, done, elapsed);
  } else {
    const auto filled = static_cast<std::size_t>(kBarWidth * done / total);
    const std::string bar = std::string(filled, '#') + std::string(kBarWidth - filled, '.');
    const std::string left =
        done > 0 && done < total
            ? fmt::format(", {:.0f} s left",
                          elapsed / static_cast<double>(done) * static_cast<double>(total - done))
            : "";
    fmt::print(stderr, "\r\033[K{:<10} [{}] {}/{} {:.1f} s{}", stage_, bar, done, total, elapsed,
               left);
  }
  std::fflush(stderr);
}

void ProgressBar::finish_stage() {
  if (terminal_) {
    draw(done_, total_);
    fmt::print(stderr, "\n");
  } else {
    fmt::print(stderr, "{}: {} in {:.1f} s\n", stage_, done_, seconds(Clock::now() - start_));
  }
  stage_.clear();
}

builders::BuildReport with_progress_bar(builders::EngineBuilder& builder,
                                        const std::function<builders::BuildReport()>& step) {
  builders::BuildReport report;
  {
    ProgressBar bar;
    builder.with_progress([&](const builders::BuildProgress& progress) {
      bar.update(progress.stage, progress.done, progress.total);
    });
    report = step();
    builder.with_progress({});
  }
  for (const std::string& warning : report.warnings) fmt::print(stderr, "note: {}\n", warning);
  return report;
}

}  // namespace xinfer::tools
