#include "jit/nvrtc.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <mutex>

namespace xinfer::jit {
namespace {

namespace fs = std::filesystem;

using Program = struct ProgramTag*;
constexpr int kSuccess = 0;

struct NvrtcApi {
  const char* (*error_string)(int);
  int (*version)(int*, int*);
  int (*create_program)(Program*, const char*, const char*, int, const char* const*,
                        const char* const*);
  int (*destroy_program)(Program*);
  int (*compile_program)(Program, int, const char* const*);
  int (*log_size)(Program, std::size_t*);
  int (*log)(Program, char*);
  int (*cubin_size)(Program, std::size_t*);
  int (*cubin)(Program, char*);
};

struct LoadedNvrtc {
  NvrtcApi api = {};
  int version = 0;
  Status status;
};

constexpr std::array kArchitectures = {"sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a", "sm_120"};
constexpr std::array kLibraryNames = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"};

std::mutex folders_mutex;
std::vector<fs::path> extra_folders;

// Where NVRTC may lie: folders that the caller named, NVIDIA's wheels beside the Python package
// that holds this code, the toolkit.
std::vector<fs::path> candidate_folders() {
  std::vector<fs::path> folders;
  {
    const std::lock_guard lock(folders_mutex);
    folders = extra_folders;
  }
  Dl_info self = {};
  if (dladdr(reinterpret_cast<const void*>(&nvrtc_version), &self) != 0) {
    const fs::path packages = fs::path(self.dli_fname).parent_path().parent_path();
    folders.push_back(packages / "nvidia" / "cu13" / "lib");
    folders.push_back(packages / "nvidia" / "cuda_nvrtc" / "lib");
  }
  folders.emplace_back("/usr/local/cuda/lib64");
  return folders;
}

void* open_library() {
  for (const char* name : kLibraryNames) {
    for (const fs::path& folder : candidate_folders()) {
      if (void* library = dlopen((folder / name).c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
    }
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
  }
  return nullptr;
}

template <typename Function>
bool bind(void* library, const char* symbol, Function*& target) {
  target = reinterpret_cast<Function*>(dlsym(library, symbol));
  return target != nullptr;
}

bool bind_all(void* library, NvrtcApi& api) {
  return bind(library, "nvrtcGetErrorString", api.error_string) &&
         bind(library, "nvrtcVersion", api.version) &&
         bind(library, "nvrtcCreateProgram", api.create_program) &&
         bind(library, "nvrtcDestroyProgram", api.destroy_program) &&
         bind(library, "nvrtcCompileProgram", api.compile_program) &&
         bind(library, "nvrtcGetProgramLogSize", api.log_size) &&
         bind(library, "nvrtcGetProgramLog", api.log) &&
         bind(library, "nvrtcGetCUBINSize", api.cubin_size) &&
         bind(library, "nvrtcGetCUBIN", api.cubin);
}

LoadedNvrtc load_nvrtc() {
  LoadedNvrtc nvrtc;
  void* library = open_library();
  int major = 0;
  int minor = 0;
  if (library == nullptr) {
    nvrtc.status = unsupported(
        "building for CUDA needs NVRTC (libnvrtc.so.13 or .12), which was not found: install it by "
        "`pip install nvidia-cuda-nvrtc` or with the CUDA toolkit, or put its folder on the "
        "library "
        "path; running a built engine does not need it");
  } else if (!bind_all(library, nvrtc.api) || nvrtc.api.version(&major, &minor) != kSuccess) {
    nvrtc.status =
        unsupported("the NVRTC library found is too old: version 12.0 or later is needed");
  }
  nvrtc.version = 1000 * major + 10 * minor;
  return nvrtc;
}

const LoadedNvrtc& loaded_nvrtc() {
  static const LoadedNvrtc nvrtc = load_nvrtc();
  return nvrtc;
}

std::string program_log(const NvrtcApi& api, Program program) {
  std::size_t size = 0;
  if (api.log_size(program, &size) != kSuccess || size == 0) return "";
  std::string log(size, '\0');
  api.log(program, log.data());
  log.resize(size - 1);  // without the terminating zero
  return log;
}

Result<std::vector<std::byte>> take_cubin(const NvrtcApi& api, Program program) {
  std::size_t size = 0;
  if (api.cubin_size(program, &size) != kSuccess) {
    return internal_error("NVRTC compiled but gave no cubin");
  }
  std::vector<std::byte> cubin(size);
  api.cubin(program, reinterpret_cast<char*>(cubin.data()));
  return cubin;
}

}  // namespace

std::span<const char* const> standard_options() {
  static constexpr std::array kOptions = {"--std=c++17",      "--fmad=false", "--prec-div=true",
                                          "--prec-sqrt=true", "--ftz=false",  "-default-device"};
  return kOptions;
}

void add_nvrtc_folder(const fs::path& folder) {
  const std::lock_guard lock(folders_mutex);
  extra_folders.push_back(folder);
}

Result<int> nvrtc_version() {
  const LoadedNvrtc& nvrtc = loaded_nvrtc();
  if (!nvrtc.status.ok()) return nvrtc.status;
  return nvrtc.version;
}

bool is_known_architecture(std::string_view architecture) {
  return std::find(kArchitectures.begin(), kArchitectures.end(), architecture) !=
         kArchitectures.end();
}

Result<std::vector<std::byte>> compile_to_cubin(const Compilation& compilation) {
  const LoadedNvrtc& nvrtc = loaded_nvrtc();
  XINFER_RETURN_IF_ERROR(Status(nvrtc.status));
  if (!is_known_architecture(compilation.architecture)) {
    return unsupported("architecture \"{}\"; supported: {}", compilation.architecture,
                       fmt::join(kArchitectures, ", "));
  }
  std::vector<std::string> texts;  // NVRTC wants terminated strings
  std::vector<const char*> names, contents;
  texts.reserve(2 * compilation.headers.size());
  for (const NamedSource& header : compilation.headers) {
    names.push_back(texts.emplace_back(header.name).c_str());
    contents.push_back(texts.emplace_back(header.text).c_str());
  }
  const std::string architecture = "--gpu-architecture=" + compilation.architecture;
  std::vector<const char*> options(standard_options().begin(), standard_options().end());
  options.push_back(architecture.c_str());
  for (const std::string& option : compilation.options) options.push_back(option.c_str());

  Program program = nullptr;
  int code = nvrtc.api.create_program(
      &program, compilation.source.c_str(), (compilation.name + ".cu").c_str(),
      static_cast<int>(names.size()), contents.data(), names.data());
  if (code != kSuccess) {
    return internal_error("nvrtcCreateProgram: {}", nvrtc.api.error_string(code));
  }
  code = nvrtc.api.compile_program(program, static_cast<int>(options.size()), options.data());
  Result<std::vector<std::byte>> cubin =
      code == kSuccess ? take_cubin(nvrtc.api, program)
                       : Result<std::vector<std::byte>>(internal_error(
                             "kernel {} for {} does not compile ({}):\n{}", compilation.name,
                             compilation.architecture, nvrtc.api.error_string(code),
                             program_log(nvrtc.api, program)));
  nvrtc.api.destroy_program(&program);
  return cubin;
}

}  // namespace xinfer::jit
