#include <elf.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "device/cubin_info.h"
#include "jit/cubin_cache.h"
#include "jit/kernel_sources.h"
#include "jit/nvrtc.h"

namespace xinfer::jit {
namespace {

using cuda::cubin_resources;

namespace fs = std::filesystem;

constexpr char kSource[] =
    "extern \"C\" __global__ void scale(float* x, float f) { x[threadIdx.x] *= f; }\n"
    "extern \"C\" __global__ void pick(int* x) {\n"
    "  int local[64];\n"
    "  for (int i = 0; i < 64; ++i) local[i] = x[i * 3];\n"
    "  x[0] = local[x[1] & 63];\n"
    "}\n";

Compilation small_compilation() { return {"small", kSource, {}, "sm_80", {}}; }

class NvrtcTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!nvrtc_version().ok()) GTEST_SKIP() << nvrtc_version().status().message();
  }
};

TEST(KernelSources, EveryIncludeResolves) {
  for (const NamedSource& source : kernel_sources()) {
    const auto closure = sources_of(source.name);
    ASSERT_TRUE(closure.ok()) << closure.status().message();
    EXPECT_GE(closure->size(), 1u);
  }
}

TEST(KernelSources, UnknownNameIsAnInternalError) {
  EXPECT_EQ(sources_of("conv/absent.cuh").status().code(), ErrorCode::kInternal);
}

TEST(CompilationKey, DependsOnEverything) {
  const Compilation base = small_compilation();
  std::set<std::string> keys = {compilation_key(base, 13000)};
  Compilation changed = base;
  changed.source += ";";
  keys.insert(compilation_key(changed, 13000));
  changed = base;
  changed.headers.push_back({"a", "b"});
  keys.insert(compilation_key(changed, 13000));
  changed.headers = {{"ab", ""}};  // the same letters, cut elsewhere
  keys.insert(compilation_key(changed, 13000));
  changed = base;
  changed.architecture = "sm_86";
  keys.insert(compilation_key(changed, 13000));
  changed = base;
  changed.options.push_back("-DX");
  keys.insert(compilation_key(changed, 13000));
  keys.insert(compilation_key(base, 12080));
  EXPECT_EQ(keys.size(), 7u);
}

TEST(CompilationKey, IgnoresCommentsAndLayout) {
  Compilation base = small_compilation();
  base.headers = {{"layer.cuh", "#pragma once\nconstexpr int kWidth = 4;\n"}};
  Compilation changed = base;
  changed.source.insert(0, "// What it does.\n");
  changed.headers = {{"layer.cuh", "#pragma once  // new\nconstexpr int\n    kWidth=4; /* why */"}};
  EXPECT_EQ(compilation_key(changed, 13000), compilation_key(base, 13000));
  changed.headers = {{"layer.cuh", "#pragma once\nconstexpr int kWidth = 5;\n"}};
  EXPECT_NE(compilation_key(changed, 13000), compilation_key(base, 13000));
}

TEST(CompilationKey, TakesTheCanonicalTextThatIsKnown) {
  const auto sources = sources_of("conv/cuda_wgmma.cuh");
  ASSERT_TRUE(sources.ok()) << sources.status().message();
  for (const NamedSource& source : *sources) {
    Compilation known = small_compilation(), unknown = known;
    known.headers = {source};
    unknown.headers = {{source.name, source.text}};
    EXPECT_FALSE(source.canonical.empty()) << source.name;
    EXPECT_EQ(compilation_key(known, 13000), compilation_key(unknown, 13000)) << source.name;
  }
}

TEST(CubinResources, RefusesWhatIsNoCubin) {
  EXPECT_FALSE(cubin_resources({}).ok());
  const std::vector<std::byte> zeros(4096);
  EXPECT_EQ(cubin_resources(zeros).status().code(), ErrorCode::kInvalidArgument);
}

TEST(CubinResources, RefusesNamesWithoutEnd) {
  // Symbols whose names all run through a megabyte: one copy each would be 20 GB.
  constexpr std::size_t kSymbols = 20000, kStrings = 1 << 20;
  constexpr std::size_t kTable = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Shdr);
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_shoff = sizeof(header);
  header.e_shnum = 2;
  header.e_shstrndx = 0;
  Elf64_Shdr sections[2] = {};
  sections[0].sh_type = SHT_STRTAB;
  sections[0].sh_offset = kTable + kSymbols * sizeof(Elf64_Sym);
  sections[0].sh_size = kStrings;
  sections[1].sh_type = SHT_SYMTAB;
  sections[1].sh_offset = kTable;
  sections[1].sh_size = kSymbols * sizeof(Elf64_Sym);
  std::vector<std::byte> cubin(sections[0].sh_offset + kStrings, std::byte{'a'});
  std::memcpy(cubin.data(), &header, sizeof(header));
  std::memcpy(cubin.data() + sizeof(header), sections, sizeof(sections));
  std::memset(cubin.data() + kTable, 0, kSymbols * sizeof(Elf64_Sym));
  EXPECT_EQ(cubin_resources(cubin).status().message(), "damaged cubin: a name without end");
}

