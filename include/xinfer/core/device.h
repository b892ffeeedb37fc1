// What this machine offers for running engines.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "xinfer/core/dtype.h"

namespace xinfer {

/// Instruction-set levels this CPU can execute, lowest first: the words of --cpu-isa.
std::vector<std::string> cpu_instruction_sets();

/// The CPU's name as the system gives it.
std::string cpu_name();

/// Processors this process may run on.
int cpu_count();

/// What one core can compute now: billions of operations a second (two a multiply-accumulate) of a
/// loop without memory, of the instruction that `cpu_isa`'s products ("auto": the best) are built
/// on, in float32 or, for every other `dtype`, INT8. Takes about 10 ms. Throws for an instruction
/// set that this CPU lacks.
double cpu_peak_gops(const std::string& cpu_isa, DType dtype);

/// What `threads` cores together read now of `bytes`, each its own part over and over: billions of
/// bytes a second from the caches, or the memory, that hold so many. Takes about 5 ms.
double cpu_read_gb_per_s(std::size_t bytes, int threads);

/// A GPU that the driver sees.
struct GpuInfo {
  std::string name;
  std::string target;          ///< what to build for: "cuda:sm_90a"
  int compute_capability = 0;  ///< 10 * major + minor
  int multiprocessors = 0;
  std::size_t memory_bytes = 0;
  // What it can reach at its highest clocks, by the vendor's figures; 0 if the driver does not tell
  // the clocks.
  double peak_int8_gops = 0;   ///< dense, on tensor cores; two operations a multiply-accumulate
  double peak_f32_gops = 0;    ///< on the ordinary units
  double memory_gb_per_s = 0;  ///< reading or writing device memory
};

/// The GPUs, in the order of "cuda:0", "cuda:1", …; empty if there is none.
std::vector<GpuInfo> gpus();

/// The driver and its CUDA version, or what is missing for running GPU engines and how to get it.
std::string gpu_driver_status();

}  // namespace xinfer
