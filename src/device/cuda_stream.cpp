#include "device/cuda_stream.h"

#include <utility>

namespace xinfer::cuda {

Result<Stream> Stream::create() {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  StreamHandle handle = nullptr;
  XINFER_CUDA_RETURN_IF_ERROR(api->stream_create(&handle, kStreamNonBlocking), "cuStreamCreate");
  return Stream(handle, true);
}

Stream Stream::view(StreamHandle handle) { return Stream(handle, false); }

Stream::Stream(Stream&& other) noexcept
    : handle_(other.handle_), owned_(std::exchange(other.owned_, false)) {}

Stream& Stream::operator=(Stream&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(owned_, other.owned_);
  return *this;
}

Stream::~Stream() {
  if (owned_) (*driver())->stream_destroy(handle_);
}

Status Stream::synchronize() const {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  return check(api->stream_synchronize(handle_), "cuStreamSynchronize");
}

Status Stream::fill(DevicePointer target, unsigned char value, std::size_t size_bytes) const {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  return check(api->memset_d8_async(target, value, size_bytes, handle_), "cuMemsetD8Async");
}

Status Stream::copy_to_device(DevicePointer target, const void* source,
                              std::size_t size_bytes) const {
  if (size_bytes == 0) return Status();
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  return check(api->memcpy_htod_async(target, source, size_bytes, handle_), "cuMemcpyHtoDAsync");
}

Status Stream::copy_to_host(void* target, DevicePointer source, std::size_t size_bytes) const {
  if (size_bytes == 0) return Status();
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  return check(api->memcpy_dtoh_async(target, source, size_bytes, handle_), "cuMemcpyDtoHAsync");
}

Status Stream::copy_on_device(DevicePointer target, DevicePointer source,
                              std::size_t size_bytes) const {
  if (size_bytes == 0) return Status();
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  return check(api->memcpy_dtod_async(target, source, size_bytes, handle_), "cuMemcpyDtoDAsync");
}

Status Stream::wait_for(const Event& event) const {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  return check(api->stream_wait_event(handle_, event.handle(), 0), "cuStreamWaitEvent");
}

Result<GraphNodeHandle> Stream::last_captured_node() const {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  int capturing = 0;
  const GraphNodeHandle* nodes = nullptr;
  std::size_t count = 0;
  const void* edges = nullptr;  // where this is not asked for, programmatic edges are an error
  const DriverResult result =
      api->stream_get_capture_info_v3 != nullptr
          ? api->stream_get_capture_info_v3(handle_, &capturing, nullptr, nullptr, &nodes, &edges,
                                            &count)
          : api->stream_get_capture_info(handle_, &capturing, nullptr, nullptr, &nodes, &count);
  XINFER_CUDA_RETURN_IF_ERROR(result, "cuStreamGetCaptureInfo");
  if (count != 1) return internal_error("a captured stream has {} last nodes", count);
  return nodes[0];
}

namespace {

Result<EventHandle> create_event(unsigned flags) {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  EventHandle handle = nullptr;
  XINFER_CUDA_RETURN_IF_ERROR(api->event_create(&handle, flags), "cuEventCreate");
  return handle;
}

}  // namespace

Result<Event> Event::create() {
  XINFER_ASSIGN_OR_RETURN(const EventHandle handle, create_event(0));
  return Event(handle);
}

Result<Event> Event::create_untimed() {
  XINFER_ASSIGN_OR_RETURN(const EventHandle handle, create_event(kEventDisableTiming));
  return Event(handle);
}

Event::Event(Event&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}

Event& Event::operator=(Event&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

Event::~Event() {
  if (handle_ != nullptr) (*driver())->event_destroy(handle_);
}

Status Event::record(const Stream& stream) const {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  return check(api->event_record(handle_, stream.handle()), "cuEventRecord");
}

Status Event::synchronize() const {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  return check(api->event_synchronize(handle_), "cuEventSynchronize");
}

Result<float> Event::milliseconds_since(const Event& start) const {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  float milliseconds = 0.0f;
  XINFER_CUDA_RETURN_IF_ERROR(api->event_elapsed_time(&milliseconds, start.handle_, handle_),
                              "cuEventElapsedTime");
  return milliseconds;
}

Status Graph::begin_capture(const Stream& stream) {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  return check(api->stream_begin_capture(stream.handle(), kCaptureModeThreadLocal),
               "cuStreamBeginCapture");
}

Result<Graph> Graph::end_capture(const Stream& stream) {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  GraphHandle captured = nullptr;
  XINFER_CUDA_RETURN_IF_ERROR(api->stream_end_capture(stream.handle(), &captured),
                              "cuStreamEndCapture");
  GraphExecHandle handle = nullptr;
  Status status = check(api->graph_instantiate(&handle, captured, 0), "cuGraphInstantiate");
  if (status.ok()) return Graph(captured, handle);
  api->graph_destroy(captured);
  return status;
}

Graph::Graph(Graph&& other) noexcept
    : captured_(std::exchange(other.captured_, nullptr)),
      handle_(std::exchange(other.handle_, nullptr)) {}

Graph& Graph::operator=(Graph&& other) noexcept {
  std::swap(captured_, other.captured_);
  std::swap(handle_, other.handle_);
  return *this;
}

Graph::~Graph() {
  if (handle_ != nullptr) (*driver())->graph_exec_destroy(handle_);
  if (captured_ != nullptr) (*driver())->graph_destroy(captured_);
}

Status Graph::set_kernel(GraphNodeHandle node, const KernelNodeParams& params) const {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  return check(api->graph_exec_kernel_node_set_params(handle_, node, &params),
               "cuGraphExecKernelNodeSetParams");
}

Status Graph::launch(const Stream& stream) const {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  return check(api->graph_launch(handle_, stream.handle()), "cuGraphLaunch");
}

}  // namespace xinfer::cuda
