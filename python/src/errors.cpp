// xinfer::Error becomes the Python exception of its code, with the C++ message.
#include "module.h"
#include "xinfer/core/error.h"

namespace xinfer::python {
namespace {

void translate(const std::exception_ptr& thrown, void* /*payload*/) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    // xinfer._errors maps the code's name to a class; it imports nothing of this module.
    const nb::object classes = nb::module_::import_("xinfer._errors").attr("BY_CODE");
    const nb::object type = classes[to_string(error.code())];
    PyErr_SetString(type.ptr(), error.what());
  }
}

}  // namespace

void bind_errors(nb::module_& /*module*/) { nb::register_exception_translator(translate); }

}  // namespace xinfer::python
