#include "kernels/cuda/conv_estimates.h"

#include <algorithm>
#include <cmath>

#include "kernels/cuda/conv_constants.h"

namespace xinfer::kernels::cuda {
namespace {

// Rates of an H200 at its sustained clock, measured on one (docs/performance.md): the estimates
// only rank tactics, so other devices use them scaled by their multiprocessors.
constexpr double kClockGhz = 1.65;
constexpr double kDramBytesPerUs = 4.3e6;
constexpr double kL2BytesPerUs = 20e6;         // of slices that several blocks read at a time
constexpr double kWgmmaMacsPerCycle = 4400.0;  // INT8, of one multiprocessor
constexpr double kMmaMacsPerCycle = 2400.0;
constexpr double kEpilogueLanes = 128.0;  // instructions a cycle of one multiprocessor
constexpr double kReferenceMultiprocessors = 132.0;
constexpr auto kSharedBytes = static_cast<double>(kBlockSharedBytes);

/// Two resources used at a time: mostly the longer counts, but they disturb each other.
double overlapped(double a, double b) { return std::max(a, b) + 0.25 * std::min(a, b); }

double ceil_div(double a, double b) { return std::ceil(a / b); }

/// Time that the bytes need: DRAM once, L2 once for each pass over them.
double memory_us(const Workload& w, double tile_m, double tile_n, bool resident) {
  const double scale = w.multiprocessors / kReferenceMultiprocessors;
  const double once = w.input_bytes + w.output_bytes + w.residual_bytes + w.weight_bytes;
  const double input_passes = ceil_div(w.rows, tile_n);
  const double weight_passes =
      resident ? w.multiprocessors / input_passes : ceil_div(w.pixels, tile_m);
  const double through_l2 = w.pixels * w.depth_bytes * w.groups * input_passes +
                            w.weight_bytes * weight_passes + w.output_bytes + w.residual_bytes;
  return std::max(once / kDramBytesPerUs, through_l2 / kL2BytesPerUs) / scale;
}

}  // namespace

Workload workload_of(const ConvProblem& problem, std::int64_t batch, int multiprocessors) {
  const ConvShape& s = problem.shape;
  const ConvLayout layout = conv_layout(s, problem.input);
  Workload w;
  w.pixels = static_cast<double>(batch * s.out_h * s.out_w);
  w.rows = static_cast<double>(layout.group_rows);
  w.groups = static_cast<double>(layout.groups);
  w.taps = static_cast<double>(layout.taps);
  w.tap_bytes = static_cast<double>(layout.group_in_channels * layout.element_bytes);
  w.depth_bytes = w.tap_bytes * w.taps;
  w.input_bytes =
      static_cast<double>(batch * s.in_h * s.in_w * s.x_pixel_stride) * layout.element_bytes;
  const auto outputs = w.pixels * static_cast<double>(s.out_channels);
  w.output_bytes = outputs * static_cast<double>(size_of(problem.epilogue.output_dtype));
  w.weight_bytes = static_cast<double>(layout.weight_bytes());
  w.epilogue_instructions = 3.0;
  for (int i = 0; i < problem.epilogue.step_count; ++i) {
    const EpilogueStep& step = problem.epilogue.steps[i];
    w.epilogue_instructions += step.kind == EpilogueStep::Kind::kTable ? 9.0 : 5.0;
    if (step.kind == EpilogueStep::Kind::kResidual) {
      w.residual_bytes += outputs * static_cast<double>(size_of(step.residual_dtype));
    }
  }
  w.multiprocessors = multiprocessors;
  return w;
}

double estimate_us(const Workload& w, const WgmmaTactic& t) {
  const double tile_m = 64.0 * t.m_blocks * t.group_warpgroups, tile_n = t.tile_n;
  const double slice_bytes = ceil_div(w.tap_bytes, t.tile_k) * t.tile_k * w.taps;
  const double multiplied_bytes = ceil_div(w.tap_bytes, 32) * 32 * w.taps;
  const double multiply = tile_m * tile_n * multiplied_bytes / kWgmmaMacsPerCycle;
  // One warpgroup alone waits for its own results about half of the time; barriers and the latency
  // of the first loads and last stores come on top.
  const double lanes = std::min(kEpilogueLanes, 65.0 * t.group_warpgroups);
  double finish = tile_m * tile_n * w.epilogue_instructions / lanes + 950.0;
  if (t.copy_out) finish += 450.0;
  if (!t.copy_out && t.tile_n < 64) finish *= 1.25;  // short stores
  if (w.residual_bytes > 0 && t.residual_stages == 0) finish += 700.0;
  // The ring brings about 35 bytes a cycle; weights that a single slice needs come late.
  const double slices = slice_bytes / t.tile_k;
  const double load = (tile_m + (t.resident_weights ? 0.0 : tile_n)) * slice_bytes / 35.0 +
                      (t.resident_weights ? 25.0
                       : slices > 1       ? 150.0
                                          : 700.0);
  const double tiles = ceil_div(w.pixels, tile_m) * ceil_div(w.rows, tile_n);
  const double rounds = ceil_div(tiles, w.multiprocessors);
  const double in_turn =
      t.groups == 1 ? multiply + finish : std::max(multiply, (multiply + finish) / t.groups);
  // The first tile has nothing to hide behind.
  const double fill = 1500.0 + std::max(multiply, (tile_m + tile_n) * slice_bytes / 40.0) + finish;
  const double cycles = fill + (rounds - 1) * std::max(load, in_turn);
  return overlapped(cycles / (kClockGhz * 1e3), memory_us(w, tile_m, tile_n, t.resident_weights));
}

double estimate_us(const Workload& w, const MmaTactic& t) {
  const double tiles = ceil_div(w.pixels, t.tile_m) * ceil_div(w.rows, t.tile_n) * w.groups;
  const double shared = static_cast<double>(t.stages) * (t.tile_m + t.tile_n) * t.tile_k;
  const double threads = 32.0 * t.warps_m * t.warps_n;
  const double accumulators = static_cast<double>(t.tile_m) * t.tile_n / threads;
  const double by_registers = 65536.0 / (threads * std::min(255.0, accumulators + 90.0));
  const double resident = std::max(1.0, std::floor(std::min(by_registers, kSharedBytes / shared)));
  // A warp tile reads (rows + columns) of shared memory for rows * columns of products.
  const double rows = static_cast<double>(t.tile_m) / t.warps_m;
  const double columns = static_cast<double>(t.tile_n) / t.warps_n;
  const double efficiency = rows * columns / (rows * columns + 16.0 * (rows + columns));
  const double multiply =
      t.tile_m * static_cast<double>(t.tile_n) * w.depth_bytes / (kMmaMacsPerCycle * efficiency);
  const double finish =
      t.tile_m * static_cast<double>(t.tile_n) * (w.epilogue_instructions + 3.0) / kEpilogueLanes;
  const double rounds = ceil_div(tiles, w.multiprocessors * resident);
  const double per_round =
      (multiply + finish) * std::min(resident, ceil_div(tiles, w.multiprocessors));
  // A block alone passes a slice in about 400 cycles, however small its tile.
  const double slices = ceil_div(w.depth_bytes, t.tile_k);
  const double cycles = 2200.0 + rounds * std::max(per_round, 400.0 * slices);
  return overlapped(cycles / (kClockGhz * 1e3), memory_us(w, t.tile_m, t.tile_n, false));
}

// A block's life: start, all of its slices at about 50 bytes a cycle, one multiplication behind the
// last, and for split sums the exchange.
double estimate_us(const Workload& w, const LatencyTactic& t) {
  const double slices = ceil_div(w.tap_bytes, t.tile_k) * w.taps;
  const double bytes = ceil_div(slices, t.split) * (64.0 + t.tile_n) * t.tile_k;
  const double blocks = ceil_div(w.pixels, 64) * ceil_div(w.rows, t.tile_n) * t.split;
  const double registers = 128.0 * t.warpgroups * (t.tile_n / 2.0 + 72.0);
  const double resident =
      std::max(1.0, std::floor(std::min(kSharedBytes / (bytes + 4096), 65536.0 / registers)));
  // Clusters leave some multiprocessors unused; a block that waits for another's end starts cold.
  const double usable = w.multiprocessors * (t.split >= 4 ? 0.8 : 1.0);
  const double rounds = ceil_div(blocks, usable * resident);
  const double together = std::min(resident, ceil_div(blocks, usable));
  const double exchange =
      t.split * t.warpgroups == 1 ? 0.0 : (t.split == 1 ? 0.1 : 0.3) + 0.008 * t.tile_n;
  const double multiply = bytes / (t.warpgroups == 1 ? 60.0 : 90.0);
  const double cycles = std::max(bytes * together / 48.0, multiply);
  const double in_turn = rounds > 1 ? 2.2 * rounds : 1.0;
  const double memory =
      (w.input_bytes + w.output_bytes + w.residual_bytes + w.weight_bytes) / kDramBytesPerUs;
  const double us = 1.0 + exchange * rounds * together + in_turn * cycles / (kClockGhz * 1e3) +
                    0.5 * (rounds - 1);
  return overlapped(us, memory);
}

// Loads at about 50 bytes a cycle hide products and epilogues, or the other way round.
double estimate_us(const Workload& w, const ConvShape& s, const HaloChunksTactic& t) {
  const bool resident = t.weight_stages == 0;
  const double chunks = ceil_div(w.tap_bytes, t.chunk_bytes);
  const double steps = w.taps * ceil_div(w.tap_bytes, 32);
  const auto pitch = static_cast<double>(s.out_w + s.kernel_w - 1);
  const double pixel_bytes = static_cast<double>(t.rows + s.kernel_h - 1) * pitch * w.tap_bytes;
  const double weight_bytes = t.tile_n * w.taps * chunks * t.chunk_bytes;
  const double tile_m = 64.0 * t.m_blocks * t.group_warpgroups;
  // An instruction reads 2 KB of pixels, however few its channels.
  const double instruction = std::max(64.0 * 32.0 * t.tile_n / kWgmmaMacsPerCycle, 18.0);
  // Few products of a tap do not hide what comes between them, nor the wait for ring stages.
  const double products = tile_m / 64.0 * steps * instruction + 25.0 * w.taps * chunks;
  const double multiply = std::max(products, (resident ? 110.0 : 160.0) * w.taps * chunks);
  const double lanes = std::min(kEpilogueLanes, 65.0 * t.group_warpgroups);
  const double finish = tile_m * t.tile_n * w.epilogue_instructions / lanes *
                            (t.tile_n < 64 ? 1.25 : 1.0) +  // short stores
                        (w.residual_bytes > 0 ? 1650.0 : 950.0);
  const double load = (pixel_bytes + (resident ? 0.0 : weight_bytes)) / 50.0;
  const double tiles_n = ceil_div(w.rows, t.tile_n);
  const double tiles = w.pixels / static_cast<double>(s.out_h * s.out_w) *
                       ceil_div(static_cast<double>(s.out_h), t.rows);
  const double walkers = std::max(1.0, std::floor(w.multiprocessors / tiles_n));
  const double in_turn =
      t.turns == 1 ? multiply + finish : std::max(multiply, (multiply + finish) / t.turns);
  const double fill =
      2000.0 + std::max(multiply, (pixel_bytes + weight_bytes) / 50.0) + load / chunks + finish;
  const double further = std::max(load, in_turn) + 0.1 * std::min(load, in_turn);
  const double cycles = fill + (ceil_div(tiles, walkers) - 1) * further;
  const double memory =
      (w.input_bytes + w.output_bytes + w.residual_bytes + w.weight_bytes) / kDramBytesPerUs;
  return overlapped(cycles / (kClockGhz * 1e3), memory);
}

}  // namespace xinfer::kernels::cuda
