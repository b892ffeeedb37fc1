#include "compile/check_shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/status.h"

namespace xinfer::compile {
namespace {

bool has_free_dimensions(const Engine& engine) {
  return std::any_of(engine.inputs().begin(), engine.inputs().end(),
                     [](const BindingInfo& input) { return input.min != input.max; });
}

void check(const Engine& engine, Context& context, Shape BindingInfo::*end) {
  std::vector<Shape> shapes;
  std::string text;
  for (const BindingInfo& input : engine.inputs()) {
    shapes.push_back(input.*end);
    text +=
        fmt::format("{}\"{}\" {}", text.empty() ? "" : ", ", input.name, to_string(shapes.back()));
  }
  try {
    context.output_shapes(shapes);
  } catch (const Error& error) {
    const std::string what = error.what();  // "<code>: <message>"
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("the model cannot take the profile's shapes {}: {}", text,
                            what.substr(what.find(": ") + 2)));
  }
}

}  // namespace

void check_shapes(const Engine& engine) {
  const std::vector<std::string> targets = engine.targets();
  if (!has_free_dimensions(engine) || std::count(targets.begin(), targets.end(), "cpu") == 0) {
    return;
  }
  Context context(engine, {.threads = 1});
  for (const auto end : {&BindingInfo::min, &BindingInfo::opt, &BindingInfo::max}) {
    check(engine, context, end);
  }
}

}  // namespace xinfer::compile
