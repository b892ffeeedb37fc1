#include <gtest/gtest.h>

#include <vector>

#include "device/cuda_device.h"
#include "device/cuda_memory.h"
#include "device/cuda_module.h"
#include "device/cuda_stream.h"

namespace xinfer::cuda {
namespace {

TEST(CudaDriver, VersionText) {
  EXPECT_EQ(version_text(12040), "12.4");
  EXPECT_EQ(version_text(13000), "13.0");
}

TEST(CudaDriver, AbsenceIsExplained) {
  if (driver().ok()) GTEST_SKIP() << "this machine has a driver and a device";
  const Status status = driver().status();
  EXPECT_EQ(status.code(), ErrorCode::kDeviceError);
  EXPECT_NE(status.message().find("driver"), std::string::npos) << status.message();
  EXPECT_FALSE(device_count().ok());
  EXPECT_FALSE(Context::open(0).ok());
  EXPECT_FALSE(Buffer::allocate(16).ok());
}

class CudaDeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!driver().ok()) GTEST_SKIP() << driver().status().message();
  }
};

TEST_F(CudaDeviceTest, OrdinalOutOfRangeNamesTheCount) {
  const Status status = device_properties(1000).status();
  EXPECT_EQ(status.code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(status.message().find("cuda:1000"), std::string::npos);
}

TEST_F(CudaDeviceTest, FillsAndCopies) {
  Context context = Context::open(0).value();
  ContextScope scope(context);
  ASSERT_TRUE(scope.status().ok()) << scope.status().message();
  Stream stream = Stream::create().value();
  Buffer buffer = Buffer::allocate(1000).value();
  std::vector<unsigned char> host(1000, 1);
  copy_to_device(buffer.address(), host.data(), host.size()).value();
  const auto fill = [&] { return stream.fill(buffer.address() + 10, 7, 100); };
  Graph graph = Graph::capture(stream, fill).value();
  graph.launch(stream).value();
  stream.synchronize().value();
  copy_to_host(host.data(), buffer.address(), host.size()).value();
  for (std::size_t i = 0; i < host.size(); ++i) EXPECT_EQ(host[i], i >= 10 && i < 110 ? 7 : 1) << i;
}

TEST_F(CudaDeviceTest, CurrentContextIsKept) {
  Context first = Context::open(0).value();
  ContextScope scope(first);
  Context second = Context::open(0).value();
  EXPECT_EQ(first.handle(), second.handle());
}

TEST_F(CudaDeviceTest, ForeignImageIsRefused) {
  Context context = Context::open(0).value();
  ContextScope scope(context);
  const std::vector<std::byte> image(64);
  const Result<Module> module = Module::load(image);
  ASSERT_FALSE(module.ok());
  EXPECT_EQ(module.status().code(), ErrorCode::kIncompatibleEngine) << module.status().message();
}

TEST_F(CudaDeviceTest, AllocationFailureIsOutOfMemory) {
  Context context = Context::open(0).value();
  ContextScope scope(context);
  const Result<Buffer> buffer = Buffer::allocate(std::size_t{1} << 50);
  ASSERT_FALSE(buffer.ok());
  EXPECT_EQ(buffer.status().code(), ErrorCode::kOutOfMemory) << buffer.status().message();
}

}  // namespace
}  // namespace xinfer::cuda
