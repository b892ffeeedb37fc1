// Observers on a GPU: gathers the histograms of values in device memory while a float plan runs,
// and hands them to a RangeCollector, as if it had seen the values itself. 2 MiB of device memory a
// value.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "calibrate/observer.h"
#include "core/status.h"
#include "device/cuda_memory.h"
#include "device/cuda_module.h"
#include "device/cuda_stream.h"

namespace xinfer::calibrate {

/// Float32 values in device memory: `rows` of `channels` values, `pitch` values apart.
struct DeviceValues {
  cuda::DevicePointer address = 0;
  std::uint64_t rows = 0;
  std::uint32_t channels = 1;
  std::uint64_t pitch = 1;
  std::int64_t first_sample = 0;
  std::int64_t samples = 1;

  std::uint64_t size() const { return rows * channels; }
};

/// Works in the context that is current when it is made; that must be current at every call.
class GpuObserver {
 public:
  /// `cubin` is observe/cuda_observe.cuh, compiled for the device.
  static Result<GpuObserver> create(std::span<const std::byte> cubin, int multiprocessors);

  /// Keeps the largest magnitude of every channel of the named value as well.
  void observe_channels(const std::string& name, std::int64_t channels);

  /// Enqueues counting the values. A value is counted on one stream.
  Status add(const std::string& name, const DeviceValues& values, const cuda::Stream& stream);

  /// Waits for the stream and moves everything that was counted into `collector`.
  Status finish(const cuda::Stream& stream, RangeCollector& collector);

 private:
  /// A value's counters. The device's 32-bit ones are emptied into `counts` before one could
  /// overflow.
  struct Counters {
    cuda::Buffer bins, rest, channel_amax;
    std::uint64_t on_device = 0;  ///< values since bins were emptied
    std::vector<std::uint64_t> counts;
  };

  GpuObserver(cuda::Module module, cuda::Kernel kernel, int multiprocessors)
      : module_(std::move(module)), kernel_(std::move(kernel)), multiprocessors_(multiprocessors) {}
  Result<Counters*> counters_of(const std::string& name, const cuda::Stream& stream);
  Status empty_bins(Counters& counters, const cuda::Stream& stream) const;

  cuda::Module module_;
  cuda::Kernel kernel_;
  int multiprocessors_;
  std::map<std::string, std::int64_t> channels_;
  std::map<std::string, Counters> counters_;
};

}  // namespace xinfer::calibrate
