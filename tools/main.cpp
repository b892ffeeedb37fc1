// The xinfer command: parses, runs one subcommand, turns errors into exit codes.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "commands.h"
#include "exit_code.h"
#include "xinfer/builders/engine_builder.h"
#include "xinfer/core/version.h"

namespace {

void run(CLI::App& app, int argc, char** argv) {
  app.set_version_flag("--version", std::string("xinfer ") + xinfer::kVersion);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  xinfer::tools::add_build(app);
  xinfer::tools::add_run(app);
  xinfer::tools::add_eval(app);
  xinfer::tools::add_bench(app);
  xinfer::tools::add_calibrate(app);
  xinfer::tools::add_quantize(app);
  xinfer::tools::add_inspect(app);
  xinfer::tools::add_compare(app);
  xinfer::tools::add_devices(app);
  app.parse(argc, argv);
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Turns trained ONNX models into INT8 engines and runs them.\n", "xinfer");
  try {
    xinfer::builders::make_missing_plans();
    run(app, argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : xinfer::tools::kUserError;
  }
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "xinfer: {}\n", error.what());
  return xinfer::tools::exit_code(error);
}
