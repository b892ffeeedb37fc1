// Nearest-neighbour resize: whole blocks behind the last resized dimension are copied.
#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/movement/strided_loop.h"
#include "kernels/resize/coordinates.h"
#include "kernels/resize/implementations.h"

namespace xinfer::kernels {
namespace {

/// One element of the output type that holds the extrapolation value, as bytes.
std::vector<char> extrapolation_bytes(const ResizeParameters& p) {
  std::vector<char> bytes(size_of(p.y_dtype));
  switch (p.y_dtype) {
    case DType::kFloat32: {
      const auto value = static_cast<float>(p.extrapolation_value);
      std::memcpy(bytes.data(), &value, sizeof value);
      break;
    }
    case DType::kFloat64:
      std::memcpy(bytes.data(), &p.extrapolation_value, sizeof p.extrapolation_value);
      break;
    default: {
      // Little-endian integers of any width; x86-64 only.
      const auto value = static_cast<std::int64_t>(p.extrapolation_value);
      std::memcpy(bytes.data(), &value, bytes.size());
    }
  }
  return bytes;
}

class NearestResize : public Resize {
 public:
  NearestResize(std::span<const ResizeAxis> axes, const ResizeParameters& p)
      : element_(extrapolation_bytes(p)) {
    std::size_t rank = axes.size();
    std::int64_t inner = 1;
    while (rank > 0 && is_identity(axes[rank - 1], p.coordinates)) inner *= axes[--rank].in;
    block_bytes_ = inner * static_cast<std::int64_t>(element_.size());
    std::int64_t stride = block_bytes_;
    dims_.resize(rank);
    offsets_.resize(rank);
    for (std::size_t d = rank; d-- > 0;) {
      dims_[d] = axes[d].out;
      for (std::int64_t index : nearest_indices(axes[d], p)) {
        offsets_[d].push_back(index < 0 ? -1 : index * stride);
      }
      stride *= axes[d].in;
    }
  }

  void run(const void* x, void* y, ThreadPool& pool) override {
    std::int64_t rows = 1;
    for (std::size_t d = 0; d + 1 < dims_.size(); ++d) rows *= dims_[d];
    const std::int64_t width = dims_.empty() ? 1 : dims_.back();
    if (rows * width * block_bytes_ == 0) return;
    const std::size_t grain = (1 << 16) / static_cast<std::size_t>(width * block_bytes_) + 1;
    pool.parallel_ranges(static_cast<std::size_t>(rows), grain,
                         [&](std::size_t begin, std::size_t end) {
                           for (; begin < end; ++begin) {
                             const auto row = static_cast<std::int64_t>(begin);
                             copy_row(static_cast<const char*>(x),
                                      static_cast<char*>(y) + row * width * block_bytes_, row);
                           }
                         });
  }

 private:
  void copy_row(const char* x, char* y, std::int64_t row) const {
    if (dims_.empty()) {
      std::memcpy(y, x, static_cast<std::size_t>(block_bytes_));
      return;
    }
    std::int64_t base = 0;
    bool outside = false;
    for (std::size_t d = dims_.size() - 1; d-- > 0;) {
      const std::int64_t offset = offsets_[d][static_cast<std::size_t>(row % dims_[d])];
      outside |= offset < 0;
      base += offset;
      row /= dims_[d];
    }
    for (std::int64_t offset : offsets_.back()) {
      if (outside || offset < 0) {
        for (std::int64_t at = 0; at < block_bytes_;
             at += static_cast<std::int64_t>(element_.size())) {
          std::memcpy(y + at, element_.data(), element_.size());
        }
      } else if (block_bytes_ == 4) {
        std::memcpy(y, x + base + offset, 4);
      } else {
        std::memcpy(y, x + base + offset, static_cast<std::size_t>(block_bytes_));
      }
      y += block_bytes_;
    }
  }

  std::vector<char> element_;
  std::int64_t block_bytes_ = 0;
  std::vector<std::int64_t> dims_;  ///< output dimensions before the blocks
  std::vector<std::vector<std::int64_t>>
      offsets_;  ///< [dimension][output index], bytes; -1 outside
};

}  // namespace

std::unique_ptr<Resize> make_nearest_resize(std::span<const ResizeAxis> axes,
                                            const ResizeParameters& parameters) {
  return std::make_unique<NearestResize>(axes, parameters);
}

}  // namespace xinfer::kernels
