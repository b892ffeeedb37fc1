// The parts of the extension module xinfer._core; each file binds one class or a few functions.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>

namespace xinfer::python {

namespace nb = nanobind;

void bind_errors(nb::module_& module);
void bind_engine(nb::module_& module);
void bind_builder(nb::module_& module);
void bind_network(nb::module_& module);
void bind_inspection(nb::module_& module);
void bind_evaluation(nb::module_& module);

/// A Python object that C++ code may copy and drop on any thread, whether or not it holds the
/// interpreter's lock. Touch the object itself only while holding it.
class SharedObject {
 public:
  explicit SharedObject(nb::object object)
      : object_(new nb::object(std::move(object)), [](nb::object* held) {
          const nb::gil_scoped_acquire lock;
          delete held;
        }) {}

  nb::object& operator*() const { return *object_; }
  nb::object* operator->() const { return object_.get(); }

 private:
  std::shared_ptr<nb::object> object_;
};

}  // namespace xinfer::python
