#include "core/status.h"

namespace xinfer {

const char* to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kInvalidModel:
      return "invalid_model";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kOutOfMemory:
      return "out_of_memory";
    case ErrorCode::kDeviceError:
      return "device_error";
    case ErrorCode::kIncompatibleEngine:
      return "incompatible_engine";
    case ErrorCode::kIoError:
      return "io_error";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "unknown";
}

Error::Error(ErrorCode code, const std::string& message)
    : std::runtime_error(
          std::string(to_string(code)) + ": " + message +
          (code == ErrorCode::kInternal ? " (a bug in xinfer; please report it)" : "")),
      code_(code) {}

Status Status::with_context(const std::string& context) && {
  if (failure_) failure_->message = context + ": " + failure_->message;
  return std::move(*this);
}

void Status::value() const {
  if (failure_) throw Error(failure_->code, failure_->message);
}

}  // namespace xinfer
