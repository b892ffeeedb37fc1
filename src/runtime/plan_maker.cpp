#include "runtime/plan_maker.h"

#include <mutex>
#include <utility>

namespace xinfer::runtime {
namespace {

struct Current {
  std::mutex mutex;
  PlanMaker maker;
};

Current& current() {
  static Current instance;
  return instance;
}

}  // namespace

void set_plan_maker(PlanMaker maker) {
  const std::lock_guard lock(current().mutex);
  current().maker = std::move(maker);
}

PlanMaker plan_maker() {
  const std::lock_guard lock(current().mutex);
  return current().maker;
}

}  // namespace xinfer::runtime
