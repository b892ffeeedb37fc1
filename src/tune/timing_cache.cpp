#include "tune/timing_cache.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "core/file.h"

namespace xinfer::tune {
namespace {

constexpr const char* kFormat = "xinfer.timing/1";

}  // namespace

Result<TimingCache> TimingCache::load(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    if (!std::filesystem::exists(path)) return TimingCache();
    return io_error("{}: cannot be read", path.string());
  }
  return parse(std::string{std::istreambuf_iterator<char>(file), {}}, path.string());
}

Result<TimingCache> TimingCache::parse(std::string_view text, const std::string& origin) {
  TimingCache cache;
  const auto document = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto wrong = [&] { return invalid_argument("{}: no timing cache", origin); };
  if (!document.is_object() || document.value("format", "") != kFormat ||
      !document.contains("entries") || !document["entries"].is_array()) {
    return wrong();
  }
  for (const auto& entry : document["entries"]) {
    for (const char* field : {"device", "architecture", "key", "tactic"}) {
      if (!entry.is_object() || !entry.contains(field) || !entry[field].is_string()) return wrong();
    }
    const auto& time = entry.value("microseconds", nlohmann::json(0.0));
    cache.add(entry["device"], entry["architecture"], entry["key"],
              {entry["tactic"], time.is_number() ? time.get<double>() : 0.0});
  }
  return cache;
}

Result<TimingCache> TimingCache::save(const std::filesystem::path& path) const {
  const FolderLock lock(path.parent_path());
  TimingCache merged = *this;
  XINFER_ASSIGN_OR_RETURN(const TimingCache written, load(path));
  merged.merge(written);
  nlohmann::json entries = nlohmann::json::array();
  for (const auto& [key, timing] : merged.entries_) {
    entries.push_back({{"device", std::get<2>(key)},
                       {"architecture", std::get<0>(key)},
                       {"key", std::get<1>(key)},
                       {"tactic", timing.tactic},
                       {"microseconds", timing.microseconds}});
  }
  const std::string text =
      nlohmann::json{{"format", kFormat}, {"entries", std::move(entries)}}.dump(1) + "\n";
  XINFER_RETURN_IF_ERROR(write_file_atomically(path, std::as_bytes(std::span(text))));
  return merged;
}

bool TimingCache::agrees_with(const TimingCache& other) const {
  return std::all_of(entries_.begin(), entries_.end(), [&](const auto& entry) {
    const auto it = other.entries_.find(entry.first);
    return it == other.entries_.end() || it->second.tactic == entry.second.tactic;
  });
}

std::optional<Timing> TimingCache::find(const std::string& device, const std::string& architecture,
                                        const std::string& key) const {
  for (auto it = entries_.lower_bound({architecture, key, device}); it != entries_.end(); ++it) {
    const auto& [found_architecture, found_key, found_device] = it->first;
    if (found_architecture != architecture || found_key != key) break;
    if (device.empty() || found_device == device) return it->second;
  }
  return std::nullopt;
}

}  // namespace xinfer::tune
