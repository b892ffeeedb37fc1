#include "tune/shipped_timings.h"

#include "tune/timing_cache.h"

namespace xinfer::tune {

const TimingCache& shipped_timings() {
  static const TimingCache cache = [] {
    TimingCache all;
    for (const std::string_view text : shipped_timing_texts()) {
      Result<TimingCache> one = TimingCache::parse(text, "shipped timings");
      if (one.ok()) all.merge(*one);
    }
    return all;
  }();
  return cache;
}

}  // namespace xinfer::tune
