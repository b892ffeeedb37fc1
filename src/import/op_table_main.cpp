// Writes docs/supported-ops.md to standard output.
#include <cstdio>

#include "import/op_table.h"

int main() {
  const std::string text = xinfer::import::supported_ops_document();
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
}
