// Any bytes as an ONNX model: an error or a graph that the verifier accepts.
#include <span>

#include "fuzz_target.h"
#include "import/onnx_import.h"
#include "ir/verify.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The first byte chooses whether a fixed batch is freed.
  if (size == 0) return 0;
  xinfer::ImportOptions options;
  options.free_batch = (data[0] & 1) != 0;
  const auto graph = xinfer::import_onnx(std::as_bytes(std::span(data + 1, size - 1)), options);
  if (graph.ok()) require(xinfer::ir::verify(*graph).ok());
  return 0;
}