TEST_F(NvrtcTest, ReadsRegistersAndLocalMemory) {
  Compilation compilation = small_compilation();
  const auto cubin = compile_to_cubin(compilation);
  ASSERT_TRUE(cubin.ok()) << cubin.status().message();
  const auto kernels = cubin_resources(*cubin);
  ASSERT_TRUE(kernels.ok()) << kernels.status().message();
  ASSERT_EQ(kernels->size(), 2u);
  EXPECT_EQ((*kernels)[0].entry, "pick");
  EXPECT_EQ((*kernels)[1].entry, "scale");
  for (const cuda::KernelResources& kernel : *kernels)
    EXPECT_GT(kernel.registers, 0) << kernel.entry;
  EXPECT_EQ((*kernels)[1].local_bytes, 0);
}

TEST_F(NvrtcTest, DamagedCubinsDoNotCrash) {
  const auto cubin = compile_to_cubin(small_compilation());
  ASSERT_TRUE(cubin.ok());
  for (std::size_t i = 0; i < cubin->size(); i += 7) {
    std::vector<std::byte> damaged = *cubin;
    damaged[i] ^= std::byte{0xFF};
    (void)cubin_resources(damaged);
    damaged.resize(i);
    (void)cubin_resources(damaged);
  }
}

// What lets keys leave comments and layout out.
TEST_F(NvrtcTest, CanonicalTextMakesTheSameCubin) {
  const auto sources = sources_of("observe/cuda_observe.cuh");
  ASSERT_TRUE(sources.ok()) << sources.status().message();
  Compilation written{"observe", "#include \"observe/cuda_observe.cuh\"\n", *sources, "sm_90a", {}};
  Compilation canonical = written;
  std::vector<std::string> texts;  // NVRTC reads up to a zero
  for (const NamedSource& source : *sources) texts.emplace_back(source.canonical);
  for (std::size_t i = 0; i < texts.size(); ++i) canonical.headers[i].text = texts[i];
  const auto one = compile_to_cubin(written), other = compile_to_cubin(canonical);
  ASSERT_TRUE(one.ok()) << one.status().message();
  ASSERT_TRUE(other.ok()) << other.status().message();
  EXPECT_EQ(*one, *other);
}

TEST_F(NvrtcTest, ErrorCarriesTheLog) {
  Compilation compilation = small_compilation();
  compilation.source = "__global__ void broken() { undeclared_name = 1; }";
  const auto cubin = compile_to_cubin(compilation);
  ASSERT_FALSE(cubin.ok());
  EXPECT_NE(cubin.status().message().find("undeclared_name"), std::string::npos);
}

TEST_F(NvrtcTest, UnknownArchitectureListsTheKnown) {
  Compilation compilation = small_compilation();
  compilation.architecture = "sm_1";
  const auto cubin = compile_to_cubin(compilation);
  ASSERT_FALSE(cubin.ok());
  EXPECT_EQ(cubin.status().code(), ErrorCode::kUnsupported);
  EXPECT_NE(cubin.status().message().find("sm_90a"), std::string::npos);
}

TEST_F(NvrtcTest, CacheReturnsTheSameBytesAndRepairsDamage) {
  const fs::path folder = fs::temp_directory_path() / "xinfer_jit_test_cache";
  fs::remove_all(folder);
  const CubinCache cache(folder);
  const Compilation compilation = small_compilation();
  const int version = *nvrtc_version();
  EXPECT_FALSE(cache.find(compilation, version).has_value());
  const auto first = cache.get(compilation);
  ASSERT_TRUE(first.ok()) << first.status().message();
  EXPECT_EQ(cache.find(compilation, version), *first);
  const fs::path file = folder / (compilation_key(compilation, version) + ".cubin");
  ASSERT_TRUE(fs::exists(file));
  {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(100);
    stream.put('\x5A');
    stream.put('\xA5');
  }
  EXPECT_FALSE(cache.find(compilation, version).has_value());
  EXPECT_EQ(*cache.get(compilation), *first);
  EXPECT_TRUE(cache.find(compilation, version).has_value());
  fs::remove_all(folder);
}

}  // namespace
}  // namespace xinfer::jit
