#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "kernels/cuda/conv_problem.h"
#include "kernels/cuda/depthwise_kernels.h"
#include "kernels/cuda/layer_source.h"
#include "kernels/cuda/row_kernels.h"
#include "kernels/cuda/space_to_depth.h"
#include "kernels/cuda/stem_kernels.h"
#include "kernels/cuda/wgmma_source.h"
#include "kernels/elementwise/kinds.h"

namespace xinfer::kernels::cuda {
namespace {

ConvProblem dense_problem(std::int64_t in, std::int64_t out) {
  static constexpr float kScaled = 1.0f;
  ConvProblem problem;
  ConvShape& s = problem.shape;
  s.in_h = s.in_w = s.out_h = s.out_w = 14;
  s.in_channels = in;
  s.out_channels = out;
  s.x_pixel_stride = (in + 15) / 16 * 16;
  s.y_pixel_stride = (out + 15) / 16 * 16;
  problem.epilogue.multiplier = &kScaled;
  problem.epilogue.output_dtype = DType::kUInt8;
  return problem;
}

TEST(ConvLayout, GroupsAreMergedToWholeGranules) {
  ConvShape shape;
  shape.in_channels = shape.out_channels = 128;
  shape.groups = 32;  // 4 channels each: four groups fill 16 bytes
  ConvLayout layout = conv_layout(shape, DType::kInt8);
  EXPECT_EQ(layout.merged, 4);
  EXPECT_EQ(layout.groups, 8);
  EXPECT_EQ(layout.group_in_channels, 16);
  EXPECT_EQ(layout.group_out_channels, 16);
  shape.in_channels = shape.out_channels = 9;
  shape.groups = 3;  // 3 channels each: no divisor of 3 helps
  layout = conv_layout(shape, DType::kInt8);
  EXPECT_EQ(layout.groups, 1);
  EXPECT_EQ(layout.group_in_channels, 16);
}

TEST(ConvLayout, PermutationPadsAtMostAnEighth) {
  for (std::int64_t out = 1; out <= 600; ++out) {
    ConvShape shape;
    shape.in_channels = 16;
    shape.out_channels = out;
    const ConvLayout layout = conv_layout(shape, DType::kInt8);
    EXPECT_GE(layout.group_rows, out);
    EXPECT_LE(layout.group_rows * 8, (out + 15) / 16 * 16 * 9) << out;
  }
}

TEST(ConvLayout, PackedRowsHoldEveryWeightOnce) {
  ConvShape shape;
  shape.in_channels = 6;
  shape.out_channels = 10;
  shape.groups = 2;
  shape.kernel_h = 2;
  const ConvLayout layout = conv_layout(shape, DType::kInt8);
  std::vector<std::int8_t> weights(static_cast<std::size_t>(10 * 2 * 3));
  std::iota(weights.begin(), weights.end(), std::int8_t{1});
  std::vector<std::int8_t> packed(layout.weight_bytes());
  pack_conv_weights(shape, layout, weights.data(), packed.data());
  std::multiset<int> found;
  for (const std::int8_t w : packed) {
    if (w != 0) found.insert(w);
  }
  EXPECT_EQ(found.size(), weights.size());
  EXPECT_EQ(std::set<int>(found.begin(), found.end()).size(), weights.size());
  // Row 0 holds channel 0; its second kernel row begins after the merged groups' channels.
  EXPECT_EQ(packed[0], 1);
  EXPECT_EQ(packed[static_cast<std::size_t>(layout.group_in_channels)], 4);
}

TEST(LayerSource, FloatLiteralsAreExact) {
  EXPECT_EQ(float_literal(0.1f), "0x1.99999ap-4f");
  EXPECT_EQ(float_literal(-2.0f), "-0x1p+1f");
}

TEST(LayerSource, ActivationStepsBecomeFunctions) {
  ConvProblem problem = dense_problem(64, 64);
  problem.epilogue.step_count = 2;
  problem.epilogue.steps[1].kind = EpilogueStep::Kind::kActivation;
  problem.epilogue.steps[1].activation = static_cast<std::uint8_t>(Unary::kGelu);
  const Result<KernelSpec> spec = mma_conv(problem, {});
  ASSERT_TRUE(spec.ok()) << spec.status().message();
  EXPECT_NE(spec->layer.find("float step_function<1>(float y) {\n  return xi::gelu(y);"),
            std::string::npos);
  problem.epilogue.steps[1].activation = static_cast<std::uint8_t>(Unary::kNot);
  EXPECT_EQ(mma_conv(problem, {}).status().code(), ErrorCode::kUnsupported);
}

TEST(ConvLayout, TheLastGroupReachesTheLayersPadding) {
  ConvShape shape;
  shape.groups = 3;
  shape.in_channels = 144;
  shape.out_channels = 90;
  const ConvLayout layout = conv_layout(shape, DType::kInt8);
  EXPECT_EQ(layout.groups, 3);
  EXPECT_GE(2 * layout.group_out_channels + layout.group_rows, 96);
}

TEST(WgmmaSource, Widths) {
  EXPECT_TRUE(is_wgmma_width(48));
  EXPECT_FALSE(is_wgmma_width(40));
  EXPECT_NE(wgmma_function(16, DType::kUInt8).find("m64n16k32.s32.u8.s8"), std::string::npos);
}

TEST(ConvProblem, MisalignedInputIsAnInternalError) {
  ConvProblem problem = dense_problem(24, 64);
  problem.shape.x_pixel_stride = 24;
  const Status status = mma_conv(problem, {}).status();
  EXPECT_EQ(status.code(), ErrorCode::kInternal);
  EXPECT_NE(status.message().find("16 bytes"), std::string::npos) << status.message();
}

TEST(WgmmaConv, CopiesOutWholeGranulesOfChannels) {
  WgmmaTactic tactic;
  tactic.tile_n = 64;
  tactic.copy_out = true;
  ConvProblem problem = dense_problem(64, 57);
  problem.shape.y_pixel_stride = 64;
  problem.output_align = 16;
  EXPECT_EQ(wgmma_conv(problem, tactic).status().code(), ErrorCode::kUnsupported);
  problem.stored_channels = 64;
  EXPECT_TRUE(wgmma_conv(problem, tactic).ok()) << wgmma_conv(problem, tactic).status().message();
}

TEST(ConvCandidates, SomeKernelForEveryTarget) {
  for (const std::int64_t channels : {3, 16, 24, 96, 144, 200, 512}) {
    const ConvProblem problem = dense_problem(channels, channels);
    for (const int capability : {80, 86, 89, 90, 100, 120}) {
      for (const std::int64_t batch : {1, 32}) {
        const auto specs = conv_candidates(problem, {capability, 100, true}, batch, 5);
        ASSERT_TRUE(specs.ok()) << specs.status().message();
        EXPECT_LE(specs->size(), 5u);
        for (const KernelSpec& spec : *specs) {
          EXPECT_LE(spec.least_capability, capability);
          EXPECT_TRUE(!spec.architecture_specific || capability == 90);
        }
      }
    }
  }
}

TEST(ConvCandidates, FewChannelsOnHopperUseTheHaloTile) {
  ConvProblem problem = dense_problem(64, 64);
  ConvShape& s = problem.shape;
  s.in_h = s.in_w = s.out_h = s.out_w = 56;
  s.kernel_h = s.kernel_w = 3;
  s.pad_top = s.pad_left = 1;
  const auto specs = conv_candidates(problem, {90, 132, true}, 128, 1);
  ASSERT_TRUE(specs.ok());
  EXPECT_EQ(specs->front().entry, "conv_wgmma_halo");
}

ConvProblem padded_3x3(std::int64_t in, std::int64_t out, std::int64_t size) {
  ConvProblem problem = dense_problem(in, out);
  ConvShape& s = problem.shape;
  s.in_h = s.in_w = s.out_h = s.out_w = size;
  s.kernel_h = s.kernel_w = 3;
  s.pad_top = s.pad_left = 1;
  return problem;
}

std::ptrdiff_t chunks_offered(const ConvProblem& problem, const ConvTarget& target,
                              std::int64_t batch) {
  const auto specs = conv_candidates(problem, target, batch, 8).value();
  return std::count_if(specs.begin(), specs.end(), [](const KernelSpec& spec) {
    return spec.entry == "conv_wgmma_halo_chunks";
  });
}

bool offers_chunks(const ConvProblem& problem, const ConvTarget& target, std::int64_t batch) {
  return chunks_offered(problem, target, batch) > 0;
}

TEST(ConvCandidates, ChunksAreForSeveralTapsWithoutStrides) {
  constexpr ConvTarget kH200{90, 132, true};
  EXPECT_TRUE(offers_chunks(padded_3x3(320, 32, 26), kH200, 32));
  EXPECT_TRUE(offers_chunks(padded_3x3(160, 48, 80), kH200, 8));
  EXPECT_TRUE(offers_chunks(padded_3x3(48, 192, 56), kH200, 128));
  EXPECT_TRUE(offers_chunks(padded_3x3(320, 320, 32), kH200, 128));
  EXPECT_FALSE(offers_chunks(padded_3x3(320, 32, 26), {80, 108, true}, 32));
  EXPECT_FALSE(offers_chunks(padded_3x3(320, 32, 26), {90, 132, false}, 32));
  EXPECT_FALSE(offers_chunks(padded_3x3(32, 64, 26), kH200, 32));  // less than a chunk
  EXPECT_FALSE(offers_chunks(dense_problem(320, 32), kH200, 32));  // one tap
  ConvProblem strided = padded_3x3(320, 32, 26);
  strided.shape.stride_h = strided.shape.stride_w = 2;
  strided.shape.out_h = strided.shape.out_w = 13;
  EXPECT_FALSE(offers_chunks(strided, kH200, 32));
}

TEST(ConvCandidates, ChunksTakeSomeOfThePlacesAndLeaveOthers) {
  constexpr ConvTarget kH200{90, 132, true};
  for (const std::int64_t batch : {1, 8, 128}) {
    const std::ptrdiff_t chunks = chunks_offered(padded_3x3(48, 320, 10), kH200, batch);
    EXPECT_GE(chunks, 2) << "batch " << batch;
    EXPECT_LE(chunks, 4) << "batch " << batch;
  }
}

TEST(HaloChunksConv, RefusesWhatItCannotCompute) {
  const auto refused = [](const ConvProblem& layer, const HaloChunksTactic& tactic) {
    return halo_chunks_conv(layer, tactic).status().code() == ErrorCode::kUnsupported;
  };
  const ConvProblem problem = padded_3x3(320, 32, 26);  // 28 positions a row
  EXPECT_TRUE(halo_chunks_conv(problem, {.rows = 4}).ok());
  EXPECT_TRUE(halo_chunks_conv(problem, {.rows = 4, .weight_stages = 0}).ok());
  for (const HaloChunksTactic& tactic :
       {HaloChunksTactic{.rows = 5}, HaloChunksTactic{.rows = 0}, HaloChunksTactic{.tile_n = 48},
        HaloChunksTactic{.rows = 4, .chunk_bytes = 32}, HaloChunksTactic{.rows = 4, .stages = 1},
        HaloChunksTactic{.rows = 4, .weight_stages = 1},
        HaloChunksTactic{.rows = 4, .turns = 2},  // four warpgroups
        HaloChunksTactic{.rows = 4, .stages = 12}}) {
    EXPECT_TRUE(refused(problem, tactic));
  }
  ConvProblem other = problem;
  other.shape.stride_w = 2;
  EXPECT_TRUE(refused(other, {.rows = 4}));
  other = problem;
  other.shape.dilation_h = 2;
  EXPECT_TRUE(refused(other, {.rows = 4}));
  other = problem;
  other.shape.groups = 2;  // of 160 channels
  EXPECT_TRUE(refused(other, {.rows = 4}));
}

/// 3 x 16 x 16 float32 in blocks of 2, a 4 x 4 convolution to 64 channels, pooled by 3 x 3.
StemProblem stem_problem() {
  static const float kPresent = 1.0f;
  StemProblem problem;
  problem.image_h = problem.image_w = 16;
  ConvShape& s = problem.conv.shape;
  s.in_h = s.in_w = s.out_h = s.out_w = 8;
  s.in_channels = 12;
  s.x_pixel_stride = 16;
  s.out_channels = s.y_pixel_stride = 64;
  s.kernel_h = s.kernel_w = 4;
  s.pad_top = s.pad_left = 2;
  problem.conv.epilogue.multiplier = problem.conv.epilogue.bias = &kPresent;
  problem.conv.epilogue.output_dtype = DType::kUInt8;
  problem.pool.emplace();
  problem.pool->height = problem.pool->width = {8, 4, 3, 2, 1, 1, 1};
  return problem;
}

TEST(StemKernel, RefusesWhatItCannotCompute) {
  const auto refused = [](const StemProblem& problem) {
    return stem_kernel(problem, {}).status().message() ==
           unsupported("the stem kernel for this layer").message();
  };
  ASSERT_TRUE(stem_kernel(stem_problem(), {}).ok());
  StemProblem problem = stem_problem();
  problem.pool->width.dilation = 2;
  EXPECT_TRUE(refused(problem));
  problem = stem_problem();
  problem.pool->height.stride = 4;  // rows between the windows
  EXPECT_TRUE(refused(problem));
  problem = stem_problem();
  problem.conv.shape.kernel_w = 3;  // no pairs of taps
  EXPECT_TRUE(refused(problem));
  problem = stem_problem();
  problem.conv.epilogue.output_dtype = DType::kFloat32;
  EXPECT_TRUE(refused(problem));
  problem = stem_problem();
  problem.conv.epilogue.step_count = 1;
  problem.conv.epilogue.steps[0].kind = EpilogueStep::Kind::kResidual;
  EXPECT_TRUE(refused(problem));
  const auto too_large = stem_kernel(stem_problem(), {.strip_rows = 64, .step_rows = 64});
  EXPECT_THAT(too_large.status().message(),
              testing::StartsWith("stem tactic of 64 rows, 64 at a time: "));
  EXPECT_FALSE(stem_candidates(stem_problem(), {80, 108, true}, 1, 8).ok());
  EXPECT_EQ(stem_candidates(stem_problem(), {90, 132, true}, 1, 8)->front().entry, "conv_stem");
}

TEST(LateWait, IsAFormOfItsOwn) {
  const ConvProblem problem = dense_problem(64, 64);
  const KernelSpec spec = latency_conv(problem, {}).value();
  ASSERT_TRUE(spec.may_wait_late);
  const KernelSpec late = waiting_late(spec);
  EXPECT_EQ(late.tactic, spec.tactic + "_late");
  EXPECT_EQ(translation_unit(late), "#define XI_WAITS_LATE\n" + translation_unit(spec));
  EXPECT_FALSE(wgmma_conv(problem, {}).value().may_wait_late);  // starts its successor at once
}

TEST(LayerNorm, KeepsTablesInRegistersWhereRowsAreFew) {
  LayerNormProblem problem;
  problem.rows = {.rows = 197, .length = 768, .x_pitch = 768, .y_pitch = 768};
  const auto tactics = [&](std::int64_t batch) {
    std::vector<std::string> names;
    for (const KernelSpec& spec : layer_norm_candidates(problem, batch, 132).value()) {
      names.push_back(spec.tactic);
    }
    return names;
  };
  const std::string early = "layer_norm_2rows_early", wide = "layer_norm_8rows";
  EXPECT_EQ(tactics(1), (std::vector{early, wide}));
  EXPECT_EQ(tactics(128), (std::vector{wide, early}));
  problem.constant_tables = false;  // a kernel may still be writing them
  EXPECT_EQ(tactics(1), std::vector{wide});
  problem.constant_tables = true;
  problem.rows.length = problem.rows.x_pitch = problem.rows.y_pitch = 4096;
  EXPECT_EQ(tactics(1), std::vector{wide});
}

TEST(GridRule, PersistentGridsAreWholeMultiples) {
  GridRule rule;
  rule.items_per_image = 196;
  rule.items_per_tile = 128;
  rule.tiles_per_item_tile = 8;
  EXPECT_EQ(rule.blocks(2, 132), 4 * 8);
  rule.persistent_blocks_per_multiprocessor = 1;
  rule.multiple = 8;
  EXPECT_EQ(rule.blocks(128, 132), 128);
  EXPECT_EQ(rule.blocks(1, 4), 8);
}

TEST(GridRule, TilesDoNotOverflow) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  GridRule rule;
  rule.items_per_image = std::int64_t{1} << 62;
  EXPECT_EQ(rule.tiles(1), std::int64_t{1} << 62);
  EXPECT_EQ(rule.tiles(4), kMost);
  rule.tiles_per_item_tile = 2;
  EXPECT_EQ(rule.tiles(1), kMost);
  rule.items_per_tile = kMost;
  EXPECT_EQ(rule.tiles(1), kMost);
}

// A strided convolution equals its space-to-depth form, tap for tap.
TEST(SpaceToDepth, TakesPatchesSideBySide) {
  ConvShape shape;
  shape.in_h = shape.in_w = 224;
  shape.out_h = shape.out_w = 14;
  shape.in_channels = 3;
  shape.out_channels = 768;
  shape.kernel_h = shape.kernel_w = shape.stride_h = shape.stride_w = 16;
  ASSERT_TRUE(can_use_space_to_depth(shape));
  const ConvShape moved = space_to_depth_shape(shape);
  EXPECT_EQ(moved.kernel_h * moved.kernel_w, 1);
  EXPECT_EQ(moved.in_channels, 768);
  EXPECT_EQ(moved.in_h, 14);
  shape.kernel_h = shape.kernel_w = 17;  // overlapping
  EXPECT_FALSE(can_use_space_to_depth(shape));
}

TEST(SpaceToDepth, MovesEveryWeight) {
  ConvShape shape;
  shape.in_h = shape.in_w = 224;
  shape.out_h = shape.out_w = 112;
  shape.in_channels = 3;
  shape.out_channels = 2;
  shape.kernel_h = shape.kernel_w = 7;
  shape.stride_h = shape.stride_w = 2;
  shape.pad_top = shape.pad_left = 3;
  ASSERT_TRUE(can_use_space_to_depth(shape));
  const ConvShape moved = space_to_depth_shape(shape);
  EXPECT_EQ(moved.kernel_h, 4);
  EXPECT_EQ(moved.stride_h, 1);
  EXPECT_EQ(moved.pad_top, 2);
  EXPECT_EQ(moved.in_h, 112);
  EXPECT_EQ(moved.in_channels, 12);
  std::vector<std::int8_t> weights(static_cast<std::size_t>(2 * 49 * 3));
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] = static_cast<std::int8_t>(i % 127 + 1);
  }
  std::vector<std::int8_t> result(static_cast<std::size_t>(2 * 16 * 12));
  space_to_depth_weights(shape, weights.data(), result.data(), 1);
  for (std::int64_t n = 0; n < 2; ++n) {
    for (std::int64_t ky = 0; ky < 7; ++ky) {
      for (std::int64_t kx = 0; kx < 7; ++kx) {
        for (std::int64_t c = 0; c < 3; ++c) {
          // Input row 2 * oy - 3 + ky is row oy - 2 + my of the moved image, part dy.
          const std::int64_t y = ky - 3 + 4, x = kx - 3 + 4;
          const std::int64_t my = y / 2, dy = y % 2, mx = x / 2, dx = x % 2;
          const std::int64_t to = ((n * 4 + my) * 4 + mx) * 12 + (dy * 2 + dx) * 3 + c;
          const std::int64_t from = ((n * 7 + ky) * 7 + kx) * 3 + c;
          EXPECT_EQ(result[static_cast<std::size_t>(to)], weights[static_cast<std::size_t>(from)]);
        }
      }
    }
  }
  EXPECT_EQ(std::count(result.begin(), result.end(), 0), 2 * (16 * 12 - 49 * 3));
}

}  // namespace
}  // namespace xinfer::kernels::cuda
