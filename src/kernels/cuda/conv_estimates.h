// The cost model of convolution kernels: how long a tactic would take on a layer.
#pragma once

#include "kernels/cuda/conv_problem.h"

namespace xinfer::kernels::cuda {

/// A layer at a batch, as the estimates see it.
struct Workload {
  double pixels = 0, rows = 0, depth_bytes = 0;  // M, N, bytes of K
  double input_bytes = 0, output_bytes = 0, residual_bytes = 0, weight_bytes = 0;
  double epilogue_instructions = 0;  // of one output
  double tap_bytes = 0, taps = 1, groups = 1;
  double multiprocessors = 132;
};

Workload workload_of(const ConvProblem& problem, std::int64_t batch, int multiprocessors);

/// Microseconds of one launch. They rank tactics; their sum is no forecast.
double estimate_us(const Workload& w, const WgmmaTactic& t);
double estimate_us(const Workload& w, const MmaTactic& t);
double estimate_us(const Workload& w, const LatencyTactic& t);
double estimate_us(const Workload& w, const ConvShape& s, const HaloChunksTactic& t);

}  // namespace xinfer::kernels::cuda
