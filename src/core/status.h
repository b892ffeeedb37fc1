// Status and Result<T>: how fallible functions inside xinfer report failure. Exceptions appear
// only at the public border, where `value()` throws xinfer::Error.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "xinfer/core/error.h"

namespace xinfer {

/// Success, or an error code with a message that says where, what was found, what was needed.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(ErrorCode code, std::string message) : failure_(Failure{code, std::move(message)}) {}

  bool ok() const { return !failure_.has_value(); }
  /// Only for a failed status.
  ErrorCode code() const { return failure_->code; }
  const std::string& message() const { return failure_->message; }

  /// The same failure with "context: " put before its message; success stays success.
  Status with_context(const std::string& context) &&;

  /// Throws xinfer::Error if this is a failure.
  void value() const;

 private:
  struct Failure {
    ErrorCode code;
    std::string message;
  };
  std::optional<Failure> failure_;
};

/// A value or the reason why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}         // NOLINT: implicit
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {}  // NOLINT: implicit

  bool ok() const { return state_.index() == 0; }
  Status status() const { return ok() ? Status() : std::get<1>(state_); }

  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }

  /// The value; throws xinfer::Error if there is none.
  T value() && {
    status().value();
    return std::get<0>(std::move(state_));
  }

 private:
  std::variant<T, Status> state_;
};

/// A failed Status with a formatted message.
template <typename... Args>
Status failure(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return Status(code, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
Status invalid_argument(fmt::format_string<Args...> format, Args&&... args) {
  return failure(ErrorCode::kInvalidArgument, format, std::forward<Args>(args)...);
}
template <typename... Args>
Status invalid_model(fmt::format_string<Args...> format, Args&&... args) {
  return failure(ErrorCode::kInvalidModel, format, std::forward<Args>(args)...);
}
template <typename... Args>
Status unsupported(fmt::format_string<Args...> format, Args&&... args) {
  return failure(ErrorCode::kUnsupported, format, std::forward<Args>(args)...);
}
template <typename... Args>
Status internal_error(fmt::format_string<Args...> format, Args&&... args) {
  return failure(ErrorCode::kInternal, format, std::forward<Args>(args)...);
}
template <typename... Args>
Status io_error(fmt::format_string<Args...> format, Args&&... args) {
  return failure(ErrorCode::kIoError, format, std::forward<Args>(args)...);
}

}  // namespace xinfer

/// Returns from the calling function if `expression` (a Status) failed.
#define XINFER_RETURN_IF_ERROR(expression)                                    \
  do {                                                                        \
    if (::xinfer::Status xinfer_status_ = (expression); !xinfer_status_.ok()) \
      return xinfer_status_;                                                  \
  } while (false)

#define XINFER_CONCAT_INNER(a, b) a##b
#define XINFER_CONCAT(a, b) XINFER_CONCAT_INNER(a, b)

/// `XINFER_ASSIGN_OR_RETURN(auto x, f());` with f returning Result<T>.
#define XINFER_ASSIGN_OR_RETURN(declaration, expression)       \
  auto XINFER_CONCAT(xinfer_result_, __LINE__) = (expression); \
  if (!XINFER_CONCAT(xinfer_result_, __LINE__).ok())           \
    return XINFER_CONCAT(xinfer_result_, __LINE__).status();   \
  declaration = *std::move(XINFER_CONCAT(xinfer_result_, __LINE__))
