// Cases of the fused attention.
#include <cmath>
#include <cstring>

#include "gpu_case.h"
#include "kernels/cuda/attention_kernels.h"
#include "random.h"
#include "tensor_values.h"

namespace xinfer::gpu {
namespace {

using kernels::cuda::AttentionProblem;
using kernels::cuda::AttentionStrides;
using kernels::cuda::Operand;

/// [tokens, heads, dim] or [heads, tokens, dim], with a gap behind each token at times.
AttentionStrides random_strides(Random& random, std::int64_t heads, std::int64_t tokens,
                                std::int64_t dim) {
  AttentionStrides s;
  const std::int64_t gap = random.chance(3) ? 16 : 0;
  if (random.chance(2)) {
    s.head = dim;
    s.token = heads * dim + gap;
    s.image = tokens * s.token;
  } else {
    s.token = dim + gap;
    s.head = tokens * s.token;
    s.image = heads * s.head;
  }
  return s;
}

AttentionProblem random_problem(Random& random) {
  AttentionProblem p;
  p.scores = random.chance(2) ? DType::kInt8 : DType::kFloat16;
  p.dim = p.scores == DType::kInt8 ? 32 * random.pick(1, 4) : 16 * random.pick(1, 8);
  p.heads = random.pick(1, 3);
  p.queries = random.chance(2) ? random.pick(1, 40) : random.pick(100, 210);
  p.keys = random.chance(4) ? 64 * random.pick(1, 4) : random.pick(1, 260);
  p.output = random.chance(3) ? DType::kInt8 : random.chance(2) ? DType::kFloat16 : DType::kFloat32;
  const double spread = p.scores == DType::kInt8 ? 74.0 * 74.0 : 1.0 / 3.0;  // variance of q k
  p.factor =
      random.real(0.3f, 3.0f) / static_cast<float>(spread * std::sqrt(static_cast<double>(p.dim)));
  p.y_scale = random.real(0.002f, 0.01f);
  p.q = random_strides(random, p.heads, p.queries, p.dim);
  p.k = random_strides(random, p.heads, p.keys, p.dim);
  p.v = random_strides(random, p.heads, p.keys, p.dim);
  p.y = random_strides(random, p.heads, p.queries, p.dim);
  return p;
}

/// One query of one head, by the definition. A score errs by the float32 sum of its products (twice
/// over: tensor cores truncate) and its scaling; a weight by that, by exp2f (2 units in the last
/// place, CUDA's table) and by rounding to FP16 (smallest step 2^-24); a result is their quotient.
void expect_query(const AttentionProblem& p, const std::vector<std::uint8_t>& q,
                  const std::vector<std::uint8_t>& k, const std::vector<std::uint8_t>& v,
                  std::int64_t image, std::int64_t head, std::int64_t query, Expected& expected) {
  std::vector<double> weights;
  double largest = -1e300, exponent_error = 0;
  for (std::int64_t key = 0; key < p.keys; ++key) {
    double score = 0, magnitude = 0;
    for (std::int64_t d = 0; d < p.dim; ++d) {
      const double term =
          value_at(q, p.scores, image * p.q.image + head * p.q.head + query * p.q.token + d) *
          value_at(k, p.scores, image * p.k.image + head * p.k.head + key * p.k.token + d);
      score += term;
      magnitude += std::fabs(term);
    }
    const double steps = p.scores == DType::kInt8 ? 1.0 : 2.0 * static_cast<double>(p.dim);
    const double factor = double{p.factor};
    exponent_error = std::max(
        exponent_error, (steps * magnitude + 4 * std::fabs(score)) * std::fabs(factor) * 0x1p-24);
    weights.push_back(score * factor);
    largest = std::max(largest, score * factor);
  }
  double sum = 0;
  for (double& weight : weights) sum += weight = std::exp(weight - largest);
  const double relative = 2 * exponent_error + 0x1p-11 + static_cast<double>(p.keys + 16) * 0x1p-23;
  for (std::int64_t d = 0; d < p.dim; ++d) {
    double y = 0, magnitude = 0, small = 0;
    for (std::int64_t key = 0; key < p.keys; ++key) {
      const double value =
          value_at(v, DType::kFloat16, image * p.v.image + head * p.v.head + key * p.v.token + d);
      y += weights[static_cast<std::size_t>(key)] * value / sum;
      magnitude += weights[static_cast<std::size_t>(key)] * std::fabs(value) / sum;
      small += std::fabs(value) * 0x1p-25 / sum;
    }
    const auto at =
        static_cast<std::size_t>(image * p.y.image + head * p.y.head + query * p.y.token + d);
    double bound = 2 * relative * magnitude + small;
    if (p.output == DType::kInt8) {
      y = std::fmin(std::fmax(y / double{p.y_scale}, -128.0), 127.0);
      bound = bound / double{p.y_scale} + 0.5 + 0x1p-16;
    } else if (p.output == DType::kFloat16) {
      bound += std::fabs(y) * 0x1p-11 + 0x1p-25;
    }
    expected.values[at] = y;
    expected.bounds[at] = bound;
  }
}

}  // namespace

GpuCase attention_case(std::uint64_t seed) {
  Random random(seed);
  const AttentionProblem p = random_problem(random);
  constexpr int kWarps[] = {1, 2, 4, 5, 7, 8};
  const int warps = kWarps[random.pick(0, 5)];
  GpuCase result;
  auto spec = kernels::cuda::attention_kernel(p, warps);
  if (!spec.ok()) return result;
  result.spec = *std::move(spec);
  result.batch = random.pick(1, 2);
  const auto q = random.tensor(p.scores, result.batch * p.q.image);
  const auto k = random.tensor(p.scores, result.batch * p.k.image);
  const auto v = random.tensor(DType::kFloat16, result.batch * p.v.image);
  result.inputs = {{Operand::kInput, q}, {Operand::kInput2, k}, {Operand::kWeights, v}};
  result.y_bytes = static_cast<std::size_t>(result.batch * p.y.image) * size_of(p.output);
  result.description = fmt::format(
      "seed {}: attention of {} and {} tokens, {} heads of {}, {} to {}, {} warps", seed, p.queries,
      p.keys, p.heads, p.dim, to_string(p.scores), to_string(p.output), warps);
  result.expected = [=, batch = result.batch, bytes = result.y_bytes] {
    const std::size_t count = bytes / size_of(p.output);
    Expected expected{std::vector<std::uint8_t>(bytes, kFill), std::vector<double>(count),
                      std::vector<double>(count, -1.0)};
    for (std::int64_t image = 0; image < batch; ++image) {
      for (std::int64_t head = 0; head < p.heads; ++head) {
        for (std::int64_t query = 0; query < p.queries; ++query) {
          expect_query(p, q, k, v, image, head, query, expected);
        }
      }
    }
    return expected;
  };
  return result;
}

}  // namespace xinfer::gpu
