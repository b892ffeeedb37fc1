// The subcommands. Each adds itself to the parser; its function runs after parsing.
#pragma once

#include <CLI/CLI.hpp>

namespace xinfer::tools {

void add_build(CLI::App& app);
void add_run(CLI::App& app);
void add_eval(CLI::App& app);
void add_bench(CLI::App& app);
void add_calibrate(CLI::App& app);
void add_quantize(CLI::App& app);
void add_inspect(CLI::App& app);
void add_compare(CLI::App& app);
void add_devices(CLI::App& app);

}  // namespace xinfer::tools
