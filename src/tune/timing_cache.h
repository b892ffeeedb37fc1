// Which kernel was fastest where: measured once, kept in a file, merged by reading several.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "core/status.h"

namespace xinfer::tune {

/// One decision: the fastest of a launch's candidates on a device at a batch.
struct Timing {
  std::string tactic;
  double microseconds = 0;
};

/// Decisions by device ("NVIDIA H200"), architecture ("sm_90a") and key (candidate_key).
class TimingCache {
 public:
  /// What the file holds; nothing if there is no such file. Fails with io_error or, if it is no
  /// timing cache, invalid_argument.
  static Result<TimingCache> load(const std::filesystem::path& path);
  /// The same from a file's text; `origin` is what an error calls it.
  static Result<TimingCache> parse(std::string_view text, const std::string& origin);
  /// Adds what the file holds by now, then writes it whole or not at all; returns what was written.
  /// The file's decisions win: of builds that timed the same launch beside each other the first
  /// one's stays, and the others repeat it. None is lost where several processes save at a time.
  Result<TimingCache> save(const std::filesystem::path& path) const;
  /// Whether what both have decided is the same.
  bool agrees_with(const TimingCache& other) const;

  /// An empty `device` takes any device of the architecture.
  std::optional<Timing> find(const std::string& device, const std::string& architecture,
                             const std::string& key) const;
  void add(const std::string& device, const std::string& architecture, const std::string& key,
           const Timing& timing) {
    entries_[{architecture, key, device}] = timing;
  }
  /// Adds the other's decisions; they win over this one's.
  void merge(const TimingCache& other) {
    for (const auto& [key, timing] : other.entries_) entries_[key] = timing;
  }
  std::size_t size() const { return entries_.size(); }

 private:
  std::map<std::tuple<std::string, std::string, std::string>, Timing> entries_;
};

/// What was measured for usual models before this build was made (src/tune/shipped).
const TimingCache& shipped_timings();

}  // namespace xinfer::tune
