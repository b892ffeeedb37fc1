// Speed of the kernels that are not convolutions, on tensors of well-known networks: the best of
// several runs in µs and ns an element, one thread, warm caches.
//
//   kernels_ops_bench [isa]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "kernels/elementwise/binary.h"
#include "kernels/elementwise/unary.h"
#include "kernels/movement/movement.h"
#include "kernels/normalize/normalize.h"
#include "kernels/pool/pool.h"
#include "kernels/quantize/quantize.h"
#include "kernels/residual/residual.h"
#include "kernels/resize/resize.h"
#include "kernels/softmax/softmax.h"
#include "kernels/table/table.h"

namespace xinfer::kernels {
namespace {

/// Buffers large enough for every case, filled with what activations look like.
struct Buffers {
  std::vector<float> x, z, y;
  std::vector<std::uint8_t> a, b, c;

  explicit Buffers(std::size_t size) : x(size), z(size), y(size), a(size), b(size), c(size) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (std::size_t i = 0; i < size; ++i) {
      x[i] = normal(random);
      z[i] = normal(random);
      a[i] = static_cast<std::uint8_t>(random());
      b[i] = static_cast<std::uint8_t>(random());
    }
  }
};

template <typename Body>
void report(const std::string& name, std::int64_t elements, const Body& body) {
  using Clock = std::chrono::steady_clock;
  double best = 1e9;
  const auto end = Clock::now() + std::chrono::milliseconds(200);
  while (Clock::now() < end) {
    const auto start = Clock::now();
    body();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  fmt::print("{:34} {:9.1f} µs {:8.3f} ns/element\n", name, best * 1e6,
             best * 1e9 / static_cast<double>(elements));
}

void bench_float(Buffers& t, CpuIsa isa, ThreadPool& pool) {
  for (Unary op : {Unary::kExp, Unary::kLog, Unary::kErf, Unary::kTanh, Unary::kSigmoid,
                   Unary::kSilu, Unary::kGelu, Unary::kGeluTanh, Unary::kMish}) {
    const UnaryLoop loop = unary_loop_f32(op, isa);
    report(std::string(to_string(op)) + " 16k", 1 << 14,
           [&] { loop(t.x.data(), t.y.data(), 1 << 14, 0, 0); });
  }
  const std::int64_t grid[] = {1, 56, 56, 64}, row[] = {64};
  const auto same = broadcast<2>({grid, grid}).value();
  report("Add 64 x 56^2", same.size(), [&] {
    binary(Binary::kAdd, DType::kFloat32, same, t.x.data(), t.z.data(), t.y.data(), isa, pool)
        .value();
  });
  const auto channel = broadcast<2>({grid, row}).value();
  report("Mul by channel 64 x 56^2", channel.size(), [&] {
    binary(Binary::kMul, DType::kFloat32, channel, t.x.data(), t.z.data(), t.y.data(), isa, pool)
        .value();
  });
  const SoftmaxShape attention = dense_softmax_shape(3 * 197, 197, 1);
  report("Softmax 3 x 197 x 197", 3 * 197 * 197,
         [&] { softmax(attention, {}, t.x.data(), t.y.data(), isa, pool).value(); });
  report("Softmax 3 x 197 x 197 to u8", 3 * 197 * 197, [&] {
    const SoftmaxParameters p{.y_dtype = DType::kUInt8, .y_scale = 1.0f / 255};
    softmax(attention, p, t.x.data(), t.c.data(), isa, pool).value();
  });
  RowNormParameters p{.rows = 197, .n = 192, .x_stride = 192, .y_stride = 192};
  p.scale = t.z.data();
  p.bias = t.z.data();
  report("LayerNormalization 197 x 192", 197 * 192,
         [&] { layer_norm(p, t.x.data(), t.y.data(), isa, pool).value(); });
  p.y_dtype = DType::kInt8;
  p.y_scale = 0.02f;
  report("LayerNormalization 197 x 192 to s8", 197 * 192,
         [&] { layer_norm(p, t.x.data(), t.c.data(), isa, pool).value(); });
}

void bench_int8(Buffers& t, CpuIsa isa, ThreadPool& pool) {
  constexpr std::int64_t kElements = 64 * 56 * 56;
  ConvertShape image{.pixels = 224 * 224, .channels = 3, .x_order = ChannelOrder::kPlanar};
  image.y_pixel_stride = 3;
  report("Quantise 3 x 224^2 NCHW to NHWC", 3 * 224 * 224, [&] {
    convert(image, DType::kFloat32, t.x.data(), DType::kInt8, t.c.data(), 0.02f, isa, pool).value();
  });
  ConvertShape flat{.pixels = 56 * 56, .channels = 64};
  flat.x_pixel_stride = flat.y_pixel_stride = 64;
  report("Quantise 64 x 56^2", kElements, [&] {
    convert(flat, DType::kFloat32, t.x.data(), DType::kUInt8, t.c.data(), 0.02f, isa, pool).value();
  });
  report("Requantise 64 x 56^2", kElements, [&] {
    convert(flat, DType::kUInt8, t.a.data(), DType::kUInt8, t.c.data(), 0.7f, isa, pool).value();
  });
  report("Dequantise 64 x 56^2", kElements, [&] {
    convert(flat, DType::kUInt8, t.a.data(), DType::kFloat32, t.y.data(), 0.02f, isa, pool).value();
  });
  ResidualShape grid{.pixels = 56 * 56, .channels = 64};
  grid.a_pixel_stride = grid.b_pixel_stride = grid.y_pixel_stride = 64;
  grid.b_batch_stride = kElements;
  ResidualParameters sum{.y_dtype = DType::kUInt8, .a_factor = 0.6f, .b_factor = 0.7f};
  report("INT8 add 64 x 56^2", kElements,
         [&] { residual(grid, sum, t.a.data(), t.b.data(), t.c.data(), isa, pool).value(); });
  grid.b_pixel_stride = 0;
  sum.op = ResidualOp::kMultiply;
  report("INT8 multiply by channel 64 x 56^2", kElements,
         [&] { residual(grid, sum, t.a.data(), t.b.data(), t.c.data(), isa, pool).value(); });
  report("Table 64 x 56^2", kElements, [&] {
    table_lookup({56 * 56, 64, 64, 64}, t.a.data(), t.c.data(), t.b.data(), isa, pool);
  });
  PoolShape stem{.channels = 64, .x_pixel_stride = 64, .y_pixel_stride = 64};
  stem.height = stem.width = {112, 56, 3, 2, 1, 1, 0};
  report("MaxPool u8 3 x 3 / 2, 64 x 112^2", kElements,
         [&] { max_pool(stem, DType::kUInt8, t.a.data(), t.c.data(), isa, pool).value(); });
  PoolShape global{.channels = 2048, .x_pixel_stride = 2048, .y_pixel_stride = 2048};
  global.height = global.width = {7, 1, 7, 1, 1, 0, 0};
  const AveragePoolParameters average{.x_dtype = DType::kUInt8, .y_dtype = DType::kUInt8};
  report("GlobalAveragePool u8 2048 x 7^2", 2048 * 49,
         [&] { average_pool(global, average, t.a.data(), t.c.data(), isa, pool).value(); });
}

void bench_movement(Buffers& t, CpuIsa isa, ThreadPool& pool) {
  const std::int64_t nchw[] = {1, 64, 56, 56};
  const int to_nhwc[] = {0, 2, 3, 1};
  report("Transpose f32 NCHW to NHWC 64", 64 * 56 * 56,
         [&] { transpose(4, nchw, to_nhwc, t.x.data(), t.y.data(), pool); });
  report("Transpose u8 NCHW to NHWC 64", 64 * 56 * 56,
         [&] { transpose(1, nchw, to_nhwc, t.a.data(), t.c.data(), pool); });
  const std::int64_t qkv[] = {197, 3, 3, 64};
  const int heads[] = {1, 2, 0, 3};
  report("Transpose f32 QKV to heads", 197 * 9 * 64,
         [&] { transpose(4, qkv, heads, t.x.data(), t.y.data(), pool); });
  const ResizeAxis axes[] = {{1, 1}, {40, 80, 2.0}, {40, 80, 2.0}, {64, 64}};
  ResizeParameters p;
  p.x_dtype = p.y_dtype = DType::kUInt8;
  const auto nearest = make_resize(axes, p, isa).value();
  report("Resize nearest u8 64 x 40^2 to 80^2", 64 * 6400,
         [&] { nearest->run(t.a.data(), t.c.data(), pool); });
  p.mode = ResizeMode::kLinear;
  const auto linear = make_resize(axes, p, isa).value();
  report("Resize linear u8 64 x 40^2 to 80^2", 64 * 6400,
         [&] { linear->run(t.a.data(), t.c.data(), pool); });
}

}  // namespace
}  // namespace xinfer::kernels

int main(int argc, char** argv) {
  using namespace xinfer;
  const auto isa = parse_isa(argc > 1 ? argv[1] : "auto");
  if (!isa.ok()) {
    fmt::print(stderr, "{}\n", isa.status().message());
    return 1;
  }
  fmt::print("instruction set {}\n", to_string(*isa));
  kernels::Buffers buffers(std::size_t{1} << 20);
  ThreadPool pool(1);
  kernels::bench_float(buffers, *isa, pool);
  kernels::bench_int8(buffers, *isa, pool);
  kernels::bench_movement(buffers, *isa, pool);
  return 0;
}
