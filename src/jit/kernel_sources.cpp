#include "jit/kernel_sources.h"

#include <map>

namespace xinfer::jit {
namespace {

constexpr std::string_view kGenerated = "layer.cuh";

// Names between quotes after #include.
std::vector<std::string_view> included_names(std::string_view text) {
  constexpr std::string_view kDirective = "#include \"";
  std::vector<std::string_view> names;
  for (std::size_t at = text.find(kDirective); at != std::string_view::npos;
       at = text.find(kDirective, at)) {
    at += kDirective.size();
    names.push_back(text.substr(at, text.find('"', at) - at));
  }
  return names;
}

Status collect(std::string_view name, std::map<std::string_view, NamedSource>& found) {
  if (name == kGenerated || found.count(name) != 0) return Status();
  for (const NamedSource& source : kernel_sources()) {
    if (source.name != name) continue;
    found.emplace(source.name, source);
    for (const std::string_view included : included_names(source.text)) {
      XINFER_RETURN_IF_ERROR(collect(included, found));
    }
    return Status();
  }
  return internal_error("no embedded kernel source \"{}\"", name);
}

}  // namespace

Result<std::vector<NamedSource>> sources_of(std::string_view name) {
  std::map<std::string_view, NamedSource> found;
  XINFER_RETURN_IF_ERROR(collect(name, found));
  std::vector<NamedSource> sources;
  for (const auto& [key, source] : found) sources.push_back(source);
  return sources;
}

}  // namespace xinfer::jit
