// xinfer devices: what this machine offers.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "arguments.h"
#include "commands.h"
#include "output.h"
#include "xinfer/core/device.h"

namespace xinfer::tools {

void add_devices(CLI::App& app) {
  CLI::App* command = app.add_subcommand("devices", "List devices and instruction sets");
  auto json = std::make_shared<std::string>();
  add_json_option(*command, *json);
  command->callback([json] {
    const std::vector<std::string> isas = cpu_instruction_sets();
    if (*json != "-") {
      fmt::print("cpu: {}, {} processors, instruction sets: {}\n", cpu_name(), cpu_count(),
                 fmt::join(isas, ", "));
    }
    write_json({{"schema", "xinfer.devices/1"},
                {"cpu", {{"name", cpu_name()}, {"processors", cpu_count()}, {"isas", isas}}}},
               *json);
  });
}

}  // namespace xinfer::tools
