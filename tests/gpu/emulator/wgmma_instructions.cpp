// wgmma: products of shared-memory operands, sixteen rows a warp. A warp's part takes effect on its
// own, at any moment until the warp waits for it.
#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>

#include "instructions.h"
#include "random.h"

namespace xinfer::gpu::emulator {
namespace {

constexpr int kDepthBytes = 32;
constexpr int kRowsOfWarp = 16;

// A K-major operand as its descriptor gives it (PTX ISA 9.0, Asynchronous Warpgroup Level Matrix
// Shared Memory Layout).
struct SharedOperand {
  std::uint32_t start, leading_bytes, stride_bytes;
  std::uint32_t span;  ///< of the swizzle; 0: none

  explicit SharedOperand(std::uint64_t descriptor)
      : start(static_cast<std::uint32_t>(descriptor & 0x3FFF) << 4),
        leading_bytes(static_cast<std::uint32_t>(descriptor >> 16 & 0x3FFF) << 4),
        stride_bytes(static_cast<std::uint32_t>(descriptor >> 32 & 0x3FFF) << 4) {
    constexpr std::uint32_t kSpans[] = {0, 128, 64, 32};
    span = kSpans[descriptor >> 62];
  }
  /// Address of 16 bytes of K, the `half`-th, of a row.
  std::uint32_t address(int row, int half) const {
    const auto r = static_cast<std::uint32_t>(row), h = static_cast<std::uint32_t>(half);
    if (span == 0) return start + r / 8 * stride_bytes + r % 8 * 16 + h * leading_bytes;
    const std::uint32_t plain = start + r / 8 * stride_bytes + r % 8 * span + h * 16;
    return plain ^ ((plain >> 7 & (span / 16 - 1)) << 4);
  }
};

// Rows of an operand, copied out and widened, so that the product is a plain loop.
struct Rows {
  std::vector<std::array<std::uint8_t, kDepthBytes>> bytes;

  Rows(SharedMemory& shared, const std::vector<std::uint32_t>& granules, std::size_t first,
       std::size_t rows)
      : bytes(rows) {
    for (std::size_t i = 0; i < rows * 2; ++i) {
      std::memcpy(bytes[i / 2].data() + i % 2 * 16, shared.at(granules[first + i] * kGranule), 16);
    }
  }
  std::vector<std::array<std::int16_t, kDepthBytes>> integers(bool is_signed) const {
    std::vector<std::array<std::int16_t, kDepthBytes>> result(bytes.size());
    for (std::size_t row = 0; row < bytes.size(); ++row) {
      for (std::size_t k = 0; k < kDepthBytes; ++k) {
        const std::uint8_t byte = bytes[row][k];
        result[row][k] = is_signed ? static_cast<std::int8_t>(byte) : std::int16_t{byte};
      }
    }
    return result;
  }
  std::vector<std::array<float, kDepthBytes / 2>> halves() const {
    std::vector<std::array<float, kDepthBytes / 2>> result(bytes.size());
    for (std::size_t row = 0; row < bytes.size(); ++row) {
      for (std::size_t k = 0; k < kDepthBytes / 2; ++k) {
        std::uint16_t half = 0;
        std::memcpy(&half, &bytes[row][2 * k], 2);
        result[row][k] = from_half(half);
      }
    }
    return result;
  }
};

std::int32_t product(const std::array<std::int16_t, kDepthBytes>& a,
                     const std::array<std::int16_t, kDepthBytes>& b) {
  std::int32_t sum = 0;
  for (std::size_t k = 0; k < kDepthBytes; ++k) sum += a[k] * b[k];
  return sum;
}

double product(const std::array<float, kDepthBytes / 2>& a,
               const std::array<float, kDepthBytes / 2>& b) {
  double sum = 0;
  for (std::size_t k = 0; k < kDepthBytes / 2; ++k) {
    sum += static_cast<double>(a[k]) * static_cast<double>(b[k]);
  }
  return sum;
}

// A warp's part of one product.
struct WarpProduct {
  int columns;
  bool is_float, is_signed, accumulate;
  std::array<std::uint8_t*, 32> accumulators;  ///< of each lane: columns / 2 words
  SharedMemory* shared;
  std::vector<std::uint32_t> granules;  ///< two a row: the rows of a, then those of b

