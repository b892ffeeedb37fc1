// Finished tiles against the micro-kernel and the store that they stand for: equal bytes, for every
// number of rows and every epilogue that has them.
#include "kernels/conv/finished_tiles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "core/aligned_buffer.h"

namespace xinfer::kernels {
namespace {

using Kind = EpilogueStep::Kind;

struct Case {
  const char* name;
  std::vector<Kind> steps;
  DType output;
  DType residual = DType::kInt8;
  bool finished = true;
};

const Case kCases[] = {
    {"bytes", {}, DType::kUInt8},
    {"signed_bytes", {}, DType::kInt8},
    {"clipped", {Kind::kClip}, DType::kUInt8},
    {"table", {Kind::kTable}, DType::kUInt8},
    {"table_clipped", {Kind::kTable, Kind::kClip}, DType::kInt8},
    {"residual", {Kind::kResidual}, DType::kUInt8},
    {"unsigned_residual", {Kind::kResidual, Kind::kClip}, DType::kInt8, DType::kUInt8},
    {"floats", {}, DType::kFloat32},
    {"floats_clipped", {Kind::kClip}, DType::kFloat32},
    {"float_residual", {Kind::kResidual}, DType::kFloat32, DType::kFloat32},
    {"leaky", {Kind::kLeaky}, DType::kUInt8, DType::kInt8, false},
    {"table_residual", {Kind::kTable, Kind::kResidual}, DType::kUInt8, DType::kInt8, false},
    {"byte_residual_to_float", {Kind::kResidual}, DType::kFloat32, DType::kInt8, false},
};

class FinishedTile32 : public testing::TestWithParam<Case> {
 protected:
  static constexpr int kColumns = FinishedTiles::kColumns;
  static constexpr int kPitch = kColumns + 5;  ///< elements between pixels of y and the residual
  static constexpr int kRowBytes = 64;
  static constexpr int kLineBytes = 1024;

  std::vector<std::uint8_t> bytes(std::size_t count) {
    std::vector<std::uint8_t> result(count);
    for (auto& byte : result) byte = static_cast<std::uint8_t>(random_() >> 7);
    return result;
  }

  void make_epilogue(const Case& c) {
    std::uniform_real_distribution<float> real(0.5f, 2.0f);
    for (int n = 0; n < 2 * kColumns; ++n) {
      multiplier_.push_back(0.002f * real(random_));
      bias_.push_back(20.0f * real(random_));
    }
    residual_ = bytes(static_cast<std::size_t>((FinishedTiles::kMaxRows + 2) * kPitch) * 4);
    if (c.residual == DType::kFloat32) {
      for (std::size_t i = 0; i < residual_.size(); i += 4)
        residual_[i + 3] = 0x40;  // about 2 to 8
    }
    table_ = bytes(256);
    Epilogue& e = epilogue_;
    e.multiplier = multiplier_.data();
    e.bias = bias_.data();
    e.output_dtype = c.output;
    e.step_count = static_cast<int>(c.steps.size());
    for (int i = 0; i < e.step_count; ++i) {
      EpilogueStep& step = e.steps[i];
      step.kind = c.steps[static_cast<std::size_t>(i)];
      step.residual = residual_.data();
      step.residual_dtype = c.residual;
      step.residual_pixel_stride = kPitch;
      step.scale = c.residual == DType::kFloat32 ? 1.0f : 0.3f;
      step.low = -20.0f;
      step.high = 90.5f;
      step.slope = 0.1f;
      step.table = table_.data();
      step.table_min = -128.0f;
      step.table_max = 127.0f;
      step.table_scale = 0.8f;
    }
  }

  std::mt19937 random_{17};
  std::vector<float> multiplier_, bias_;
  std::vector<std::uint8_t> residual_, table_;
  Epilogue epilogue_;
};

TEST_P(FinishedTile32, EqualsKernelThenStore) {
  const Case& c = GetParam();
  if (!supports(CpuIsa::kAvx512Vnni) || !__builtin_cpu_supports("avx512vbmi")) {
    GTEST_SKIP() << "this machine has no AVX-512 with VNNI and VBMI";
  }
  make_epilogue(c);
  const GemmKernel& kernel = select_gemm_kernel(ConvType::kU8S8, CpuIsa::kAvx512Vnni);
  const std::size_t y_bytes = static_cast<std::size_t>((FinishedTiles::kMaxRows + 2) * kPitch) * 4;
  std::vector<std::uint8_t> expected(y_bytes, 0xA5), actual(y_bytes, 0xA5);
  const AccumulatorTraits traits{false, 2 * kColumns, 3 * kRowBytes};
  const auto plan_to = [&](void* y) {
    return make_store_plan(epilogue_, y, kPitch, traits, CpuIsa::kAvx512Vnni).value();
  };
  const StorePlan plan = plan_to(actual.data()), plan_expected = plan_to(expected.data());
  const FinishedTiles tiles = select_finished_tiles(kernel, plan);
  EXPECT_EQ(tiles.find(14, kColumns) != nullptr, c.finished);
  EXPECT_EQ(tiles.find(14, kColumns - 1), nullptr);
  EXPECT_EQ(tiles.find(3, kColumns), nullptr);
  const std::vector<std::uint8_t> a = bytes(3 * kLineBytes + kRowBytes);
  const auto weights = allocate_buffer(2 * 4096);
  const std::vector<std::uint8_t> weight_bytes = bytes(2 * 4096);
  std::copy(weight_bytes.begin(), weight_bytes.end(), static_cast<std::uint8_t*>(weights.get()));
  std::vector<std::int32_t> start(kColumns, -5000);
  alignas(64) std::int32_t acc[kMaxTileAccumulators];
  for (int rows = 1; rows <= FinishedTiles::kMaxRows; ++rows) {
    GemmTile tile;
    tile.a = reinterpret_cast<const std::byte*>(a.data());
    tile.a_row_bytes = kRowBytes;
    tile.b = static_cast<const std::byte*>(weights.get());
    tile.b_panel_bytes = 4096;
    tile.steps = 1 + rows % 7;
    tile.lines = 1 + rows % 3;
    tile.a_line_bytes = kLineBytes;
    tile.start = start.data();
    tile.acc = acc;
    const AccumulatorTile result{acc, kColumns, rows, kColumns, 1, 4};
    const FinishedTile run = tiles.find(rows, kColumns);
    EXPECT_EQ(run != nullptr, c.finished && rows >= 7) << rows << " rows";
    if (run == nullptr) continue;
    run(tile, plan, result);
    kernel.run(tile, rows, 2);
    select_store(plan_expected, CpuIsa::kAvx512Vnni)(plan_expected, result);
    ASSERT_EQ(expected, actual) << rows << " rows";
  }
}

INSTANTIATE_TEST_SUITE_P(Epilogues, FinishedTile32, testing::ValuesIn(kCases),
                         [](const auto& c) { return std::string(c.param.name); });

TEST(FinishedTiles, AreNotForOtherKernels) {
  const std::vector<float> ones(32, 1e-3f);
  Epilogue epilogue;
  epilogue.multiplier = epilogue.bias = ones.data();
  epilogue.output_dtype = DType::kInt8;
  std::int8_t y[32];
  const StorePlan plan = make_store_plan(epilogue, y, 32, {false, 32, 9}, CpuIsa::kAvx2).value();
  const GemmKernel& kernel = select_gemm_kernel(ConvType::kU8S8, CpuIsa::kAvx2);
  EXPECT_EQ(select_finished_tiles(kernel, plan).find(14, 32), nullptr);
}

}  // namespace
}  // namespace xinfer::kernels
