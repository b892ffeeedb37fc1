// Averages over all pixels and the product behind them: which may share a launch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/build.h"
#include "lower/cuda/test_plans.h"

namespace xinfer::lower {
namespace {

/// A volume or an image of 4 pixels a side, averaged by one window and multiplied, in FP16.
OpenCudaPlan averaged_product(std::size_t axes) {
  ir::GraphBuilder builder;
  std::vector<ir::Dim> dims = {ir::Dim::symbol("batch"), 32};
  dims.insert(dims.end(), axes, ir::Dim(4));
  const ir::ValueId x = builder.input("x", dims);
  const ir::ValueId y = builder.relu(x, "y");
  ir::Pool pool;
  pool.kind = kernels::PoolKind::kAverage;
  pool.kernel.assign(axes, 4);
  pool.strides = pool.dilations = std::vector<std::int64_t>(axes, 1);
  pool.pads_begin = pool.pads_end = std::vector<std::int64_t>(axes, 0);
  const ir::ValueId mean = builder.add(pool, {y}, "average");
  const ir::ValueId flat = builder.reshape(mean, {ir::Dim::symbol("batch"), 32}, "flat");
  builder.output(builder.matmul(flat, builder.random_constant({32, 10}), ir::kNoValue, "classes"));
  return lower(builder.graph(), all_half(builder.graph())).value();
}

bool shares_a_launch(const OpenCudaPlan& open) {
  for (const OpenLaunch& launch : open.launches) {
    for (const BatchPoint& point : launch.points) {
      for (const auto& spec : point.candidates) {
        if (spec.replaces_previous > 0) return true;
      }
    }
  }
  return false;
}

TEST(AveragedProduct, SharesALaunchWithAnAverageThatIsOne) {
  EXPECT_TRUE(shares_a_launch(averaged_product(2)));
  // A volume's average is two launches; only the second would be left out.
  EXPECT_FALSE(shares_a_launch(averaged_product(3)));
}

}  // namespace
}  // namespace xinfer::lower
