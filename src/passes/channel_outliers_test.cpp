#include "passes/channel_outliers.h"

#include "passes/test_graphs.h"

namespace xinfer::passes {
namespace {

using ir::GraphBuilder;
using ir::ValueId;

/// x -> product with an identity of size 4 -> GELU: every channel is about as large as x / 4.
struct Mlp {
  GraphBuilder builder;
  ValueId hidden, activated;

  Mlp() {
    const ValueId x = builder.input("x", {1, 4});
    std::vector<float> identity(16, 0.0f);
    for (std::size_t i = 0; i < 4; ++i) identity[i * 5] = 1;
    const ValueId w = builder.constant({4, 4}, identity, "w");
    hidden = builder.matmul(x, w, ir::kNoValue, "hidden");
    activated = builder.unary(kernels::Unary::kGelu, hidden, "activated");
  }
  std::string obstacle(double x, double activation) {
    RangeMap ranges;
    ranges["x"] = {x, -x, x};
    ranges[builder.graph().value(hidden).name] = {activation, -activation, activation};
    ranges[builder.graph().value(activated).name] = {activation, 0, activation};
    return channel_outlier_obstacle(builder.graph(), activated, ranges);
  }
};

TEST(ChannelOutliers, AnOrdinaryRangeIsTaken) {
  Mlp mlp;
  EXPECT_EQ(mlp.obstacle(8, 8), "");
  EXPECT_EQ(mlp.obstacle(8, 64), "");  // 32 times the typical 2
}

TEST(ChannelOutliers, ARangeFarBeyondTheTypicalChannelIsRefusedWithBothFigures) {
  Mlp mlp;
  const std::string name = mlp.builder.graph().value(mlp.activated).name;
  EXPECT_EQ(mlp.obstacle(8, 65), "\"" + name +
                                     "\" reaches 65 where a typical channel stays near 2: at one "
                                     "scale INT8 would keep only its outlier channels");
}

TEST(ChannelOutliers, AnInputWithoutAUsableRangeTellsNothing) {
  Mlp mlp;
  EXPECT_EQ(mlp.obstacle(0, 65), "");
  EXPECT_EQ(mlp.obstacle(1e-44, 65), "");
}

TEST(ChannelOutliers, NothingIsSaidWithoutRangesOrALayerBehind) {
  Mlp mlp;
  EXPECT_EQ(channel_outlier_obstacle(mlp.builder.graph(), mlp.activated, {}), "");
  RangeMap ranges;
  ranges["x"] = {1e6, -1e6, 1e6};
  EXPECT_EQ(channel_outlier_obstacle(mlp.builder.graph(), mlp.builder.graph().inputs()[0], ranges),
            "");
}

}  // namespace
}  // namespace xinfer::passes
