#include "fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define XINFER_FIBER_ASAN
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define XINFER_FIBER_ASAN
#endif
#ifdef XINFER_FIBER_ASAN
#include <sanitizer/asan_interface.h>
#endif

// Callee-saved registers of the System V ABI, psABI 1.0, section 3.2.1. Kernels change no rounding
// modes, so that the control words need no saving.
asm(".text\n"
    ".globl xinfer_switch_fiber\n"
    ".type xinfer_switch_fiber, @function\n"
    "xinfer_switch_fiber:\n"
    "pushq %rbp\n"
    "pushq %rbx\n"
    "pushq %r12\n"
    "pushq %r13\n"
    "pushq %r14\n"
    "pushq %r15\n"
    "movq %rsp, (%rdi)\n"
    "movq %rsi, %rsp\n"
    "popq %r15\n"
    "popq %r14\n"
    "popq %r13\n"
    "popq %r12\n"
    "popq %rbx\n"
    "popq %rbp\n"
    "ret\n"
    ".size xinfer_switch_fiber, .-xinfer_switch_fiber\n");

namespace xinfer::gpu::emulator {
namespace {

constexpr std::size_t kGuardBytes = 4096;
constexpr std::size_t kStackBytes = 124 * 1024;
constexpr std::size_t kFiberBytes = kGuardBytes + kStackBytes;

}  // namespace

FiberStacks::FiberStacks(int count) : bytes_(kFiberBytes * static_cast<std::size_t>(count)) {
  void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<std::byte*>(memory);
  for (int i = 0; i < count; ++i) {
    mprotect(memory_ + kFiberBytes * static_cast<std::size_t>(i), kGuardBytes, PROT_NONE);
  }
}

FiberStacks::~FiberStacks() { munmap(memory_, bytes_); }

void* FiberStacks::prepare(int index, void (*entry)()) const {
  std::byte* top = memory_ + kFiberBytes * static_cast<std::size_t>(index + 1);
#ifdef XINFER_FIBER_ASAN
  // The fiber before this one never returned from its functions, so their red zones are still set.
  __asan_unpoison_memory_region(top - kStackBytes, kStackBytes);
#endif
  auto* words = reinterpret_cast<std::uint64_t*>(top);
  // On entry the stack pointer is 8 off a multiple of 16, as after a call.
  words[-1] = 0;
  words[-2] = reinterpret_cast<std::uint64_t>(entry);
  for (int i = 3; i <= 8; ++i) words[-i] = 0;  // the registers that the switch restores
  return words - 8;
}

}  // namespace xinfer::gpu::emulator
