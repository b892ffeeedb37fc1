#include "exit_code.h"

#include <gtest/gtest.h>

#include <new>

namespace xinfer::tools {
namespace {

TEST(ExitCode, TellsTheUsersErrorsFromOurs) {
  for (const ErrorCode code :
       {ErrorCode::kInvalidArgument, ErrorCode::kInvalidModel, ErrorCode::kUnsupported,
        ErrorCode::kOutOfMemory, ErrorCode::kDeviceError, ErrorCode::kIncompatibleEngine,
        ErrorCode::kIoError}) {
    EXPECT_EQ(exit_code(Error(code, "what is wrong")), 1) << to_string(code);
  }
  EXPECT_EQ(exit_code(Error(ErrorCode::kInternal, "a bug")), 2);
  EXPECT_EQ(exit_code(std::runtime_error("nobody expected it")), 2);
  EXPECT_EQ(exit_code(std::bad_alloc()), 2);
}

}  // namespace
}  // namespace xinfer::tools
