// A plan with shapes bound: its dimensions evaluated and its tensors placed in memory.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/status.h"
#include "engine/engine_file.h"
#include "runtime/packed_offsets.h"
#include "runtime/tensor_view.h"
#include "xinfer/core/tensor.h"

namespace xinfer::runtime {

/// Where a plan's tensors are: addresses of the host or of a device, which are not read here.
struct PlanMemory {
  std::byte* arena = nullptr;
  std::size_t arena_bytes = 0;
  /// The samples that the arena was planned for, where every tensor in it is proportional to the
  /// first dimension of input 0: fewer are packed. 0: tensors lie where they were planned.
  std::int64_t largest_batch = 0;
  /// The address of `size_bytes` bytes at `offset` of the blob section; null if they are not there.
  std::function<std::byte*(std::size_t offset, std::size_t size_bytes)> constant;
};

class BoundPlan {
 public:
  BoundPlan(std::shared_ptr<const engine::EngineFile> file, const engine::fb::Plan& plan,
            PlanMemory memory)
      : file_(std::move(file)), plan_(plan), memory_(std::move(memory)) {}

  /// Evaluates the dimensions for these input shapes and places the tensors. Fails, naming input
  /// and dimension, if a shape does not fit the model or its profile.
  Status bind(std::span<const Shape> shapes);
  bool is_bound_to(std::span<const Shape> shapes) const;

  /// Puts inputs and outputs where the caller has them; true if an address changed.
  Result<bool> set_addresses(std::span<const void* const> inputs, std::span<void* const> outputs);

  /// Whether a step reads or writes the caller's memory.
  bool touches_bindings(unsigned step) const;

  const engine::EngineFile& file() const { return *file_; }
  const engine::fb::Plan& plan() const { return plan_; }
  const std::vector<TensorView>& tensors() const { return tensors_; }
  const std::vector<std::int64_t>& dims() const { return dims_; }
  /// Of the inputs, as bound; empty before.
  const std::vector<Shape>& shapes() const { return shapes_; }
  const std::vector<Shape>& output_shapes() const { return output_shapes_; }

 private:
  Result<std::vector<std::int64_t>> solve_symbols(std::span<const Shape> shapes) const;
  PackedOffsets pack_offsets(std::int64_t batch) const;
  Status place_tensors(std::span<const Shape> shapes);
  Status place_tensor(unsigned index);
  Status place_owner(const engine::fb::Tensor& tensor, TensorView& view);

  std::shared_ptr<const engine::EngineFile> file_;
  const engine::fb::Plan& plan_;
  PlanMemory memory_;
  std::vector<Shape> shapes_;
  std::vector<Shape> output_shapes_;
  std::vector<std::int64_t> dims_;
  PackedOffsets offsets_;  ///< into the arena
  std::vector<TensorView> tensors_;
};

}  // namespace xinfer::runtime
