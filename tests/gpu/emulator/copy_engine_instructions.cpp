// cp.async.bulk.tensor: copies between tensors and shared memory.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "instructions.h"
#include "tensor_map.h"

namespace xinfer::gpu::emulator {
namespace {

using Position = std::array<std::int64_t, 5>;

const BoundTensorMap& map_of(Machine& machine, const Operand& operand, int rank) {
  const auto* slot = reinterpret_cast<const TensorMapSlot*>(operand.bits);
  if (slot->map == nullptr) machine.fail("uses a tensor map that was not bound");
  if (slot->map->recipe.rank != rank) {
    machine.fail(
        fmt::format("a copy of rank {} by a tensor map of rank {}", rank, slot->map->recipe.rank));
  }
  return *slot->map;
}

std::int64_t row_end(const BoundTensorMap& map) {
  return static_cast<std::int64_t>(map.recipe.extent[0] * map.element_bytes);
}

// Visits a copy in pieces of at most 16 bytes, none across a granule of shared memory:
// visit(address in shared memory, address in the tensor or null, bytes). Rows of the tensor end at
// byte `end`.
template <typename Visit>
void for_each_piece(const BoundTensorMap& map, std::uint32_t shared, const Position& start,
                    std::array<std::int64_t, 2> tap, std::int64_t end, const Visit& visit) {
  const std::int64_t size = map.element_bytes, row_bytes = map.row_bytes();
  for (Position position : map.row_positions(start, tap)) {
    const std::int64_t first = position[0] * size;  // byte of the tensor's row
    position[0] = 0;
    std::uint8_t* row = map.element(position);
    for (std::int64_t column = 0; column < row_bytes;) {
      const std::int64_t at = first + column;
      const bool inside = row != nullptr && at >= 0 && at < end;
      std::int64_t bytes = std::min<std::int64_t>(kGranule, row_bytes - column);
      if (inside) bytes = std::min(bytes, end - at);
      if (row != nullptr && at < 0) bytes = std::min(bytes, -at);
      bytes = std::min<std::int64_t>(bytes, kGranule - column % kGranule);
      visit(map.swizzled(shared + static_cast<std::uint32_t>(column)), inside ? row + at : nullptr,
            static_cast<std::size_t>(bytes));
      column += bytes;
    }
    shared += static_cast<std::uint32_t>(row_bytes);
  }
}

SharedMemory& checked_memory(Machine& machine, const BoundTensorMap& map, std::uint32_t address) {
  SharedMemory& shared = machine.block().shared;
  const std::uint32_t bytes = map.row_bytes() * map.rows();
  if (!shared.contains(address, bytes)) {
    machine.fail(fmt::format("copies {} bytes outside shared memory, at {}", bytes, address));
  }
  if (address % 128 != 0) machine.fail(fmt::format("a bulk copy at {}, not aligned", address));
  return shared;
}

void load(Machine& machine, const BoundTensorMap& map, std::uint32_t to, std::uint32_t barrier,
          const Position& start, std::array<std::int64_t, 2> tap) {
  // An H200 reports an illegal instruction (found by the stem kernel's copies of float rows).
  if (start[0] * static_cast<std::int64_t>(map.element_bytes) % kGranule != 0) {
    machine.fail(fmt::format("a bulk copy from element {} of {} bytes: not a multiple of 16 bytes",
                             start[0], map.element_bytes));
  }
  AsyncOperation copy;
  copy.shared = &checked_memory(machine, map, to);
  copy.writes_shared = true;
  copy.granules = SharedMemory::granules(to, map.row_bytes() * map.rows());
  MemoryBarrier* completes = &machine.memory_barrier(barrier);
  copy.run = [&map, shared = copy.shared, to, start, tap, completes] {
    for_each_piece(map, to, start, tap, row_end(map),
                   [&](std::uint32_t address, const std::uint8_t* from, std::size_t bytes) {
                     if (from == nullptr) {
                       std::memset(shared->at(address), 0, bytes);
                     } else {
                       std::memcpy(shared->at(address), from, bytes);
                     }
                   });
    completes->transaction_bytes -= map.row_bytes() * map.rows();
    completes->complete_if_due();
  };
  machine.issue(machine.block().loads, std::move(copy));
}

std::int64_t coordinate(const Operand& operand) {
  return static_cast<std::int32_t>(low_word(operand));
}

void load_2d(Machine& machine, const Instruction&, Operand* o) {
  load(machine, map_of(machine, o[1], 2), low_word(o[0]), low_word(o[2]),
       {coordinate(o[3]), coordinate(o[4]), 0, 0, 0}, {});
}

void load_4d(Machine& machine, const Instruction&, Operand* o) {
  load(machine, map_of(machine, o[1], 4), low_word(o[0]), low_word(o[2]),
       {coordinate(o[3]), coordinate(o[4]), coordinate(o[5]), coordinate(o[6]), 0}, {});
}

void load_im2col(Machine& machine, const Instruction&, Operand* o) {
  const BoundTensorMap& map = map_of(machine, o[1], 4);
  if (map.recipe.kind != kernels::cuda::TensorMapRecipe::Kind::kIm2col) {
    machine.fail("an im2col copy by a tiled tensor map");
  }
  const auto tap_x = static_cast<std::int64_t>(o[7].bits & 0xFFFF);
  const auto tap_y = static_cast<std::int64_t>(o[8].bits & 0xFFFF);
  if (tap_x > 255 || tap_y > 255) machine.fail("im2col offsets above 255");
  load(machine, map, low_word(o[0]), low_word(o[2]),
       {coordinate(o[3]), coordinate(o[4]), coordinate(o[5]), coordinate(o[6]), 0}, {tap_x, tap_y});
}

// Ordinary stores must have been fenced by the threads that made them.
void check_fences(Machine& machine, const std::vector<std::uint32_t>& granules) {
  for (const Thread& thread : machine.block().threads) {
    for (const std::uint32_t granule : thread.unfenced) {
      if (!std::binary_search(granules.begin(), granules.end(), granule)) continue;
      machine.fail(
          fmt::format("copies out what thread {} stored without a proxy fence", thread.index));
    }
  }
}

// Operands: map, shared address, coordinates. A row is written up to the next 16 bytes: of 1,000
// random convolutions on an H200, exactly the 13 that stored rows of other lengths this way wrote
// wrong bytes.
void store_2d(Machine& machine, const Instruction&, Operand* o) {
  const BoundTensorMap& map = map_of(machine, o[0], 2);
  const std::uint32_t from = low_word(o[1]);
  const Position start = {coordinate(o[2]), coordinate(o[3]), 0, 0, 0};
  AsyncOperation copy;
  copy.shared = &checked_memory(machine, map, from);
  copy.granules = SharedMemory::granules(from, map.row_bytes() * map.rows());
  check_fences(machine, copy.granules);
  const std::int64_t end = (row_end(map) + kGranule - 1) / kGranule * kGranule;
  copy.run = [&map, shared = copy.shared, from, start, end] {
    for_each_piece(map, from, start, {}, end,
                   [&](std::uint32_t address, std::uint8_t* to, std::size_t bytes) {
                     if (to != nullptr) std::memcpy(to, shared->at(address), bytes);
                   });
  };
  machine.issue(machine.thread().copies_out, std::move(copy));
}

void commit(Machine& machine, const Instruction&, Operand*) {
  machine.thread().copies_out.commit();
}

void wait_read(Machine& machine, const Instruction&, Operand* o) {
  machine.thread().copies_out.wait(o[0].bits);
}

void wait_all(Machine& machine, const Instruction&, Operand*) {
  machine.thread().copies_out.wait(0);
}

}  // namespace

std::vector<NamedInstruction> copy_engine_instructions() {
  return {{"cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], "
           "[%1, {%3, %4}], [%2];",
           load_2d},
          {"cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], "
           "[%1, {%3, %4, %5, %6}], [%2];",
           load_4d},
          {"cp.async.bulk.tensor.4d.shared::cluster.global.im2col.mbarrier::complete_tx::bytes "
           "[%0], [%1, {%3, %4, %5, %6}], [%2], {%7, %8};",
           load_im2col},
          {"cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%2, %3}], [%1];", store_2d},
          {"cp.async.bulk.commit_group;", commit},
          {"cp.async.bulk.wait_group.read %0;", wait_read},
          {"cp.async.bulk.wait_group 0;", wait_all}};
}

}  // namespace xinfer::gpu::emulator
