// Every build of the epilogue against its definition, element by element, for the step lists that
// fusion produces and some that it does not: equal bytes, nothing written outside the tile.
#include "kernels/conv/accumulator_store.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "core/aligned_buffer.h"
#include "kernels/conv/reference_epilogue.h"

namespace xinfer::kernels {

void store_accumulators_portable(const StorePlan& plan, const AccumulatorTile& tile);
StoreAccumulators select_store_avx2(const StorePlan& plan);
StoreAccumulators select_store_avx512(const StorePlan& plan);
StoreAccumulators select_store_avx512vbmi(const StorePlan& plan);

namespace {

using Kind = EpilogueStep::Kind;

const std::vector<std::vector<Kind>> kStepLists = {
    {},
    {Kind::kClip},
    {Kind::kResidual},
    {Kind::kResidual, Kind::kClip},
    {Kind::kTable},
    {Kind::kTable, Kind::kClip},
    {Kind::kTable, Kind::kResidual},
    {Kind::kTable, Kind::kResidual, Kind::kClip},
    {Kind::kResidual, Kind::kTable},
    {Kind::kResidual, Kind::kTable, Kind::kResidual},
    {Kind::kClip, Kind::kTable},
    {Kind::kTable, Kind::kTable},
    {Kind::kLeaky},
    {Kind::kLeaky, Kind::kResidual},
    {Kind::kClip, Kind::kResidual, Kind::kLeaky, Kind::kClip},
    {Kind::kActivation},
    {Kind::kActivation, Kind::kClip},
    {Kind::kResidual, Kind::kActivation},
    {Kind::kClip, Kind::kActivation},
};

struct Build {
  const char* name;
  CpuIsa isa;
  bool needs_vbmi;
  StoreAccumulators (*select)(const StorePlan& plan);
};

const Build kBuilds[] = {
    {"portable", CpuIsa::kPortable, false,
     [](const StorePlan&) -> StoreAccumulators { return store_accumulators_portable; }},
    {"avx2", CpuIsa::kAvx2, false, select_store_avx2},
    {"avx512", CpuIsa::kAvx512Vnni, false, select_store_avx512},
    {"avx512vbmi", CpuIsa::kAvx512Vnni, true, select_store_avx512vbmi},
};

class Store : public testing::TestWithParam<Build> {
 protected:
  static constexpr int kMaxPixels = 9;
  static constexpr int kPitch = kMaxStoreColumns + 7;  ///< of residuals and mostly of y, elements

