// The text form: what it looks like, that it reads back equal, and that no text breaks the parser.
#include "ir/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>

#include "ir/build.h"
#include "ir/enum_names.h"
#include "ir/verify.h"

namespace xinfer::ir {
namespace {

const Dim kBatch = Dim::symbol("batch");

Graph parsed(const std::string& text) {
  Result<Graph> graph = parse(text);
  EXPECT_TRUE(graph.ok()) << graph.status().message() << "\n" << text;
  return graph.ok() ? *std::move(graph) : Graph();
}

bool same_tensor(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

void expect_same_value(const Graph& a, ValueId x, const Graph& b, ValueId y) {
  ASSERT_EQ(x == kNoValue, y == kNoValue);
  if (x == kNoValue) return;
  const Value &left = a.value(x), &right = b.value(y);
  EXPECT_EQ(left.name, right.name);
  EXPECT_EQ(left.dtype, right.dtype) << left.name;
  EXPECT_EQ(left.shape, right.shape) << left.name;
  EXPECT_EQ(left.scale, right.scale) << left.name;
  ASSERT_EQ(left.is_constant(), right.is_constant()) << left.name;
  if (!left.is_constant()) return;
  EXPECT_TRUE(same_tensor(*left.constant, *right.constant)) << left.name;
}

void expect_same_values(const Graph& a, const std::vector<ValueId>& x, const Graph& b,
                        const std::vector<ValueId>& y) {
  ASSERT_EQ(x.size(), y.size());
  for (std::size_t i = 0; i < x.size(); ++i) expect_same_value(a, x[i], b, y[i]);
}

/// Node by node, without the printer.
void expect_same_graph(const Graph& a, const Graph& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.opset, b.opset);
  expect_same_values(a, a.inputs(), b, b.inputs());
  ASSERT_EQ(a.order().size(), b.order().size());
  for (std::size_t i = 0; i < a.order().size(); ++i) {
    const Node &left = a.node(a.order()[i]), &right = b.node(b.order()[i]);
    EXPECT_EQ(left.name, right.name);
    EXPECT_EQ(left.origins, right.origins);
    EXPECT_TRUE(equal(left.op, right.op)) << left.name;
    expect_same_values(a, left.inputs, b, right.inputs);
    expect_same_values(a, left.outputs, b, right.outputs);
  }
  ASSERT_EQ(a.outputs().size(), b.outputs().size());
  for (std::size_t i = 0; i < a.outputs().size(); ++i) {
    EXPECT_EQ(a.outputs()[i].name, b.outputs()[i].name);
    expect_same_value(a, a.outputs()[i].value, b, b.outputs()[i].value);
  }
}

void expect_round_trip(const Graph& graph) {
  const std::string text = print(graph, -1);
  const Graph again = parsed(text);
  expect_same_graph(graph, again);
  EXPECT_EQ(print(again, -1), text);
}

/// A residual block before and after a fusion, as the golden file shows it.
Graph small_network() {
  GraphBuilder b("small");
  b.graph().opset = 17;
  const ValueId x = b.input("x", {kBatch, 3, Dim::symbol("height"), 32});
  const ValueId w = b.random_constant({4, 3, 3, 3}, 1, "conv1.weight");
  const ValueId bias = b.constant({4}, {0.5f, -1.25f, 0.1f, 3.0e-8f}, "conv1.bias");
  const ValueId conv1 = b.conv(x, w, bias, {.stride = 2, .pad = 1}, "conv1/out");
  const ValueId relu = b.relu(conv1, "relu1");
  const ValueId q = b.quantize(relu, DType::kUInt8, 0.0235294122f, "relu1_quantized");
  const ValueId w2 = b.random_constant({4, 4, 1, 1}, 2, "conv2.weight");
  EpilogueOp residual;
  residual.kind = EpilogueOp::Kind::kResidual;
  residual.residual_input = 3;
  residual.value_name = "sum";
  EpilogueOp clip;
  clip.low = 0;
  clip.value_name = "relu2";
  const ValueId conv2 = b.add(Conv{{1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 1, {residual, clip}},
                              {q, w2, kNoValue, q}, "relu2");
  b.graph().value(conv2).dtype = DType::kUInt8;
  b.graph().value(conv2).scale = 0.0625f;
  b.graph().node(b.value(conv2).producer).origins = {"conv2", "add", "relu2"};
  b.graph().rename_node(b.value(conv2).producer, "conv2");
  const ValueId pooled = b.global_average_pool(conv2, "pooled");
  const ValueId flat = b.reshape(pooled, {kBatch, 4}, "flat");
  b.output(flat, "features: all");
  return b.finish();
}

/// A failure prints the new text, to be reviewed and stored.
TEST(Text, GoldenFile) {
  std::ifstream file(XINFER_IR_TEST_DATA "/small_network.txt");
  ASSERT_TRUE(file) << "missing " XINFER_IR_TEST_DATA "/small_network.txt";
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(print(small_network()), golden.str());
}

TEST(Text, SmallNetworkReadsBack) {
  const Graph graph = small_network();
  expect_round_trip(graph);
  EXPECT_TRUE(verify(parsed(print(graph, -1))).ok());
}

/// One of each op with every field off its default.
std::vector<Op> every_op() {
  EpilogueOp residual;
  residual.kind = EpilogueOp::Kind::kResidual;
  residual.residual_input = 3;
  EpilogueOp table;
  table.kind = EpilogueOp::Kind::kUnary;
  table.function = kernels::Unary::kHardSigmoid;
  table.alpha = 0.2;
  table.beta = 0.1;
  table.table_input_scale = 0.1f;
  table.table_output_scale = 1e-30f;
  table.table_input_dtype = DType::kInt8;
  table.table_output_dtype = DType::kUInt8;
  table.value_name = "a \"quoted\"\n\x01 name";
  EpilogueOp clip;
  clip.low = -0.0;
  clip.high = 6;
  const Dim half = floordiv(Dim::symbol("h w"), Dim(2)) + Dim(1);
  return {Conv{{3, 5}, {2, 1}, {1, 2}, {0, 1}, {2, 3}, 4, {residual, table, clip}},
          MatMul{true, true, {clip}},
          Pool{kernels::PoolKind::kAverage, {3}, {2}, {2}, {1}, {0}, true, true, true},
          BatchNorm{1e-3},
          LayerNorm{2, 0.1},
          Softmax{1, true},
          Unary{kernels::Unary::kShrink, 0.5, -1.0 / 3},
          Binary{kernels::Binary::kGreaterOrEqual, {table}},
          Select{},
          Clip{-1e300, 5e-324},
          Cast{DType::kBFloat16},
          Reduce{kernels::ReduceKind::kLogSumExp, {0, 2}, false},
          ArgReduce{false, 3, false, true},
          Transpose{{2, 0, 1}},
          Reshape{{kBatch, half, Dim(2) * half - kBatch}},
          Slice{{0, half}, {kBatch, min(half, kBatch)}, {1, -1}},
          Concat{2},
          Pad{kernels::PadMode::kReflect, {-1, 0}, {2, 3}, 0.1},
          Gather{1},
          Expand{{half}},
          Resize{kernels::ResizeMode::kCubic,
                 kernels::CoordinateMode::kTfCropAndResize,
                 kernels::NearestMode::kCeil,
                 -0.5,
                 true,
                 true,
                 1.5,
                 {0, 0.25, 1, 1},
                 {1, 2.5},
                 {kBatch, half}},
          ShapeOf{{kBatch, half}, true},
          Quantize{},
          Dequantize{},
          ConvertImage{1.0 / 255, {0.485, 0.5}, {0.25, 1.0 / 3}, false}};
}

TEST(Text, EveryOpReadsBack) {
  const std::vector<Op> ops = every_op();
  ASSERT_EQ(ops.size(), std::variant_size_v<Op>);
  Graph graph;
  const ValueId x = graph.add_input("x", DType::kFloat32, {kBatch});
  for (const Op& op : ops) {
    const NodeId node = graph.add_node(op_name(op), op, {x, kNoValue, x}, {"", "%y: "});
    graph.value(graph.node(node).outputs[1]).scale = 1.0f / 3;
    expect_round_trip(graph);
  }
}

TEST(Text, FieldsWithTheirDefaultAreLeftOut) {
  Graph graph;
  const ValueId x = graph.add_input("x", DType::kFloat32, {4});
  graph.add_node("", Softmax{}, {x}, {"y"});
  graph.add_node("", Binary{}, {x, x}, {"z"});
  EXPECT_NE(print(graph).find("%y: float32[] = Softmax(%x)\n"), std::string::npos) << print(graph);
  EXPECT_NE(print(graph).find("= Binary(%x, %x) {function=add}\n"), std::string::npos)
      << print(graph);
}

TEST(Text, AnyBytesCanBeANumberOrAName) {
  std::string every_byte;
  for (int c = 0; c < 256; ++c) every_byte += static_cast<char>(c);
  for (const std::string& name :
       {every_byte, std::string("a b"), std::string("x:0"), std::string("/model/conv-1"),
        std::string("_"), std::string("}"), std::string("\xff\xfe")}) {
    GraphBuilder b(name);
    const ValueId x = b.input(name, {Dim::symbol(name)});
    b.output(b.relu(x, name), name);
    expect_round_trip(b.finish());
  }
}

Tensor tensor_of(DType dtype, Shape shape, std::uint32_t seed) {
  Tensor tensor(dtype, std::move(shape));
  std::mt19937 random(seed);
  auto* bytes = static_cast<unsigned char*>(tensor.data());
  for (std::size_t i = 0; i < tensor.size_bytes(); ++i) {
    bytes[i] = static_cast<unsigned char>(dtype == DType::kBool ? random() % 2 : random());
  }
  return tensor;
}

/// Random bits hold NaNs with payloads, denormals and infinities.
TEST(Text, ConstantsOfEveryTypeReadBackBitForBit) {
  for (const auto& entry : EnumNames<DType>::kList) {
    for (const Shape& shape : {Shape{}, Shape{0}, Shape{3}, Shape{2, 8}, Shape{5, 7}}) {
      for (std::uint32_t seed = 0; seed < 20; ++seed) {
        GraphBuilder b;
        b.output(b.constant(tensor_of(entry.value, shape, seed), "c"));
        SCOPED_TRACE(print(b.graph(), -1));
        expect_round_trip(b.graph());
      }
    }
  }
}

TEST(Text, ExtremeFloatsReadBack) {
  const float limit = std::numeric_limits<float>::infinity();
  GraphBuilder b;
  b.output(b.constant({6}, {-0.0f, limit, -limit, 1e-45f, 0.1f, 3.4028235e38f}, "c"));
  expect_round_trip(b.graph());
  EXPECT_NE(print(b.graph()).find("[-0, inf, -inf, 1e-45, 0.1, 3.4028235e+38]"), std::string::npos)
      << print(b.graph());
}

TEST(Text, ABrokenGraphCanBePrinted) {
  Graph graph;
  graph.add_node("n", Softmax{}, {77, -5}, {"y"});
  graph.add_output("y", 99);
  EXPECT_NE(print(graph).find("Softmax(%?77, %?-5) node \"n\""), std::string::npos) << print(graph);
}

std::string message(const std::string& body) {
  const Result<Graph> graph = parse("graph \"g\" opset 1 {\n" + body);
  return graph.ok() ? "parsed" : graph.status().message();
}

TEST(Text, Messages) {
  const std::string x = "input %x: float32[4]\n";
  EXPECT_EQ(parse("grap").status().message(), "line 1: expected \"graph\", found \"grap\"");
  EXPECT_EQ(message(""),
            "line 2: expected input, constant, output, a value or '}', but the text ends");
  EXPECT_EQ(message("}}"), "line 2: expected nothing behind the closing brace, found \"}\"");
  EXPECT_EQ(message("input %x: float33[4]").substr(0, 42),
            "line 2: found \"float33\", needs one of floa");
  EXPECT_EQ(message(x + x), "line 3: value \"x\" is defined a second time");
  EXPECT_EQ(message(x + "%y: float32[4] = Relu(%x)"),
            "line 3: found \"Relu\", needs the name of an operator");
  EXPECT_EQ(message(x + "%y: float32[4] = Clip(%z)"), "line 3: value \"z\" is not defined yet");
  EXPECT_EQ(message(x + "%y: float32[4] = Clip(%x) {depth=3}"),
            "line 3: Clip has no field \"depth\"");
  EXPECT_EQ(message(x + "%y: float32[4] = Clip(%x) {low=1, low=2}"),
            "line 3: field \"low\" is given twice");
  EXPECT_EQ(message(x + "%y: float32[4] = Clip(%x) {low=one}"),
            "line 3: expected a number, found \"one}\"");
  EXPECT_EQ(message(x + "%y: float32[4] = Gather(%x, %x) {axis=99999999999999999999}"),
            "line 3: expected a number that fits its type, found \"99999999999999999999\"");
  EXPECT_EQ(message(x + "%y: float32[4 = Clip(%x)"),
            "line 3: dimension \"4 = Clip(%x)\": unexpected '=' at position 2");
  EXPECT_EQ(message(x + "%y: float32[4], %y: float32[4] = Clip(%x)"),
            "line 3: value \"y\" is defined a second time");
  EXPECT_EQ(message("constant %c: float32[batch] = [1]"),
            "line 2: constant \"c\" has the symbolic dimension batch");
  EXPECT_EQ(message("constant %c: float32[4000000000] = [1]"),
            "line 2: constant has fewer elements than its shape [4000000000] needs");
  EXPECT_EQ(message("constant %c: float32[4294967296, 4294967296] = [1]"),
            "line 2: constant of shape [4294967296, 4294967296] is too large");
  EXPECT_EQ(message("constant %c: float32[2] = [1]\n}"), "line 2: expected ',', found \"]\"");
  EXPECT_EQ(message("constant %c: int8[1] = [300]\n}"),
            "line 2: expected a number that fits its type, found \"300]\"");
  EXPECT_EQ(message("constant %c: uint8[2] = hex 0g01\n}"), "line 2: expected 4 hex digits");
  EXPECT_EQ(message("constant %c: bool[2] = hex 0002\n}"), "line 2: a bool is neither 00 nor 01");
  EXPECT_EQ(message("constant %c: float16[1] = [1]\n}"),
            "line 2: expected \"hex\" for float16, found \"[1]\"");
  EXPECT_EQ(message("output \"y\" = _"), "line 2: a graph output needs a value");
  EXPECT_EQ(message("input %\"open"), "line 2: text ends before the closing quote");
}

TEST(Text, CommentsAndBlanksAreSkipped) {
  const Graph graph = parsed(
      "# a graph\ngraph \"g\" opset 1 { # of nothing\n\n  input %x:\n    float32[2, # two\n 3] }");
  EXPECT_EQ(graph.value(graph.inputs()[0]).shape, (SymbolicShape{2, 3}));
}

/// Seeded mutations of good texts: whatever still parses must be printable, verifiable and stable.
class TextFuzz : public testing::TestWithParam<int> {};

std::string mutated(std::string text, std::mt19937& random) {
  static constexpr std::string_view kTokens[] = {
      "%",         "\"", "[",     "]",     "{",    "}",
      "(",         ")",  ",",     "=",     "-",    "9223372036854775807",
      "floordiv(", "_",  "scale", "hex ",  "inf",  "nan",
      "#",         "\n", "\\x",   "1e999", "node", "from",
      "%x"};
  const auto position = [&] { return random() % (text.size() + 1); };
  const int count = 1 + static_cast<int>(random() % 4);
  for (int i = 0; i < count; ++i) {
    switch (random() % 5) {
      case 0:
        if (!text.empty()) text[random() % text.size()] = static_cast<char>(random());
        break;
      case 1:
        text.insert(position(), kTokens[random() % std::size(kTokens)]);
        break;
      case 2:
        text.erase(position(), random() % 8);
        break;
      case 3: {
        const std::string piece = text.substr(position(), random() % 40);
        text.insert(position(), piece);
        break;
      }
      default:
        text.resize(position());
    }
  }
  return text;
}

TEST_P(TextFuzz, NoTextBreaksTheParser) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  std::mt19937 random(static_cast<unsigned>(GetParam()));
  Graph ops;
  const ValueId x = ops.add_input("x", DType::kFloat32, {kBatch});
  for (const Op& op : every_op()) ops.add_node("", op, {x}, {op_name(op)});
  const std::string seeds[] = {print(small_network(), -1), print(ops, -1)};
  for (int round = 0; round < 400; ++round) {
    const Result<Graph> graph = parse(mutated(seeds[random() % 2], random));
    if (!graph.ok()) {
      ASSERT_EQ(graph.status().message().substr(0, 5), "line ");
      continue;
    }
    static_cast<void>(verify(*graph));  // must not crash; most mutants are invalid graphs
    const std::string text = print(*graph, -1);
    const Result<Graph> again = parse(text);
    ASSERT_TRUE(again.ok()) << again.status().message() << "\n" << text;
    ASSERT_EQ(print(*again, -1), text);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, TextFuzz, testing::Range(0, 20));

}  // namespace
}  // namespace xinfer::ir
