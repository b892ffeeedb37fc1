// Streams, events and graphs: in which order the device works, and when it has finished.
#pragma once

#include <cstddef>

#include "core/status.h"
#include "device/cuda_driver.h"

namespace xinfer::cuda {

/// A stream of the current context, or a view of the caller's.
class Stream {
 public:
  Stream() = default;  ///< the default stream
  static Result<Stream> create();
  /// A stream of the caller, who keeps it alive.
  static Stream view(StreamHandle handle);
  Stream(Stream&& other) noexcept;
  Stream& operator=(Stream&& other) noexcept;
  ~Stream();

  StreamHandle handle() const { return handle_; }
  Status synchronize() const;
  Status fill(DevicePointer target, unsigned char value, std::size_t size_bytes) const;
  /// Copies in the stream's order; host memory must stay as it is until they are done, and should
  /// be page-locked (otherwise the driver stages it first).
  Status copy_to_device(DevicePointer target, const void* source, std::size_t size_bytes) const;
  Status copy_to_host(void* target, DevicePointer source, std::size_t size_bytes) const;
  Status copy_on_device(DevicePointer target, DevicePointer source, std::size_t size_bytes) const;
  /// What is enqueued from now on waits until the event, as recorded last, has happened.
  Status wait_for(const class Event& event) const;
  /// While the stream is being captured: the node that was captured last.
  Result<GraphNodeHandle> last_captured_node() const;

 private:
  Stream(StreamHandle handle, bool owned) : handle_(handle), owned_(owned) {}

  StreamHandle handle_ = nullptr;
  bool owned_ = false;
};

/// A point in a stream, with its time.
class Event {
 public:
  static Result<Event> create();
  /// Without a time, which makes it cheaper: for order only.
  static Result<Event> create_untimed();
  Event(Event&& other) noexcept;
  Event& operator=(Event&& other) noexcept;
  ~Event();

  EventHandle handle() const { return handle_; }
  Status record(const Stream& stream) const;
  Status synchronize() const;
  /// Milliseconds from `start` to this event; both must have happened.
  Result<float> milliseconds_since(const Event& start) const;

 private:
  explicit Event(EventHandle handle) : handle_(handle) {}
  EventHandle handle_ = nullptr;
};

/// Work captured from a stream, ready to be launched as a whole. Its nodes stay valid with it.
class Graph {
 public:
  /// Captures what `enqueue` (a callable taking no argument, returning Status) puts on `stream`.
  template <typename Enqueue>
  static Result<Graph> capture(const Stream& stream, const Enqueue& enqueue) {
    XINFER_RETURN_IF_ERROR(begin_capture(stream));
    Status enqueued = enqueue();
    Result<Graph> graph = end_capture(stream);  // also after a failure: the stream must be usable
    if (!enqueued.ok()) return enqueued;
    return graph;
  }
  Graph(Graph&& other) noexcept;
  Graph& operator=(Graph&& other) noexcept;
  ~Graph();

  Status launch(const Stream& stream) const;
  /// Gives a kernel node other arguments. Launches that are enqueued already keep theirs.
  Status set_kernel(GraphNodeHandle node, const KernelNodeParams& params) const;

 private:
  Graph(GraphHandle captured, GraphExecHandle handle) : captured_(captured), handle_(handle) {}
  static Status begin_capture(const Stream& stream);
  static Result<Graph> end_capture(const Stream& stream);

  GraphHandle captured_ = nullptr;  ///< owns the nodes
  GraphExecHandle handle_ = nullptr;
};

}  // namespace xinfer::cuda