  std::int64_t pick(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  float real(float low, float high) {
    return std::uniform_real_distribution<float>(low, high)(random_);
  }

  void fill() {
    residual_.resize(kMaxPixels * kPitch * 4 + kBufferMargin);
    for (std::size_t i = 0; i < residual_.size(); ++i) {
      residual_[i] = static_cast<std::uint8_t>(random_() >> 11);
    }
    for (std::size_t i = 0; i + 3 < residual_.size(); i += 4) {
      const float value = real(-50.0f, 50.0f);
      __builtin_memcpy(&float_residual_[i / 4], &value, 4);
    }
    for (auto& byte : table_) byte = static_cast<std::uint8_t>(random_() >> 11);
    acc_ = allocate_buffer(kMaxPixels * kMaxStoreColumns * 4);
  }

  EpilogueStep make_step(Kind kind) {
    EpilogueStep step;
    step.kind = kind;
    step.residual_pixel_stride = kPitch;
    constexpr DType kTypes[] = {DType::kInt8, DType::kUInt8, DType::kFloat32};
    step.residual_dtype = kTypes[pick(0, 2)];
    step.residual = step.residual_dtype == DType::kFloat32
                        ? static_cast<const void*>(float_residual_.data())
                        : residual_.data();
    step.scale = real(0.05f, 1.5f);
    step.low = real(-100.0f, 20.0f);
    step.high = real(30.0f, 220.0f);
    step.slope = 0.1f;
    step.table = table_.data();
    const bool table_signed = pick(0, 1) == 0;
    step.table_min = table_signed ? -128.0f : 0.0f;
    step.table_max = table_signed ? 127.0f : 255.0f;
    step.table_output_signed = pick(0, 1) == 0;
    step.table_scale = real(0.1f, 2.0f);
    step.activation = static_cast<std::uint8_t>(Unary::kSilu);
    return step;
  }

  /// A plan and tile of random sizes. Huge multipliers leave what can be proved bounded.
  void check(const Build& build, const std::vector<Kind>& kinds, DType output, bool float_acc) {
    const int columns = static_cast<int>(pick(1, kMaxStoreColumns));
    const int rows = static_cast<int>(pick(1, kMaxPixels - 1));
    const bool huge = !float_acc && pick(0, 5) == 0;
    std::vector<float> multiplier(kMaxStoreColumns), bias(kMaxStoreColumns);
    for (int n = 0; n < kMaxStoreColumns; ++n) {
      multiplier[static_cast<std::size_t>(n)] = huge ? 1e12f : real(0.0005f, 0.004f);
      bias[static_cast<std::size_t>(n)] = real(-90.0f, 90.0f);
    }
    const int row_stride = (columns + 15) / 16 * 16;
    for (int i = 0; i < rows * row_stride; ++i) {
      const auto value = static_cast<std::int32_t>(pick(-100000, 100000));
      const float as_float = static_cast<float>(value) * 0.003f;
      auto* at = static_cast<char*>(acc_.get()) + 4 * i;
      __builtin_memcpy(at, float_acc ? static_cast<const void*>(&as_float) : &value, 4);
    }
    Epilogue e;
    e.multiplier = float_acc ? nullptr : multiplier.data();
    e.bias = bias.data();
    e.output_dtype = output;
    for (Kind kind : kinds) e.steps[e.step_count++] = make_step(kind);
    const std::size_t bytes = kMaxPixels * kPitch * size_of(output);
    std::vector<std::uint8_t> expected(bytes, 0xA5), actual(bytes, 0xA5);
    const AccumulatorTraits traits{float_acc, columns, 100};
    const std::int64_t y_pitch = pick(0, 3) == 0 ? columns : kPitch;
    const StorePlan plan = make_store_plan(e, actual.data(), y_pitch, traits, build.isa).value();
    const AccumulatorTile tile{acc_.get(), row_stride, rows, columns, 1, 0};
    build.select(plan)(plan, tile);
    for (int r = 0; r < rows; ++r) {
      for (int n = 0; n < columns; ++n) {
        const int at = r * row_stride + n;
        const float y =
            float_acc ? reference_scale(e, static_cast<const float*>(acc_.get())[at], n)
                      : reference_scale(e, static_cast<const std::int32_t*>(acc_.get())[at], n);
        reference_store(e, reference_steps(e, y, r + 1, n), expected.data(), (r + 1) * y_pitch + n);
      }
    }
    ASSERT_EQ(expected, actual) << rows << " rows, " << columns << " columns, output "
                                << to_string(output) << (huge ? ", huge multipliers" : "");
  }

  std::mt19937 random_{20240607};
  std::vector<std::uint8_t> residual_;
  std::vector<float> float_residual_ = std::vector<float>(kMaxPixels * kPitch + 64);
  std::array<std::uint8_t, 256> table_ = {};
  std::shared_ptr<void> acc_;
};

TEST_P(Store, EqualsDefinition) {
  const Build& build = GetParam();
  if (!supports(build.isa) || (build.needs_vbmi && !__builtin_cpu_supports("avx512vbmi"))) {
    GTEST_SKIP() << "this machine has no " << build.name;
  }
  fill();
  for (std::size_t list = 0; list < kStepLists.size(); ++list) {
    for (DType output : {DType::kInt8, DType::kUInt8, DType::kFloat32}) {
      for (int repeat = 0; repeat < 30; ++repeat) {
        ASSERT_NO_FATAL_FAILURE(check(build, kStepLists[list], output, false))
            << "step list " << list;
        ASSERT_NO_FATAL_FAILURE(check(build, kStepLists[list], output, true))
            << "step list " << list << ", float accumulators";
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Builds, Store, testing::ValuesIn(kBuilds),
                         [](const auto& build) { return std::string(build.param.name); });

TEST(StorePlanTest, RefusesAnEpilogueWithoutMultipliers) {
  std::int8_t y = 0;
  Epilogue e;
  e.output_dtype = DType::kInt8;
  const auto plan = make_store_plan(e, &y, 1, {false, 1, 1}, CpuIsa::kPortable);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.status().message(), "an INT8 layer needs multipliers and biases");
}

TEST(StorePlanTest, AbsorbsClipsIntoTheOutputRange) {
  std::uint8_t y = 0;
  const float one = 1.0f;
  Epilogue e;
  e.multiplier = e.bias = &one;
  e.output_dtype = DType::kUInt8;
  e.step_count = 2;
  e.steps[0].low = -3.0f;
  e.steps[0].high = 100.5f;
  e.steps[1].low = 2.5f;
  e.steps[1].high = 1000.0f;
  const StorePlan plan = make_store_plan(e, &y, 1, {false, 1, 1}, CpuIsa::kPortable).value();
  EXPECT_EQ(plan.epilogue.step_count, 0);
  EXPECT_EQ(plan.low, 2.5f);
  EXPECT_EQ(plan.high, 100.5f);
  EXPECT_TRUE(plan.bounded);
  EXPECT_EQ(plan.byte_low, 2);
  EXPECT_EQ(plan.byte_high, 100);
}

}  // namespace
}  // namespace xinfer::kernels
