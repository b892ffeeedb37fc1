// The one exception type that crosses xinfer's public interface.
#pragma once

#include <stdexcept>
#include <string>

namespace xinfer {

/// What went wrong, coarsely; the message says where, what was found and what was needed.
enum class ErrorCode {
  kInvalidArgument,     ///< A call's arguments contradict each other or the engine's bindings.
  kInvalidModel,        ///< The ONNX file is broken or not a valid model.
  kUnsupported,         ///< Valid, but outside what xinfer supports; the message says what is.
  kOutOfMemory,         ///< Host or device memory ran out.
  kDeviceError,         ///< A driver call failed, or the device is absent.
  kIncompatibleEngine,  ///< The engine file is damaged, foreign, newer, or for another device.
  kIoError,             ///< A file could not be read or written.
  kInternal,            ///< A bug in xinfer. User input never reaches it.
};

/// The code's name as messages print it, for example "invalid_model".
const char* to_string(ErrorCode code);

/// Thrown by every public function that fails. `what()` is "<code>: <message>".
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message);

  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace xinfer
