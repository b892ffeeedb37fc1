// A libcuda.so.1 for tests on machines without a GPU: one device of compute capability 9.0 whose
// memory is host memory. Functions and values as in the CUDA Driver API reference 13.0, as far as
// xinfer calls them. This file: devices, contexts and memory. fake_cuda.h is what tests ask.
#include "fake_cuda.h"

#include <cstdlib>
#include <cstring>
#include <iterator>
#include <numeric>
#include <utility>

#include "fake_state.h"

namespace fake_cuda {

State& state() {
  static State* the_state = new State;  // outlives every caller's static objects
  return *the_state;
}

int enter(const char* call) {
  const std::lock_guard lock(state().mutex);
  ++state().counts[call];
  const auto it = state().failures.find(call);
  if (it == state().failures.end() || it->second.skip-- > 0) return kSuccess;
  const int result = it->second.result;
  state().failures.erase(it);
  return result;
}

void finish_default_stream() {
  const std::lock_guard lock(state().mutex);
  for (const Staged& copy : std::exchange(state().staged, {})) {
    std::memcpy(reinterpret_cast<void*>(copy.target), copy.bytes.data(), copy.bytes.size());
  }
}

std::vector<Launch> take_launches() {
  const std::lock_guard lock(state().mutex);
  return std::exchange(state().launches, {});
}

int count(const std::string& call) {
  const std::lock_guard lock(state().mutex);
  return state().counts[call];
}

void reset_counts() {
  const std::lock_guard lock(state().mutex);
  state().counts.clear();
}

void fail_next(const std::string& call, int result, int skip) {
  const std::lock_guard lock(state().mutex);
  state().failures[call] = {result, skip};
}

void set_memory_limit(std::size_t bytes) { state().limit = bytes; }

std::size_t device_bytes_in_use() {
  const std::lock_guard lock(state().mutex);
  std::size_t bytes = 0;
  for (const auto& [address, allocation] : state().memory) {
    if (allocation.on_device) bytes += allocation.bytes;
  }
  return bytes;
}

std::uintptr_t map_range(const std::vector<std::size_t>& mappings) {
  constexpr std::size_t kBehind = 256;  // belongs to nobody
  const std::size_t bytes = std::accumulate(mappings.begin(), mappings.end(), kBehind);
  void* data = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  const std::lock_guard lock(state().mutex);
  auto address = reinterpret_cast<std::uintptr_t>(data);
  for (const std::size_t mapping : mappings) {
    state().memory[address] = {mapping, nullptr, true};
    address += mapping;
  }
  return reinterpret_cast<std::uintptr_t>(data);
}

void* make_context() {
  const std::lock_guard lock(state().mutex);
  return state().contexts.insert(std::make_unique<Context>()).first->get();
}

}  // namespace fake_cuda

namespace {

using namespace fake_cuda;

thread_local std::vector<Context*> current;

int allocate(std::uintptr_t* address, std::size_t bytes, bool on_device) {
  if (current.empty()) return kInvalidContext;
  if (bytes > state().limit) return kOutOfMemory;
  void* data = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  const std::lock_guard lock(state().mutex);
  *address = reinterpret_cast<std::uintptr_t>(data);
  state().memory[*address] = {bytes, current.back(), on_device};
  return kSuccess;
}

int release(std::uintptr_t address) {
  finish_default_stream();
  const std::lock_guard lock(state().mutex);
  if (state().memory.erase(address) == 0) return kInvalidValue;
  std::free(reinterpret_cast<void*>(address));
  return kSuccess;
}

int copy(std::uintptr_t target, std::uintptr_t source, std::size_t bytes) {
  std::memcpy(reinterpret_cast<void*>(target), reinterpret_cast<const void*>(source), bytes);
  return kSuccess;
}

int attribute_of(int which) {
  switch (which) {
    case 16:
      return 132;  // multiprocessors
    case 13:
      return 1980000;  // clock, kHz
    case 36:
      return 3201000;  // memory clock, kHz
    case 37:
      return 6144;  // memory bus, bits
    case 38:
      return 50 << 20;  // L2 bytes
    case 75:
      return 9;  // compute capability
    case 81:
    case 97:
      return 227 << 10;  // shared memory
    default:
      return 0;
  }
}

}  // namespace

extern "C" {

int cuInit(unsigned) { return enter("cuInit"); }
int cuDriverGetVersion(int* version) {
  *version = 12000;
  return kSuccess;
}
int cuGetErrorName(int result, const char** name) {
  *name = result == kOutOfMemory      ? "CUDA_ERROR_OUT_OF_MEMORY"
          : result == kInvalidValue   ? "CUDA_ERROR_INVALID_VALUE"
          : result == kInvalidContext ? "CUDA_ERROR_INVALID_CONTEXT"
                                      : "CUDA_ERROR_FAKE";
  return kSuccess;
}
int cuGetErrorString(int, const char** text) {
  *text = "as the test wants";
  return kSuccess;
}

int cuDeviceGetCount(int* count) {
  *count = 1;
  return kSuccess;
}
int cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return kSuccess;
}
int cuDeviceGetName(char* name, int size, int) {
  std::strncpy(name, "Fake GPU", static_cast<std::size_t>(size));
  return kSuccess;
}
int cuDeviceTotalMem_v2(std::size_t* bytes, int) {
  *bytes = state().limit;
  return kSuccess;
}
int cuDeviceGetAttribute(int* value, int which, int) {
  *value = attribute_of(which);
  return kSuccess;
}
int cuDeviceGetPCIBusId(char* text, int size, int) {
  std::strncpy(text, "0000:01:00.0", static_cast<std::size_t>(size));
  return kSuccess;
}

