#include "lower/cuda/replaced_launches.h"

#include <algorithm>

namespace xinfer::lower {

const BatchPoint& point_for(const OpenLaunch& launch, std::int64_t batch) {
  const auto it = std::find_if(launch.points.begin(), launch.points.end(),
                               [&](const auto& point) { return batch <= point.largest_batch; });
  return it == launch.points.end() ? launch.points.back() : *it;
}

void leave_out_replaced(OpenCudaPlan& open) {
  for (std::size_t i = 1; i < open.launches.size(); ++i) {
    const OpenLaunch& launch = open.launches[i];
    const auto replaces = [](const BatchPoint& point) {
      return point.candidates.front().replaces_previous;
    };
    if (std::none_of(launch.points.begin(), launch.points.end(), replaces)) continue;
    OpenLaunch& before = open.launches[i - 1];
    std::vector<BatchPoint> points;  // of the launch before, at this launch's batches
    for (const BatchPoint& point : launch.points) {
      points.push_back(point_for(before, point.largest_batch));
      points.back().largest_batch = point.largest_batch;
      points.back().left_out = replaces(point);
    }
    before.points = std::move(points);
  }
}

}  // namespace xinfer::lower
