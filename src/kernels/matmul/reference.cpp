// The product straight from its definition.
#include <cmath>

#include "kernels/conv/reference_epilogue.h"
#include "kernels/matmul/matmul.h"

namespace xinfer::kernels {
namespace {

template <typename T>
T element(const void* matrix, std::int64_t offset, std::int64_t row_stride, bool transposed,
          std::int64_t row, std::int64_t column) {
  if (transposed) std::swap(row, column);
  return static_cast<const T*>(matrix)[offset + row * row_stride + column];
}

template <typename A, typename B, typename Add>
void accumulate(const MatmulShape& s, const void* a, const void* b, std::size_t batch,
                std::int64_t row, std::int64_t n, const Add& add) {
  for (std::int64_t k = 0; k < s.k; ++k) {
    add(element<A>(a, s.a_offsets[batch], s.a_row_stride, s.transpose_a, row, k),
        element<B>(b, s.b_offsets[batch], s.b_row_stride, s.transpose_b, k, n));
  }
}

}  // namespace

void matmul_reference(const MatmulShape& s, ConvType type, const void* a, const void* b, void* y,
                      const Epilogue& epilogue) {
  for (std::int64_t pixel = 0; pixel < s.batch() * s.m; ++pixel) {
    const auto batch = static_cast<std::size_t>(pixel / s.m);
    const std::int64_t row = pixel % s.m;
    for (std::int64_t n = 0; n < s.n; ++n) {
      float value = 0.0f;
      if (type == ConvType::kF32) {
        float sum = 0.0f;
        accumulate<float, float>(s, a, b, batch, row, n,
                                 [&](float x, float w) { sum = std::fma(x, w, sum); });
        value = reference_scale(epilogue, sum, n);
      } else {
        std::int64_t sum = 0;
        const auto add = [&](std::int64_t x, std::int64_t w) { sum += x * w; };
        if (type == ConvType::kU8S8) {
          accumulate<std::uint8_t, std::int8_t>(s, a, b, batch, row, n, add);
        } else {
          accumulate<std::int8_t, std::int8_t>(s, a, b, batch, row, n, add);
        }
        value = reference_scale(epilogue, static_cast<std::int32_t>(sum), n);
      }
      value = reference_steps(epilogue, value, pixel, n);
      reference_store(epilogue, value, y, pixel * s.y_row_stride + n);
    }
  }
}

}  // namespace xinfer::kernels
