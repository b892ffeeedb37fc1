#include "calibrate/cuda/gpu_observer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

namespace xinfer::calibrate {
namespace {

/// xi::Observation of kernels/observe/cuda_observe.cuh.
struct ObservedRest {
  std::uint64_t zeros = 0, nans = 0, infinities = 0;
  std::int64_t first_bad_sample = std::numeric_limits<std::int64_t>::max();
  std::int32_t low = std::numeric_limits<std::int32_t>::max();
  std::int32_t high = std::numeric_limits<std::int32_t>::min();
};

constexpr unsigned kThreads = 256;
constexpr unsigned kBlocksPerMultiprocessor = 8;
constexpr std::uint64_t kMostOnDevice = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kBinBytes = quant::Histogram::kMagnitudeBins * sizeof(std::uint32_t);

/// The float whose ordered bits these are.
float from_ordered(std::int32_t ordered) {
  const auto bits = static_cast<std::uint32_t>(ordered);
  return std::bit_cast<float>(ordered < 0 ? bits ^ 0x7fffffffu : bits);
}

}  // namespace

Result<GpuObserver> GpuObserver::create(std::span<const std::byte> cubin, int multiprocessors) {
  XINFER_ASSIGN_OR_RETURN(cuda::Module module, cuda::Module::load(cubin));
  XINFER_ASSIGN_OR_RETURN(cuda::Kernel kernel, module.kernel("observe_values"));
  return GpuObserver(std::move(module), std::move(kernel), multiprocessors);
}

void GpuObserver::observe_channels(const std::string& name, std::int64_t channels) {
  channels_[name] = channels;
}

Result<GpuObserver::Counters*> GpuObserver::counters_of(const std::string& name,
                                                        const cuda::Stream& stream) {
  Counters& counters = counters_[name];
  if (counters.bins.address() != 0) return &counters;
  const auto channels = channels_.find(name);
  if (channels != channels_.end()) {
    const std::size_t bytes = static_cast<std::size_t>(channels->second) * sizeof(std::uint32_t);
    XINFER_ASSIGN_OR_RETURN(counters.channel_amax, cuda::Buffer::allocate(bytes));
    XINFER_RETURN_IF_ERROR(stream.fill(counters.channel_amax.address(), 0, bytes));
  }
  XINFER_ASSIGN_OR_RETURN(counters.rest, cuda::Buffer::allocate(sizeof(ObservedRest)));
  const ObservedRest nothing;
  XINFER_RETURN_IF_ERROR(cuda::copy_to_device(counters.rest.address(), &nothing, sizeof(nothing)));
  XINFER_ASSIGN_OR_RETURN(counters.bins, cuda::Buffer::allocate(kBinBytes));
  XINFER_RETURN_IF_ERROR(stream.fill(counters.bins.address(), 0, kBinBytes));
  return &counters;
}

Status GpuObserver::empty_bins(Counters& counters, const cuda::Stream& stream) const {
  std::vector<std::uint32_t> bins(quant::Histogram::kMagnitudeBins);
  XINFER_RETURN_IF_ERROR(stream.synchronize());
  XINFER_RETURN_IF_ERROR(cuda::copy_to_host(bins.data(), counters.bins.address(), kBinBytes));
  counters.counts.resize(bins.size());
  for (std::size_t i = 0; i < bins.size(); ++i) counters.counts[i] += bins[i];
  XINFER_RETURN_IF_ERROR(stream.fill(counters.bins.address(), 0, kBinBytes));
  counters.on_device = 0;
  return Status();
}

Status GpuObserver::add(const std::string& name, const DeviceValues& values,
                        const cuda::Stream& stream) {
  if (values.size() == 0) return Status();
  Result<Counters*> found = counters_of(name, stream);
  if (!found.ok()) return found.status().with_context("observing \"" + name + "\"");
  Counters& counters = **found;
  if (counters.on_device + values.size() > kMostOnDevice) {
    XINFER_RETURN_IF_ERROR(empty_bins(counters, stream));
  }
  counters.on_device += values.size();
  cuda::LaunchShape shape;
  shape.threads = kThreads;
  shape.blocks = static_cast<unsigned>(std::min<std::uint64_t>(
      (values.size() + kThreads - 1) / kThreads,
      kBlocksPerMultiprocessor * static_cast<std::uint64_t>(multiprocessors_)));
  const auto sample_size =
      std::max<std::uint64_t>(values.size() / static_cast<std::uint64_t>(values.samples), 1);
  const std::array addresses = {counters.bins.address(), counters.rest.address(),
                                counters.channel_amax.address()};
  std::array<const void*, 9> arguments = {&values.address, &values.rows,  &values.channels,
                                          &values.pitch,   &sample_size,  &values.first_sample,
                                          &addresses[0],   &addresses[1], &addresses[2]};
  return kernel_.launch(stream, shape, {const_cast<void**>(arguments.data()), arguments.size()})
      .with_context("observing \"" + name + "\"");
}

Status GpuObserver::finish(const cuda::Stream& stream, RangeCollector& collector) {
  for (auto& [name, counters] : counters_) {
    XINFER_RETURN_IF_ERROR(empty_bins(counters, stream));
    ObservedRest rest;
    XINFER_RETURN_IF_ERROR(cuda::copy_to_host(&rest, counters.rest.address(), sizeof(rest)));
    quant::MagnitudeCounts counts;
    counts.bins = counters.counts;
    counts.zeros = rest.zeros;
    counts.nans = rest.nans;
    counts.infinities = rest.infinities;
    if (rest.nans + rest.infinities > 0) counts.first_bad_sample = rest.first_bad_sample;
    if (rest.low <= rest.high) {
      counts.min = from_ordered(rest.low);
      counts.max = from_ordered(rest.high);
    }
    std::vector<std::uint32_t> bits(counters.channel_amax.size_bytes() / sizeof(std::uint32_t));
    XINFER_RETURN_IF_ERROR(cuda::copy_to_host(bits.data(), counters.channel_amax.address(),
                                              counters.channel_amax.size_bytes()));
    std::vector<float> channel_amax(bits.size());
    std::ranges::transform(bits, channel_amax.begin(), std::bit_cast<float, std::uint32_t>);
    collector.add(name, quant::Histogram::from_counts(counts), channel_amax);
    counters = Counters();
  }
  counters_.clear();
  return Status();
}

}  // namespace xinfer::calibrate
