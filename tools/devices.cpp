// xinfer devices: what this machine offers.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "arguments.h"
#include "commands.h"
#include "output.h"
#include "xinfer/builders/engine_builder.h"
#include "xinfer/core/device.h"

namespace xinfer::tools {

namespace {

void print_gpus() {
  const std::vector<GpuInfo> found = gpus();
  for (std::size_t i = 0; i < found.size(); ++i) {
    fmt::print("cuda:{}: {}, {} multiprocessors, {}; builds: --device {}\n", i, found[i].name,
               found[i].multiprocessors, megabytes(found[i].memory_bytes), found[i].target);
  }
  fmt::print("run on GPUs: {}\n", gpu_driver_status());
  fmt::print("build for GPUs: {}\n", builders::kernel_compiler_status());
  fmt::print("kernels for: sm_80, sm_86, sm_89, sm_90a (mma, wgmma), sm_100a, sm_120 (mma)\n");
}

}  // namespace

void add_devices(CLI::App& app) {
  CLI::App* command = app.add_subcommand("devices", "List devices and instruction sets");
  auto json = std::make_shared<std::string>();
  add_json_option(*command, *json);
  command->footer("Example:\n  xinfer devices --json -");
  command->callback([json] {
    const std::vector<std::string> isas = cpu_instruction_sets();
    if (*json != "-") {
      fmt::print("cpu: {}, {} processors, instruction sets: {}\n", cpu_name(), cpu_count(),
                 fmt::join(isas, ", "));
      print_gpus();
    }
    nlohmann::json gpu_list = nlohmann::json::array();
    for (const GpuInfo& gpu : gpus()) {
      gpu_list.push_back({{"name", gpu.name},
                          {"target", gpu.target},
                          {"multiprocessors", gpu.multiprocessors},
                          {"memory_bytes", gpu.memory_bytes}});
    }
    write_json({{"schema", "xinfer.devices/1"},
                {"gpus", gpu_list},
                {"gpu_driver", gpu_driver_status()},
                {"kernel_compiler", builders::kernel_compiler_status()},
                {"cpu", {{"name", cpu_name()}, {"processors", cpu_count()}, {"isas", isas}}}},
               *json);
  });
}

}  // namespace xinfer::tools
