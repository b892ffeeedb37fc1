#include "jit/kernel_sources.h"

#include <map>

#include "jit/canonical_source.h"

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

// The canonical texts of kernel_sources(), in its order, made once: a build asks for the keys of
// thousands of kernels.
const std::vector<std::string>& canonical_texts() {
  static const std::vector<std::string> texts = [] {
    std::vector<std::string> made;
    for (const NamedSource& source : kernel_sources())
      made.push_back(canonical_source(source.text));
    return made;
  }();
  return texts;
}

Status collect(std::string_view name, std::map<std::string_view, NamedSource>& found) {
  if (name == kGenerated || found.count(name) != 0) return Status();
  const std::span<const NamedSource> sources = kernel_sources();
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const NamedSource& source = sources[i];
    if (source.name != name) continue;
    found.emplace(source.name, NamedSource{source.name, source.text, canonical_texts()[i]});
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
