#include "calibrator.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "arrays.h"
#include "describe.h"

namespace xinfer::python {
namespace {

class PyCalibrator : public builders::INT8Calibrator {
 public:
  explicit PyCalibrator(nb::object source) : source_(std::move(source)) {}

  std::int64_t batch_size() const override {
    const nb::gil_scoped_acquire lock;
    return nb::cast<std::int64_t>(source_->attr("batch_size")());
  }

  bool next_batch(const std::vector<std::string>& names, std::vector<Tensor>& batch) override {
    const nb::gil_scoped_acquire lock;
    const nb::object arrays = source_->attr("next_batch")(describe(names));
    if (arrays.is_none()) return false;
    batch.clear();
    for (nb::handle array : arrays) {
      const std::string& name = names[std::min(batch.size(), names.size() - 1)];
      const std::string what = "calibration batch for input \"" + name + "\"";
      batch.push_back(adopt(to_array(array, what), what));
    }
    return true;
  }

  std::string algorithm() const override {
    const nb::gil_scoped_acquire lock;
    return nb::cast<std::string>(source_->attr("algorithm")());
  }

  std::optional<std::int64_t> sample_count() const override {
    const nb::gil_scoped_acquire lock;
    return nb::cast<std::optional<std::int64_t>>(source_->attr("sample_count")());
  }

  std::optional<std::string> read_cache() override {
    const nb::gil_scoped_acquire lock;
    const nb::object cache = source_->attr("read_cache")();
    if (cache.is_none()) return std::nullopt;
    const nb::bytes bytes(cache);
    return std::string(bytes.c_str(), bytes.size());
  }

  void write_cache(std::string_view cache) override {
    const nb::gil_scoped_acquire lock;
    source_->attr("write_cache")(nb::bytes(cache.data(), cache.size()));
  }

  bool keeps_cache() const override {
    const nb::gil_scoped_acquire lock;
    return nb::cast<bool>(source_->attr("keeps_cache")());
  }

 private:
  SharedObject source_;
};

}  // namespace

std::shared_ptr<builders::INT8Calibrator> make_calibrator(nb::object source) {
  return std::make_shared<PyCalibrator>(std::move(source));
}

}  // namespace xinfer::python
