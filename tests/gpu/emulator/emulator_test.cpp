// CUDA kernels on the processor: every family gives what it must, and kernels with faults are found
// out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emulate.h"
#include "kernels/cuda/layer_source.h"
#include "translate.h"

namespace xinfer::gpu::emulator {
namespace {

using kernels::cuda::KernelArgument;
using kernels::cuda::Operand;
using testing::HasSubstr;

const HostCompiler& compiler() {
  static const HostCompiler kCompiler(XINFER_EMULATED_KERNELS);
  return kCompiler;
}

class FamilyTest : public testing::TestWithParam<std::string> {};

TEST_P(FamilyTest, GivesWhatItMust) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const GpuCase test = make_case(GetParam(), seed);
    if (test.spec.entry.empty()) continue;  // no tactic applies
    const Status status = emulate_case(test, compiler(), seed);
    EXPECT_TRUE(status.ok()) << test.spec.tactic << " " << test.description << ": "
                             << status.message();
  }
}

INSTANTIATE_TEST_SUITE_P(Every, FamilyTest, testing::ValuesIn(families()),
                         [](const auto& instance) { return instance.param; });

/// A map over y as two rows of 20 bytes, 32 apart, which moves 32 bytes of both.
kernels::cuda::TensorMapRecipe rows_of_20_bytes() {
  kernels::cuda::TensorMapRecipe map;
  map.swizzle = xinfer::cuda::TensorMapSwizzle::kNone;
  map.extent = {20, 2};
  map.stride_bytes = {32};
  map.box = {32, 2};
  return map;
}

/// A case of one kernel `faulty(const u8* x, u8* y, const Map map)` with that body: 64 threads,
/// 1 KiB of shared memory, x and y of 64 bytes; y must stay as it is.
GpuCase faulty_case(const std::string& body) {
  kernels::cuda::LayerSource layer;
  EXPECT_TRUE(kernels::cuda::add_epilogue({}, {}, layer).ok());
  layer.declare(
      "struct alignas(64) Map { unsigned long long opaque[16]; };\n"
      "extern \"C\" __global__ void faulty(const xi::u8* x, xi::u8* y, const Map map) {\n"
      "  extern __shared__ unsigned char raw[];\n"
      "  const unsigned shared = __cvta_generic_to_shared(raw);\n" +
      body + "}\n");
  GpuCase test;
  test.spec.entry = "layer::faulty";
  test.spec.source = "cuda/epilogue.cuh";
  test.spec.layer = layer.text();
  test.spec.threads = 64;
  test.spec.dynamic_shared_bytes = 1024;
  test.spec.arguments = {{KernelArgument::Kind::kPointer, Operand::kInput},
                         {KernelArgument::Kind::kPointer, Operand::kOutput},
                         {KernelArgument::Kind::kTensorMap, Operand::kOutput, 0}};
  test.spec.tensor_maps = {rows_of_20_bytes()};
  test.inputs = {{Operand::kInput, std::vector<std::uint8_t>(64)}};
  test.y_bytes = 64;
  test.expected = [] { return Expected{std::vector<std::uint8_t>(64, kFill), {}, {}}; };
  return test;
}

std::string fault_of(const std::string& body) {
  const Status status = emulate_case(faulty_case(body), compiler(), 3);
  return status.ok() ? "no fault" : status.message();
}

TEST(FaultTest, NoneInAnEmptyKernel) { EXPECT_EQ(fault_of(""), "no fault"); }

TEST(FaultTest, WrongValue) {
  EXPECT_THAT(fault_of("if (threadIdx.x == 7) y[7] = 1;"), HasSubstr("first at byte 7"));
}

TEST(FaultTest, StoreBehindTheOutput) {
  EXPECT_THAT(fault_of("if (threadIdx.x == 5) y[64] = 1;"),
              HasSubstr("thread 5: accesses byte 64 of output, which has 64"));
}

TEST(FaultTest, LoadBeforeTheInput) {
  EXPECT_THAT(fault_of("if (x[-5000] == 1) y[0] = 1;"), HasSubstr("accesses byte -5000 of input"));
}

TEST(FaultTest, MisalignedVector) {
  EXPECT_THAT(fault_of("*reinterpret_cast<uint4*>(y + 4) = make_uint4(0, 0, 0, 0);"),
              HasSubstr("not aligned"));
}

TEST(FaultTest, SharedMemoryOutside) {
  EXPECT_THAT(fault_of("unsigned a, b;\n"
                       "asm volatile(\"ld.shared.v2.b32 {%0, %1}, [%2];\" : \"=r\"(a), \"=r\"(b) "
                       ": \"r\"(shared + 1024));"),
              HasSubstr("reads 8 bytes outside shared memory"));
}

constexpr const char* kCopy =
    "asm volatile(\"cp.async.cg.shared.global [%0], [%1], 16, %2;\" ::\"r\"(shared + 16 * "
    "threadIdx.x), \"l\"(x), \"r\"(16) : \"memory\");\n"
    "asm volatile(\"cp.async.commit_group;\" ::: \"memory\");\n";
