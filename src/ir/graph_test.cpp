// Building and rewriting graphs.
#include "ir/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "ir/build.h"
#include "ir/verify.h"

namespace xinfer::ir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Clip relu_op() { return {0, std::numeric_limits<double>::infinity()}; }

/// x -> a -> b -> c, each a Clip; c is the graph's output "y".
struct Chain {
  Chain() {
    x = builder.input("x", {Dim::symbol("batch"), 4});
    a = builder.relu(x, "a");
    b = builder.clip(a, 0, 6, "b");
    c = builder.relu(b, "c");
    builder.output(c, "y");
  }
  Graph& graph() { return builder.graph(); }
  NodeId producer(ValueId id) { return graph().value(id).producer; }

  GraphBuilder builder;
  ValueId x, a, b, c;
};

TEST(Graph, NamesAreUniqueAndFound) {
  Graph graph;
  const ValueId x = graph.add_input("x", DType::kFloat32, {4});
  const ValueId constant = graph.add_constant("x", Tensor(DType::kFloat32, {4}));
  const NodeId first = graph.add_node("n", relu_op(), {x}, {"x"});
  const NodeId second = graph.add_node("n", relu_op(), {x}, {"y"});
  const NodeId unnamed = graph.add_node("", relu_op(), {x}, {"z"});
  EXPECT_EQ(graph.value(constant).name, "x_2");
  EXPECT_EQ(graph.value(graph.node(first).outputs[0]).name, "x_3");
  EXPECT_EQ(graph.node(second).name, "n_2");
  EXPECT_EQ(graph.node(unnamed).name, "z");
  EXPECT_THAT(graph.node(unnamed).origins, ElementsAre("z"));
  EXPECT_EQ(graph.find_value("x_2"), constant);
  EXPECT_EQ(graph.find_value("nothing"), kNoValue);
  EXPECT_EQ(graph.find_node("n_2"), second);
  EXPECT_EQ(graph.find_node("nothing"), kNoNode);
  EXPECT_EQ(graph.unique_name("x"), "x_4");
  EXPECT_EQ(graph.unique_name("new"), "new");
}

TEST(Graph, AbsentOutputsMakeNoValue) {
  Graph graph;
  const ValueId x = graph.add_input("x", DType::kFloat32, {4});
  const NodeId node = graph.add_node("", relu_op(), {x}, {"", "indices"});
  EXPECT_EQ(graph.node(node).outputs[0], kNoValue);
  EXPECT_EQ(graph.value(graph.node(node).outputs[1]).producer_output, 1);
  EXPECT_EQ(graph.node(node).name, "indices");
}

TEST(Graph, UsersAreListedOnceInOrder) {
  GraphBuilder builder;
  const ValueId x = builder.input("x", {4});
  const ValueId square = builder.multiply(x, x);
  const ValueId sum = builder.add_values(square, x);
  builder.output(sum);
  const Graph graph = builder.finish();
  const NodeId multiply = graph.value(square).producer, add = graph.value(sum).producer;
  EXPECT_THAT(graph.users(x), ElementsAre(multiply, add));
  const UseMap uses(graph);
  EXPECT_EQ(uses.users(x), graph.users(x));
  EXPECT_THAT(uses.users(sum), IsEmpty());
  EXPECT_TRUE(graph.is_graph_output(sum));
  EXPECT_FALSE(graph.is_graph_output(square));
}

TEST(Graph, InsertionKeepsTheOrder) {
  Chain chain;
  Graph& graph = chain.graph();
  const NodeId a = chain.producer(chain.a), b = chain.producer(chain.b),
               c = chain.producer(chain.c);
  const NodeId before = graph.insert_node_before(b, "before", relu_op(), {chain.a}, {"before"});
  const NodeId after = graph.insert_node_after(b, "after", relu_op(), {chain.b}, {"after"});
  EXPECT_THAT(graph.order(), ElementsAre(a, before, b, after, c));
  graph.move_after(before, after);
  EXPECT_THAT(graph.order(), ElementsAre(a, b, after, before, c));
  graph.move_after(after, a);
  EXPECT_THAT(graph.order(), ElementsAre(a, after, b, before, c));
  graph.move_after(a, a);
  EXPECT_THAT(graph.order(), ElementsAre(a, after, b, before, c));
}

