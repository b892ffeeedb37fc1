// Weights of an inverted residual block as its kernel holds them.
#include <array>

#include "kernels/cuda/conv_constants.h"
#include "kernels/cuda/inverted_residual_kernels.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr std::int64_t kTaps = 9;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Channel of row `row` of a product's tile.
std::int64_t channel_of_row(std::int64_t row) { return row % 8 * 2 + row / 8; }

/// Appends the fragments of 16 rows of weights [rows][depth], `width` bytes of each from `begin` on
/// (16 or 32), as a warp's lanes hold them. What lies behind the matrix is zero.
void add_fragment(std::span<const std::byte> weights, std::int64_t rows, std::int64_t depth,
                  std::int64_t first_row, std::int64_t begin, std::int64_t width,
                  std::vector<std::byte>& to) {
  for (std::int64_t lane = 0; lane < 32; ++lane) {
    for (std::int64_t word = 0; word < width / 8; ++word) {
      const std::int64_t row = first_row + channel_of_row(lane / 4 + word % 2 * 8);
      for (std::int64_t byte = 0; byte < 4; ++byte) {
        const std::int64_t k = begin + word / 2 * 16 + lane % 4 * 4 + byte;
        const bool exists = row < rows && k < depth;
        to.push_back(exists ? weights[static_cast<std::size_t>(row * depth + k)] : std::byte{});
      }
    }
  }
}

/// Appends 16 values from `first` on, zeros behind the last.
void add_table(std::span<const float> values, std::int64_t first, std::vector<std::byte>& to) {
  std::array<float, 16> sixteen = {};
  for (std::size_t i = 0; i < 16; ++i) {
    const std::size_t at = static_cast<std::size_t>(first) + i;
    if (at < values.size()) sixteen[i] = values[at];
  }
  const auto bytes = std::as_bytes(std::span(sixteen));
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace

std::vector<std::byte> pack_inverted_residual(const InvertedResidualProblem& problem,
                                              const LayerConstants& expand,
                                              const LayerConstants& filter,
                                              std::span<const std::byte> project_weights) {
  const std::int64_t channels = problem.filter.shape.in_channels;
  const std::int64_t depth = problem.first().shape.in_channels;
  std::vector<std::byte> packed;
  for (std::int64_t first = 0; first < channels; first += 16) {
    if (problem.expand) {
      for (std::int64_t k = 0; k < ceil_div(depth, 16) * 16; k += 32) {
        const std::int64_t width = k + 16 < ceil_div(depth, 16) * 16 ? 32 : 16;
        add_fragment(expand.weights, channels, depth, first, k, width, packed);
      }
    }
    for (std::int64_t tap = 0; tap < kTaps; ++tap) {
      for (std::int64_t c = first; c < first + 16; ++c) {
        packed.push_back(c < channels ? filter.weights[static_cast<std::size_t>(c * kTaps + tap)]
                                      : std::byte{});
      }
    }
    add_table(expand.multiplier, first, packed);
    add_table(expand.bias, first, packed);
    add_table(filter.multiplier, first, packed);
    add_table(filter.bias, first, packed);
  }
  const std::int64_t outputs = problem.project.shape.out_channels;
  for (std::int64_t row = 0; row < stored_channels(problem.project); row += 16) {
    for (std::int64_t k = 0; k < ceil_div(channels, 16) * 16; k += 32) {
      add_fragment(project_weights, outputs, channels, row, k, 32, packed);
    }
  }
  return packed;
}

}  // namespace xinfer::kernels::cuda
