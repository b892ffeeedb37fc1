#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <vector>

#include "core/aligned_buffer.h"
#include "core/cpu_isa.h"
#include "core/status.h"
#include "core/thread_pool.h"
#include "xinfer/core/tensor.h"

namespace xinfer {
namespace {

TEST(Status, ContextPrecedesTheMessage) {
  const Status status = invalid_model("dims are {}", 3).with_context("node \"a\"");
  EXPECT_EQ(status.message(), "node \"a\": dims are 3");
  try {
    status.value();
    FAIL() << "a failed status must throw";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "invalid_model: node \"a\": dims are 3");
    EXPECT_EQ(error.code(), ErrorCode::kInvalidModel);
  }
}

TEST(Result, CarriesValueOrFailure) {
  Result<int> good = 3;
  Result<int> bad = unsupported("no");
  EXPECT_EQ(std::move(good).value(), 3);
  EXPECT_FALSE(bad.ok());
  EXPECT_EQ(bad.status().code(), ErrorCode::kUnsupported);
}

TEST(Tensor, RefusesAWrongType) {
  Tensor tensor(DType::kFloat32, {2, 2});
  try {
    tensor.values<std::int8_t>();
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "invalid_argument: tensor of float32 read as int8");
  }
}

TEST(Tensor, RefusesAWrongCount) {
  const float values[] = {1, 2, 3};
  EXPECT_THROW(Tensor(Shape{2, 2}, std::span<const float>(values)), Error);
}

TEST(Tensor, CopiesShareAndClonesDoNot) {
  const float values[] = {1, 2, 3};
  Tensor a(Shape{3}, std::span<const float>(values));
  Tensor shared = a;
  Tensor copy = a.clone();
  a.values<float>()[0] = 9;
  EXPECT_EQ(shared.values<float>()[0], 9);
  EXPECT_EQ(copy.values<float>()[0], 1);
}

TEST(AlignedBuffer, IsAlignedWithAZeroMargin) {
  const auto buffer = allocate_buffer(37);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.get()) % kBufferAlignment, 0u);
  const auto* bytes = static_cast<const unsigned char*>(buffer.get());
  for (std::size_t i = 37; i < 37 + kBufferMargin; ++i) EXPECT_EQ(bytes[i], 0);
}

TEST(ThreadPool, VisitsEveryIndexOnce) {
  for (int threads : {1, 2, 3}) {
    ThreadPool pool(threads);
    std::vector<std::atomic<int>> visits(1000);
    pool.parallel_for(visits.size(), [&](std::size_t i) { ++visits[i]; });
    pool.park();
    pool.parallel_ranges(visits.size(), 7, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) ++visits[i];
    });
    for (const auto& count : visits) EXPECT_EQ(count, 2);
  }
}

TEST(ThreadPool, LoopsOfMoreThreadsThanCoresDoNotWaitForSleepers) {
  // Twelve threads a core and workers that have to be woken: 1,000 loops took the 90 ms of a
  // scheduler's time slices each where every worker had to take part.
  ThreadPool pool(12 * available_processors());
  std::atomic<std::size_t> sum = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int loop = 0; loop < 1000; ++loop) {
    pool.parallel_for(static_cast<std::size_t>(pool.threads()), [&](std::size_t i) { sum += i; });
    if (loop % 4 == 0) pool.park();
  }
  const auto n = static_cast<std::size_t>(pool.threads());
  EXPECT_EQ(sum, 1000 * n * (n - 1) / 2);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

TEST(ThreadPool, ResultsOfALoopAreVisibleToTheNext) {
  ThreadPool pool(3);
  std::vector<int> values(5000, 0);  // plain: only the pool orders the accesses
  for (int loop = 0; loop < 2000; ++loop) {
    pool.parallel_for(3, [&](std::size_t part) {
      const std::size_t from = (part + static_cast<std::size_t>(loop)) % 3;
      for (std::size_t i = from; i < values.size(); i += 3) ++values[i];
    });
  }
  for (int value : values) ASSERT_EQ(value, 2000);
}

TEST(CpuIsa, NamesParseAndUnknownOnesAreRefused) {
  for (CpuIsa isa : supported_isas()) {
    EXPECT_EQ(parse_isa(to_string(isa)).value(), isa);
  }
  EXPECT_EQ(parse_isa("auto").value(), best_isa());
  EXPECT_FALSE(parse_isa("sse9").ok());
  EXPECT_TRUE(includes(CpuIsa::kAvx512Vnni, CpuIsa::kAvx2));
  EXPECT_FALSE(includes(CpuIsa::kAvx512Vnni, CpuIsa::kAvxVnni));
}

}  // namespace
}  // namespace xinfer