TEST(Graph, ReplacedUsesIncludeGraphOutputsButNotTheNewProducer) {
  Chain chain;
  Graph& graph = chain.graph();
  const NodeId cast = graph.insert_node_after(chain.producer(chain.c), "cast",
                                              Cast{DType::kFloat32}, {chain.c}, {"cast"});
  const ValueId result = graph.node(cast).outputs[0];
  graph.replace_uses(chain.c, result);
  EXPECT_EQ(graph.outputs()[0].value, result);
  EXPECT_EQ(graph.outputs()[0].name, "y");
  EXPECT_THAT(graph.node(cast).inputs, ElementsAre(chain.c));
}

TEST(Graph, RemovalFreesNames) {
  Chain chain;
  Graph& graph = chain.graph();
  const NodeId b = chain.producer(chain.b);
  graph.replace_uses(chain.b, chain.a);
  graph.remove_node(b);
  EXPECT_TRUE(graph.node(b).removed);
  EXPECT_FALSE(graph.is_live(chain.b));
  EXPECT_TRUE(graph.is_live(chain.a));
  EXPECT_EQ(graph.find_value("b"), kNoValue);
  EXPECT_EQ(graph.find_node("b"), kNoNode);
  const NodeId again = graph.add_node("b", relu_op(), {chain.a}, {"b"});
  EXPECT_EQ(graph.value(graph.node(again).outputs[0]).name, "b");
  EXPECT_EQ(graph.node(again).name, "b");
}

TEST(Graph, FusionAdoptsTheOutputOfTheNodeItSwallows) {
  Chain chain;
  Graph& graph = chain.graph();
  const NodeId a = chain.producer(chain.a), b = chain.producer(chain.b);
  graph.adopt_output(a, 0, chain.b);
  graph.remove_node(b);
  EXPECT_THAT(graph.node(a).outputs, ElementsAre(chain.b));
  EXPECT_EQ(graph.value(chain.b).producer, a);
  EXPECT_EQ(graph.value(chain.b).name, "b");
  EXPECT_EQ(graph.find_value("b"), chain.b);
  EXPECT_EQ(graph.find_value("a"), kNoValue);
  EXPECT_FALSE(graph.is_live(chain.a));
  EXPECT_TRUE(verify(graph).ok()) << verify(graph).message();
}

TEST(Graph, RenamingKeepsTheIndex) {
  Chain chain;
  Graph& graph = chain.graph();
  graph.rename_value(chain.a, "b");
  EXPECT_EQ(graph.value(chain.a).name, "b_2");
  EXPECT_EQ(graph.find_value("a"), kNoValue);
  EXPECT_EQ(graph.find_value("b_2"), chain.a);
  graph.rename_node(chain.producer(chain.a), "first");
  EXPECT_EQ(graph.find_node("first"), chain.producer(chain.a));
  EXPECT_TRUE(verify(graph).ok()) << verify(graph).message();
}

TEST(Graph, DeadNodesGo) {
  Chain chain;
  Graph& graph = chain.graph();
  const ValueId dead = chain.builder.relu(chain.b, "dead");
  chain.builder.relu(dead, "dead_too");
  EXPECT_EQ(graph.remove_dead_nodes(), 2);
  EXPECT_EQ(graph.order().size(), 3u);
  EXPECT_EQ(graph.find_value("dead"), kNoValue);
  EXPECT_EQ(graph.remove_dead_nodes(), 0);
  EXPECT_TRUE(verify(graph).ok()) << verify(graph).message();
}

TEST(Graph, CopiesAreIndependent) {
  Chain chain;
  Graph copy = chain.graph();
  copy.rename_value(chain.a, "renamed");
  copy.remove_dead_nodes();
  EXPECT_EQ(chain.graph().value(chain.a).name, "a");
  EXPECT_EQ(chain.graph().find_value("renamed"), kNoValue);
}

/// Building, asking and sweeping are linear: names that all collide are the worst case.
TEST(Graph, ThousandsOfNodesTakeMilliseconds) {
  const auto start = std::chrono::steady_clock::now();
  Graph graph;
  ValueId last = graph.add_input("x", DType::kFloat32, {4});
  for (int i = 0; i < 20000; ++i) {
    const NodeId node = graph.add_node("same", relu_op(), {last}, {"same"});
    last = graph.node(node).outputs[0];
    ASSERT_EQ(graph.find_value(graph.value(last).name), last);
  }
  EXPECT_EQ(graph.remove_dead_nodes(), 20000);
  const auto elapsed = std::chrono::steady_clock::now() - start;
  EXPECT_LT(elapsed, std::chrono::seconds(2));  // quadratic behaviour takes minutes
}

}  // namespace
}  // namespace xinfer::ir
