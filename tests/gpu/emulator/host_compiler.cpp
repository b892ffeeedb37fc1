#include "host_compiler.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <vector>

#include "jit/cubin_cache.h"
#include "jit/kernel_compiler.h"
#include "translate.h"

extern char** environ;

namespace xinfer::gpu::emulator {
namespace {

namespace fs = std::filesystem;

// The checks end the program where an access is not aligned for its type or leaves an array.
const std::vector<std::string> kFlags = {"-std=c++20",
                                         "-O1",
                                         "-w",
                                         "-fPIC",
                                         "-shared",
                                         "-ffp-contract=off",
                                         "-fno-strict-aliasing",
                                         "-fno-threadsafe-statics",
                                         "-fwrapv",
                                         "-fsanitize=alignment,bounds",
                                         "-fsanitize-undefined-trap-on-error"};

std::string read_file(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

Status write_file(const fs::path& path, const std::string& text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) return io_error("cannot write {}", path.string());
  return Status();
}

std::string host_unit(const kernels::cuda::KernelSpec& spec) {
  return fmt::format(
      "#include \"cuda_host.h\"\n{}extern \"C\" void emulated_entry(void* const* slots) {{ "
      "emulated::call(&{}, slots); }}\n",
      kernels::cuda::translation_unit(spec), spec.entry);
}

// Everything that a compilation reads, as a folder of files.
Status write_sources(const jit::Compilation& compilation, const kernels::cuda::KernelSpec& spec,
                     const fs::path& folder) {
  for (const jit::NamedSource& header : compilation.headers) {
    XINFER_ASSIGN_OR_RETURN(const std::string text, translate_for_host(header.text));
    XINFER_RETURN_IF_ERROR(write_file(folder / std::string(header.name), text));
  }
  return write_file(folder / "kernel.cpp", host_unit(spec));
}

// Runs a program with its output in a file.
Status run(const std::vector<std::string>& command, const fs::path& log) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t child = 0;
  const int failed =
      posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int state = 0;
  if (failed != 0 || waitpid(child, &state, 0) != child) {
    return io_error("cannot start the compiler {}", command[0]);
  }
  if (state != 0) return internal_error("{}: {}", command[0], read_file(log).substr(0, 2000));
  return Status();
}

}  // namespace

Result<fs::path> HostCompiler::shared_object(const kernels::cuda::KernelSpec& spec) const {
  XINFER_ASSIGN_OR_RETURN(jit::Compilation compilation, jit::compilation_of(spec, "host"));
  const std::string prelude = read_file(fs::path(XINFER_EMULATOR_DEVICE) / "cuda_host.h");
  const std::string interface = read_file(fs::path(XINFER_EMULATOR_DEVICE) / "interface.h");
  if (prelude.empty() || interface.empty()) return io_error("no file in " XINFER_EMULATOR_DEVICE);
  jit::Compilation keyed = compilation;
  keyed.headers.push_back({"cuda_host.h", prelude});
  keyed.headers.push_back({"interface.h", interface});
  keyed.options = kFlags;
  keyed.options.push_back(XINFER_EMULATOR_COMPILER);
  const std::string key = jit::compilation_key(keyed, 0);
  fs::path object = folder_ / (key + ".so");
  if (fs::exists(object)) return object;

  const fs::path work = folder_ / fmt::format("{}.{}", key, getpid());
  XINFER_RETURN_IF_ERROR(write_sources(compilation, spec, work));
  std::vector<std::string> command = {XINFER_EMULATOR_COMPILER};
  command.insert(command.end(), kFlags.begin(), kFlags.end());
  const fs::path made = work / "kernel.so";
  for (const std::string& argument :
       {std::string("-I"), std::string(XINFER_EMULATOR_DEVICE), std::string("-I"), work.string(),
        std::string("-o"), made.string(), (work / "kernel.cpp").string()}) {
    command.push_back(argument);
  }
  XINFER_RETURN_IF_ERROR(run(command, work / "log"));
  std::error_code error;
  fs::rename(made, object, error);
  if (error) return io_error("cannot rename {}: {}", made.string(), error.message());
  fs::remove_all(work, error);
  return object;
}

}  // namespace xinfer::gpu::emulator