  template <typename Sum, typename Factors>
  void add(const Factors& a, const Factors& b) const {
    for (int lane = 0; lane < 32; ++lane) {
      for (int i = 0; i < columns / 2; ++i) {
        const auto row = static_cast<std::size_t>(lane / 4 + i / 2 % 2 * 8);
        const auto column = static_cast<std::size_t>(i / 4 * 8 + lane % 4 * 2 + i % 2);
        Sum sum = 0;
        std::uint8_t* at = accumulators[static_cast<std::size_t>(lane)] + 4 * i;
        if (accumulate) std::memcpy(&sum, at, 4);
        sum = static_cast<Sum>(sum + product(a[row], b[column]));
        std::memcpy(at, &sum, 4);
      }
    }
  }
  void run() const {
    const Rows a(*shared, granules, 0, kRowsOfWarp);
    const Rows b(*shared, granules, 2 * kRowsOfWarp, static_cast<std::size_t>(columns));
    if (is_float) {
      add<float>(a.halves(), b.halves());
    } else {
      add<std::int32_t>(a.integers(is_signed), b.integers(true));
    }
  }
};

std::array<std::uint8_t*, 32> accumulators_of(Machine& machine, const Warp& warp, int words) {
  std::array<std::uint8_t*, 32> result = {};
  for (std::size_t lane = 0; lane < 32; ++lane) {
    const Operand* o = warp.operands[lane];
    result[lane] = static_cast<std::uint8_t*>(o[0].out);
    for (int i = 0; i < words; ++i) {
      if (o[i].out != result[lane] + 4 * i) machine.fail("wgmma accumulators are not one array");
    }
  }
  return result;
}

void add_granules(Machine& machine, std::uint64_t descriptor, int first_row, int rows,
                  std::vector<std::uint32_t>& granules) {
  const SharedOperand operand(descriptor);
  for (int row = first_row; row < first_row + rows; ++row) {
    for (int half = 0; half < 2; ++half) {
      const std::uint32_t address = operand.address(row, half);
      if (!machine.block().shared.contains(address, kGranule)) {
        machine.fail(fmt::format("wgmma reads outside shared memory, at {}", address));
      }
      granules.push_back(address / kGranule);
    }
  }
}

// Operands: columns / 2 accumulators, descriptors of a and b, whether to accumulate.
void issue_product(Machine& machine, Warp& warp, const Instruction& instruction) {
  const int words = instruction.columns / 2;
  const Operand* o = warp.operands[0];
  const int warp_of_group = machine.thread().index / 32 % 4;
  WarpProduct product{instruction.columns,
                      instruction.is_float,
                      instruction.is_signed,
                      low_word(o[words + 2]) != 0,
                      accumulators_of(machine, warp, words),
                      &machine.block().shared,
                      {}};
  add_granules(machine, o[words].bits, warp_of_group * kRowsOfWarp, kRowsOfWarp, product.granules);
  add_granules(machine, o[words + 1].bits, 0, instruction.columns, product.granules);
  AsyncOperation operation;
  operation.shared = product.shared;
  operation.granules = product.granules;
  operation.run = [product = std::move(product)] { product.run(); };
  machine.issue(warp.products, std::move(operation));
}

void multiply(Machine& machine, const Instruction& instruction, Operand* operands) {
  machine.collective(instruction, operands, issue_product);
}

void fence(Machine& machine, const Instruction& instruction, Operand* operands) {
  machine.collective(instruction, operands, [](Machine&, Warp&, const Instruction&) {});
}

void commit(Machine& machine, const Instruction& instruction, Operand* operands) {
  machine.collective(instruction, operands,
                     [](Machine&, Warp& warp, const Instruction&) { warp.products.commit(); });
}

void wait(Machine& machine, const Instruction& instruction, Operand* operands) {
  machine.collective(instruction, operands, [](Machine&, Warp& warp, const Instruction&) {
    warp.products.wait(warp.operands[0][0].bits);
  });
}

}  // namespace

Instruction::Handler wgmma_product() { return multiply; }

std::vector<NamedInstruction> wgmma_instructions() {
  return {{"wgmma.fence.sync.aligned;", fence},
          {"wgmma.commit_group.sync.aligned;", commit},
          {"wgmma.wait_group.sync.aligned %0;", wait}};
}

}  // namespace xinfer::gpu::emulator
