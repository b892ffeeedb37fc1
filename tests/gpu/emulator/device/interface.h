// What an emulated kernel and the emulator know of each other. Included by both sides, without any
// other header.
#pragma once

namespace emulated {

/// An operand of an inline PTX statement: where an output lies (null for inputs), and the bits that
/// it had when the statement was reached.
struct Operand {
  void* out;
  unsigned long long bits;
};

/// A three-dimensional index or size.
struct Index3 {
  unsigned x, y, z;
};

/// The emulator's services. `decode` turns the text of a PTX statement into what `execute` takes;
/// the others are CUDA's functions of the like names. All act for the thread that runs.
struct Services {
  const void* (*decode)(const char* text);
  void (*execute)(const void* instruction, Operand* operands);
  unsigned (*shuffle_xor)(unsigned bits, int lane_mask);
  void (*sync_warp)();
  void (*sync_threads)();
  void* (*dynamic_shared)();
  unsigned (*shared_address)(const void* pointer);
  void (*trap)();
};

}  // namespace emulated
