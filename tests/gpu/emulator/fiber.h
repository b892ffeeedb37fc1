// Fibers: a stack each, switched by hand. x86-64, System V.
#pragma once

#include <cstddef>

namespace xinfer::gpu::emulator {

/// Memory for `count` fibers at a time, each with an unmapped page below its stack.
class FiberStacks {
 public:
  explicit FiberStacks(int count);
  ~FiberStacks();
  FiberStacks(const FiberStacks&) = delete;
  FiberStacks& operator=(const FiberStacks&) = delete;

  /// A stack pointer for switch_fiber that begins fiber `index` in `entry`, which must not return.
  void* prepare(int index, void (*entry)()) const;

 private:
  std::size_t bytes_;
  std::byte* memory_;
};

}  // namespace xinfer::gpu::emulator

/// Saves the running fiber's state, its stack pointer in *save, and continues at `resume`.
extern "C" void xinfer_switch_fiber(void** save, void* resume);