int cuDevicePrimaryCtxRetain(void** context, int) {
  ENTER("cuDevicePrimaryCtxRetain");
  *context = &state().primary;
  return kSuccess;
}
int cuDevicePrimaryCtxRelease_v2(int) { return enter("cuDevicePrimaryCtxRelease"); }
int cuCtxGetCurrent(void** context) {
  *context = current.empty() ? nullptr : current.back();
  return kSuccess;
}
int cuCtxSetCurrent(void* context) {
  if (!current.empty()) current.pop_back();
  if (context != nullptr) current.push_back(static_cast<Context*>(context));
  return kSuccess;
}
int cuCtxPushCurrent_v2(void* context) {
  ENTER("cuCtxPushCurrent");
  current.push_back(static_cast<Context*>(context));
  return kSuccess;
}
int cuCtxPopCurrent_v2(void** context) {
  if (current.empty()) return kInvalidContext;
  *context = current.back();
  current.pop_back();
  return kSuccess;
}
int cuCtxGetDevice(int* device) {
  *device = 0;
  return current.empty() ? kInvalidContext : kSuccess;
}
int cuCtxSynchronize() { return enter("cuCtxSynchronize"); }

int cuMemAlloc_v2(std::uintptr_t* address, std::size_t bytes) {
  ENTER("cuMemAlloc");
  return allocate(address, bytes, true);
}
int cuMemFree_v2(std::uintptr_t address) {
  ENTER("cuMemFree");
  return release(address);
}
int cuMemHostAlloc(void** data, std::size_t bytes, unsigned) {
  ENTER("cuMemHostAlloc");
  std::uintptr_t address = 0;
  const int result = allocate(&address, bytes, false);
  *data = reinterpret_cast<void*>(address);
  return result;
}
int cuMemFreeHost(void* data) { return release(reinterpret_cast<std::uintptr_t>(data)); }
int cuMemGetInfo_v2(std::size_t* free_bytes, std::size_t* total) {
  *total = state().limit;
  *free_bytes = state().limit - fake_cuda::device_bytes_in_use();
  return kSuccess;
}
int cuPointerGetAttributes(unsigned count, const int* asked, void** answers,
                           std::uintptr_t address) {
  const std::lock_guard lock(state().mutex);
  Allocation found;  // unknown memory: zeros
  auto it = state().memory.upper_bound(address);
  const bool known =
      it != state().memory.begin() && address < std::prev(it)->first + std::prev(it)->second.bytes;
  const std::uintptr_t start = known ? std::prev(it)->first : 0;
  if (known) found = std::prev(it)->second;
  for (unsigned i = 0; i < count; ++i) {
    if (asked[i] == 1) *static_cast<void**>(answers[i]) = found.context;
    if (asked[i] == 2) *static_cast<unsigned*>(answers[i]) = !known ? 0 : found.on_device ? 2 : 1;
    if (asked[i] == 9) *static_cast<int*>(answers[i]) = 0;
    if (asked[i] == 11) *static_cast<std::uintptr_t*>(answers[i]) = start;
    if (asked[i] == 12) *static_cast<std::size_t*>(answers[i]) = known ? found.bytes : 0;
  }
  return kSuccess;
}
int cuMemcpyHtoD_v2(std::uintptr_t target, const void* source, std::size_t bytes) {
  ENTER("cuMemcpyHtoD");
  const auto* from = static_cast<const std::byte*>(source);
  const std::lock_guard lock(state().mutex);
  state().staged.push_back({target, {from, from + bytes}});
  return kSuccess;
}
int cuMemcpyDtoH_v2(void* target, std::uintptr_t source, std::size_t bytes) {
  ENTER("cuMemcpyDtoH");
  finish_default_stream();
  return copy(reinterpret_cast<std::uintptr_t>(target), source, bytes);
}
int cuMemcpyDtoD_v2(std::uintptr_t target, std::uintptr_t source, std::size_t bytes) {
  ENTER("cuMemcpyDtoD");
  return copy(target, source, bytes);
}
int cuMemcpy(std::uintptr_t target, std::uintptr_t source, std::size_t bytes) {
  ENTER("cuMemcpy");
  return copy(target, source, bytes);
}
int cuMemcpyAsync(std::uintptr_t target, std::uintptr_t source, std::size_t bytes, void*) {
  ENTER("cuMemcpyAsync");
  return copy(target, source, bytes);
}
int cuMemcpyHtoDAsync_v2(std::uintptr_t target, const void* source, std::size_t bytes, void*) {
  ENTER("cuMemcpyHtoDAsync");
  return copy(target, reinterpret_cast<std::uintptr_t>(source), bytes);
}
int cuMemcpyDtoHAsync_v2(void* target, std::uintptr_t source, std::size_t bytes, void*) {
  ENTER("cuMemcpyDtoHAsync");
  return copy(reinterpret_cast<std::uintptr_t>(target), source, bytes);
}
int cuMemcpyDtoDAsync_v2(std::uintptr_t target, std::uintptr_t source, std::size_t bytes, void*) {
  ENTER("cuMemcpyDtoDAsync");
  return copy(target, source, bytes);
}
int cuMemsetD8Async(std::uintptr_t target, unsigned char value, std::size_t count, void*) {
  ENTER("cuMemsetD8Async");
  std::memset(reinterpret_cast<void*>(target), value, count);
  return kSuccess;
}
int cuMemsetD16Async(std::uintptr_t target, unsigned short value, std::size_t count, void*) {
  for (std::size_t i = 0; i < count; ++i) reinterpret_cast<unsigned short*>(target)[i] = value;
  return kSuccess;
}
int cuMemsetD32Async(std::uintptr_t target, unsigned value, std::size_t count, void*) {
  for (std::size_t i = 0; i < count; ++i) reinterpret_cast<unsigned*>(target)[i] = value;
  return kSuccess;
}

}  // extern "C"
