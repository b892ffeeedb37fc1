#include "lower/cuda/replaced_launches.h"

#include <algorithm>
#include <set>

namespace xinfer::lower {
namespace {

/// The launches that the point's chosen kernel replaces.
int replaced_by(const BatchPoint& point) {
  return point.left_out ? 0 : point.candidates.front().replaces_previous;
}

/// Gives the launch points that end at these batches too.
void split_points(OpenLaunch& launch, const std::set<std::int64_t>& batches) {
  std::vector<BatchPoint> points;
  for (const std::int64_t batch : batches) {
    points.push_back(point_for(launch, batch));
    points.back().largest_batch = batch;
  }
  launch.points = std::move(points);
}

std::set<std::int64_t> batches_of(const OpenLaunch& launch) {
  std::set<std::int64_t> batches;
  for (const BatchPoint& point : launch.points) batches.insert(point.largest_batch);
  return batches;
}

}  // namespace

const BatchPoint& point_for(const OpenLaunch& launch, std::int64_t batch) {
  const auto it = std::find_if(launch.points.begin(), launch.points.end(),
                               [&](const auto& point) { return batch <= point.largest_batch; });
  return it == launch.points.end() ? launch.points.back() : *it;
}

void leave_out_replaced(OpenCudaPlan& open) {
  for (std::size_t i = open.launches.size(); i-- > 1;) {
    const OpenLaunch& launch = open.launches[i];
    int most = 0;
    for (const BatchPoint& point : launch.points) most = std::max(most, replaced_by(point));
    for (int distance = 1; distance <= most; ++distance) {
      OpenLaunch& before = open.launches[i - static_cast<std::size_t>(distance)];
      std::set<std::int64_t> batches = batches_of(before);
      batches.merge(batches_of(launch));
      split_points(before, batches);
      for (BatchPoint& point : before.points) {
        if (replaced_by(point_for(launch, point.largest_batch)) >= distance) point.left_out = true;
      }
    }
  }
}

}  // namespace xinfer::lower
