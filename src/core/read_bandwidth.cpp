// How fast cores read a buffer of a given size, over and over: one word of every cache line, so
// that lines are what is counted, not the width of loads.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "core/aligned_buffer.h"
#include "core/thread_pool.h"
#include "xinfer/core/device.h"

namespace xinfer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLineBytes = 64;
/// Bytes that a repetition reads at least, and for how long repetitions go on.
constexpr std::size_t kLeastBytes = std::size_t{4} * 1024 * 1024;
constexpr auto kDuration = std::chrono::milliseconds(4);
constexpr int kLeastRepetitions = 3;

std::uint64_t read_lines(const std::uint64_t* words, std::size_t lines) {
  constexpr std::size_t kWords = kLineBytes / sizeof(std::uint64_t);
  std::uint64_t sum[4] = {};
  std::size_t line = 0;
  for (; line + 4 <= lines; line += 4) {
    for (std::size_t i = 0; i < 4; ++i) sum[i] += words[(line + i) * kWords];
  }
  return sum[0] + sum[1] + sum[2] + sum[3];
}

}  // namespace

double cpu_read_gb_per_s(std::size_t bytes, int threads) {
  ThreadPool pool(std::max(threads, 1));
  const auto parts = static_cast<std::size_t>(pool.threads());
  const std::size_t part_bytes = align_up(std::max(bytes / parts, 4 * kLineBytes), 4 * kLineBytes);
  const auto buffer = allocate_buffer(part_bytes * parts);
  const auto* words = static_cast<const std::uint64_t*>(buffer.get());
  const std::size_t passes = std::max<std::size_t>(1, kLeastBytes / part_bytes);
  std::atomic<std::uint64_t> sink = 0;  // what is read must be used
  const auto read = [&](std::size_t part) {
    for (std::size_t pass = 0; pass < passes; ++pass) {
      sink +=
          read_lines(words + part * part_bytes / sizeof(std::uint64_t), part_bytes / kLineBytes);
    }
  };
  double best_ns = 1e30;
  const Clock::time_point begin = Clock::now();
  for (int i = 0; i < kLeastRepetitions || Clock::now() - begin < kDuration; ++i) {
    const Clock::time_point start = Clock::now();
    pool.parallel_for(parts, read);
    const std::chrono::duration<double, std::nano> time = Clock::now() - start;
    best_ns = std::min(best_ns, time.count());
  }
  return static_cast<double>(part_bytes * parts * passes) / best_ns;
}

}  // namespace xinfer
