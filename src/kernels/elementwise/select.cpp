// Where, by element size.
#include "kernels/elementwise/select.h"

#include <cstdint>

namespace xinfer::kernels {
namespace {

template <typename T>
void select_elements(const StridedLoop<4>& loop, const bool* condition, const void* a,
                     const void* b, void* y, ThreadPool& pool) {
  const int inner = loop.rank - 1;
  const std::int64_t c_step = loop.strides[0][inner];
  const std::int64_t a_step = loop.strides[1][inner];
  const std::int64_t b_step = loop.strides[2][inner];
  for_each_run(loop, 1 << 16, pool, [&](const std::int64_t* at, std::int64_t n) {
    const bool* from_c = condition + at[0];
    const T* from_a = static_cast<const T*>(a) + at[1];
    const T* from_b = static_cast<const T*>(b) + at[2];
    T* to = static_cast<T*>(y) + at[3];
    for (std::int64_t i = 0; i < n; ++i) {
      to[i] = from_c[i * c_step] ? from_a[i * a_step] : from_b[i * b_step];
    }
  });
}

}  // namespace

void select(int element_bytes, const StridedLoop<4>& full, const bool* condition, const void* a,
            const void* b, void* y, ThreadPool& pool) {
  StridedLoop<4> loop = full;
  loop.collapse();
  switch (element_bytes) {
    case 1:
      return select_elements<std::uint8_t>(loop, condition, a, b, y, pool);
    case 2:
      return select_elements<std::uint16_t>(loop, condition, a, b, y, pool);
    case 4:
      return select_elements<std::uint32_t>(loop, condition, a, b, y, pool);
    default:
      return select_elements<std::uint64_t>(loop, condition, a, b, y, pool);
  }
}

}  // namespace xinfer::kernels
