// Ops on types without a kernel are refused when the engine is built, by name.
#include "lower/operand_types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "ir/text.h"
#include "lower/lower.h"

namespace xinfer::lower {
namespace {

/// What lowering says of `%y = <op>` on an input of `dtype`.
std::string complaint(const std::string& dtype, const std::string& op) {
  const ir::Graph graph =
      ir::parse("graph \"net\" opset 17 {\n  input %x: " + dtype + "[4, 4]\n  %y: " + dtype +
                "[4, 4] = " + op + " node \"n\"\n  output \"y\" = %y\n}\n")
          .value();
  engine::BlobWriter blobs;
  return lower_cpu(graph, {}, blobs).status().message();
}

TEST(OperandTypes, ProductsAndSoftmaxTakeFloat32) {
  const std::string matmul = "MatMul(%x, %x, _) {transpose_a=false, transpose_b=false}";
  const std::string softmax = "Softmax(%x) {axis=1, log=false}";
  for (const std::string& op : {matmul, softmax}) {
    EXPECT_EQ(complaint("float32", op), "") << op;
    for (const char* dtype : {"float64", "int32"}) {
      EXPECT_THAT(complaint(dtype, op),
                  testing::AllOf(testing::HasSubstr("node \"n\""), testing::HasSubstr(dtype),
                                 testing::HasSubstr("supported: float32")))
          << op;
    }
  }
}

}  // namespace
}  // namespace xinfer::lower