constexpr const char* kWaitForCopies = "asm volatile(\"cp.async.wait_group %0;\" ::\"n\"(0));\n";
constexpr const char* kRead =
    "unsigned a, b;\n"
    "asm volatile(\"ld.shared.v2.b32 {%0, %1}, [%2];\" : \"=r\"(a), \"=r\"(b) : \"r\"(shared + 16 "
    "* threadIdx.x));";

TEST(FaultTest, ReadingWhatACopyStillWrites) {
  EXPECT_THAT(fault_of(std::string(kCopy) + kRead),
              HasSubstr("that an operation in flight writes"));
  EXPECT_EQ(fault_of(std::string(kCopy) + kWaitForCopies + kRead), "no fault");
}

TEST(FaultTest, Deadlock) {
  EXPECT_THAT(fault_of("if (threadIdx.x < 32) asm volatile(\"bar.sync %0, %1;\" ::\"r\"(1), "
                       "\"r\"(64) : \"memory\");"),
              HasSubstr("deadlock in block 0"));
}

TEST(FaultTest, LanesApart) {
  EXPECT_THAT(fault_of("if (threadIdx.x % 32 != 3) __shfl_xor_sync(0xffffffffu, 1, 1);"),
              HasSubstr("lanes"));
}

constexpr const char* kStoreZeros =
    "if (threadIdx.x < 4) asm volatile(\"st.shared.v4.b32 [%0], {%1,%2,%3,%4};\" ::\"r\"(shared + "
    "16 "
    "* threadIdx.x), \"r\"(0), \"r\"(0), \"r\"(0), \"r\"(0) : \"memory\");\n";
constexpr const char* kFence = "asm volatile(\"fence.proxy.async.shared::cta;\" ::: \"memory\");\n";
constexpr const char* kCopyOut =
    "__syncthreads();\n"
    "if (threadIdx.x == 0) {\n"
    "  asm volatile(\"cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%2, %3}], "
    "[%1];\" "
    "::\"l\"(&map), \"r\"(shared), \"r\"(0), \"r\"(0) : \"memory\");\n"
    "  asm volatile(\"cp.async.bulk.commit_group;\" ::: \"memory\");\n";
constexpr const char* kWaitForCopyOut =
    "asm volatile(\"cp.async.bulk.wait_group 0;\" ::: \"memory\"); }\n";

TEST(FaultTest, BulkStoreWithoutFence) {
  EXPECT_THAT(fault_of(std::string(kStoreZeros) + kCopyOut + kWaitForCopyOut),
              HasSubstr("without a proxy fence"));
}

TEST(FaultTest, BulkStoreInFlightAtTheEnd) {
  EXPECT_THAT(fault_of(std::string(kStoreZeros) + kFence + kCopyOut + "}"),
              HasSubstr("ends while its bulk copy still reads shared memory"));
}

TEST(FaultTest, BulkStoresWriteWholeGranules) {
  GpuCase test = faulty_case(std::string(kStoreZeros) + kFence + kCopyOut + kWaitForCopyOut);
  test.expected = [] { return Expected{std::vector<std::uint8_t>(64, 0), {}, {}}; };
  const Status status = emulate_case(test, compiler(), 3);
  EXPECT_TRUE(status.ok()) << status.message();
}

TEST(FaultTest, UnknownInstruction) {
  EXPECT_THAT(fault_of("asm volatile(\"brkpt;\");"),
              HasSubstr("the emulator has no instruction \"brkpt;\""));
}

TEST(TranslateTest, StatementsBecomeCalls) {
  const auto text = translate_for_host(
      "int f(int a) { asm volatile(\"x %0, %1;\" : \"+r\"(a) : \"r\"(a + (1)) : \"memory\"); }");
  ASSERT_TRUE(text.ok()) << text.status().message();
  EXPECT_THAT(*text, HasSubstr("xi_statement(\"x %0, %1;\")"));
  EXPECT_THAT(*text, HasSubstr("{::emulated::output(a), ::emulated::input(a + (1)), }"));
  EXPECT_EQ(*translate_for_host("asm(\"\" : \"+r\"(v)::\"memory\");"), "{};");
  EXPECT_EQ(*translate_for_host("extern __shared__ __align__(128) u8 raw[];"),
            "u8* const raw = static_cast<u8*>(::emulated::dynamic_shared());");
  EXPECT_EQ(*translate_for_host("// asm is C++'s own word"), "// asm is C++'s own word");
}

TEST(TranslateTest, NamesWhatItCannotRead) {
  const auto text = translate_for_host("asm volatile(\"x\" [name] \"r\"(a));");
  ASSERT_FALSE(text.ok());
  EXPECT_THAT(text.status().message(), HasSubstr("[name]"));
}

}  // namespace
}  // namespace xinfer::gpu::emulator
