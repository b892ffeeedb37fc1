// Any text as a graph: an error, or a graph whose printed form reads back as the same text.
#include <string_view>

#include "fuzz_target.h"
#include "ir/text.h"
#include "ir/verify.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto graph = xinfer::ir::parse(text);
  if (!graph.ok() || !xinfer::ir::verify(*graph).ok()) return 0;
  const std::string printed = xinfer::ir::print(*graph, -1);
  const auto again = xinfer::ir::parse(printed);
  require(again.ok());
  require(xinfer::ir::print(*again, -1) == printed);
  return 0;
}
