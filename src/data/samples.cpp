// The public sample sets, on the loaders of this folder.
#include "xinfer/data/samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <map>

#include "core/status.h"
#include "data/image_examples.h"
#include "data/image_folder.h"
#include "data/labels.h"
#include "data/loader.h"
#include "data/npy.h"
#include "data/preprocess.h"
#include "xinfer/data/arrays.h"

namespace xinfer {

namespace fs = std::filesystem;

/// What a SampleSet stands on: images or arrays.
class SampleSet::Source {
 public:
  virtual ~Source() = default;
  virtual bool next(SampleBatch& batch) = 0;
  virtual void reset() = 0;
  virtual std::int64_t size() const = 0;
  virtual std::vector<std::string> skipped() const { return {}; }

  std::int64_t batch_size = 1;
  bool has_labels = false;
  std::vector<std::string> class_names;
};

namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

bool is_image(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

// --- images -------------------------------------------------------------------------------------

class ImageSource final : public SampleSet::Source {
 public:
  ImageSource(std::size_t count, ExampleLoader::Fetch fetch, const LoaderOptions& options)
      : loader_(count, std::move(fetch), options) {}

  bool next(SampleBatch& batch) override {
    Batch loaded;
    if (!loader_.next(&loaded).value()) return false;
    batch.inputs = {std::move(loaded.data)};
    batch.targets = std::move(loaded.target);
    batch.names = std::move(loaded.names);
    return true;
  }
  void reset() override { loader_.reset(); }
  std::int64_t size() const override { return static_cast<std::int64_t>(loader_.size()); }
  std::vector<std::string> skipped() const override { return loader_.skipped(); }

 private:
  ExampleLoader loader_;
};

/// The model's input shape, negative where it is dynamic.
Shape fixed_shape(const BindingInfo& input) {
  Shape shape;
  for (std::size_t i = 0; i < input.max.size(); ++i) {
    shape.push_back(i > 0 && input.min[i] == input.max[i] ? input.max[i] : -1);
  }
  return shape;
}

std::shared_ptr<SampleSet::Source> image_source(ImageFolder folder, const SampleOptions& options,
                                                const std::vector<BindingInfo>& inputs) {
  if (inputs.size() != 1) {
    refuse(fmt::format("images feed models with one input; this one has {}: give a .npz",
                       inputs.size()));
  }
  const bool bytes = inputs[0].dtype == DType::kUInt8;
  if (inputs[0].dtype != DType::kFloat32 && !bytes) {
    refuse(fmt::format("input \"{}\" is {}; images feed float32 and uint8 inputs", inputs[0].name,
                       to_string(inputs[0].dtype)));
  }
  Preprocessing preprocessing = parse_preprocessing(options.preprocess).value();
  if (bytes && options.engine_normalization) {
    check_applied_normalization(preprocessing,
                                parse_preprocessing(*options.engine_normalization).value())
        .with_context("input \"" + inputs[0].name + "\"")
        .value();
  }
  Preprocessor preprocessor =
      Preprocessor::create(std::move(preprocessing), fixed_shape(inputs[0]),
                           bytes ? PixelForm::kBytes : PixelForm::kNormalized)
          .value();
  if (options.count > 0) {
    std::vector<ImageFile> chosen;
    for (std::size_t i :
         spread_indices(folder.files.size(), static_cast<std::size_t>(options.count))) {
      chosen.push_back(folder.files[i]);
    }
    folder.files = std::move(chosen);
  }
  LoaderOptions loader;
  loader.batch_size = static_cast<std::size_t>(options.batch_size);
  loader.workers = options.workers;
  loader.skip_bad = options.skip_bad;
  const bool labelled = std::any_of(folder.files.begin(), folder.files.end(),
                                    [](const ImageFile& file) { return file.target != kNoLabel; });
  const std::size_t count = folder.files.size();
  auto source = std::make_shared<ImageSource>(
      count, image_examples(std::move(folder.files), std::move(preprocessor)), loader);
  source->batch_size = options.batch_size;
  source->has_labels = labelled;
  source->class_names = std::move(folder.class_names);
  return source;
}

// --- arrays -------------------------------------------------------------------------------------

/// Rows of arrays in memory (or mapped).
class ArraySource final : public SampleSet::Source {
 public:
  ArraySource(std::vector<Tensor> arrays, std::vector<std::size_t> rows,
              std::vector<std::int64_t> targets)
      : arrays_(std::move(arrays)), rows_(std::move(rows)), targets_(std::move(targets)) {}

  bool next(SampleBatch& batch) override {
    if (at_ == rows_.size()) return false;
    const std::size_t count = std::min(rows_.size() - at_, static_cast<std::size_t>(batch_size));
    batch = {};
    for (const Tensor& array : arrays_) batch.inputs.push_back(take(array, count));
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t row = rows_[at_ + i];
      batch.targets.push_back(targets_.empty() ? kNoLabel : targets_[row]);
      batch.names.push_back(fmt::format("row {}", row));
    }
    at_ += count;
    return true;
  }
  void reset() override { at_ = 0; }
  std::int64_t size() const override { return static_cast<std::int64_t>(rows_.size()); }

 private:
  Tensor take(const Tensor& array, std::size_t count) const {
    Shape shape = array.shape();
    const std::size_t row_bytes =
        shape[0] == 0 ? 0 : array.size_bytes() / static_cast<std::size_t>(shape[0]);
    shape[0] = static_cast<std::int64_t>(count);
    Tensor rows(array.dtype(), shape);
    for (std::size_t i = 0; i < count; ++i) {
      std::memcpy(static_cast<std::byte*>(rows.data()) + i * row_bytes,
                  static_cast<const std::byte*>(array.data()) + rows_[at_ + i] * row_bytes,
                  row_bytes);
    }
    return rows;
  }

  std::vector<Tensor> arrays_;
  std::vector<std::size_t> rows_;
  std::vector<std::int64_t> targets_;
  std::size_t at_ = 0;
};

/// Class indices of rows: a .npy of integers, or a table `row<TAB>class index…`.
std::vector<std::int64_t> read_row_labels(const fs::path& path, std::int64_t rows) {
  std::vector<std::int64_t> targets(static_cast<std::size_t>(rows), kNoLabel);
  if (path.extension() == ".npy") {
    const Tensor labels = load_npy(path);
    if (labels.dtype() != DType::kInt64 || labels.size() != rows) {
      refuse(fmt::format("{}: holds {} {}; needed: int64, one class index for each of {} rows",
                         path.string(), to_string(labels.dtype()), to_string(labels.shape()),
                         rows));
    }
    const auto values = labels.values<std::int64_t>();
    targets.assign(values.begin(), values.end());
    return targets;
  }
  std::ifstream file(path);
  if (!file) throw Error(ErrorCode::kIoError, path.string() + ": cannot open");
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    std::int64_t row = 0, target = 0;
    const std::size_t tab = line.find('\t');
    const char* end = line.data() + line.size();
    const auto first = std::from_chars(line.data(), end, row);
    const auto second = tab == std::string::npos
                            ? std::from_chars_result{line.data(), std::errc::invalid_argument}
                            : std::from_chars(line.data() + tab + 1, end, target);
    if (first.ec != std::errc() || second.ec != std::errc()) {
      if (number == 1) continue;  // a header
      refuse(fmt::format("{}: line {} does not begin with a row and a class index", path.string(),
                         number));
    }
    if (row < 0 || row >= rows) {
      refuse(fmt::format("{}: line {} names row {}; there are {} rows", path.string(), number, row,
                         rows));
    }
    targets[static_cast<std::size_t>(row)] = target;
  }
  return targets;
}

std::vector<Tensor> arrays_by_input(const fs::path& path, const std::vector<BindingInfo>& inputs) {
  if (path.extension() == ".npy") {
    if (inputs.size() != 1) {
      refuse(
          fmt::format("{}: one array for a model with {} inputs: give a .npz with an array "
                      "for each",
                      path.string(), inputs.size()));
    }
    return {load_npy(path)};
  }
  std::vector<std::pair<std::string, Tensor>> members = load_npz(path);
  if (members.size() == 1 && inputs.size() == 1) return {members[0].second};
  std::vector<Tensor> arrays;
  for (const BindingInfo& input : inputs) {
    const auto it = std::find_if(members.begin(), members.end(),
                                 [&](const auto& member) { return member.first == input.name; });
    if (it == members.end()) {
      refuse(fmt::format("{}: holds no array \"{}\"", path.string(), input.name));
    }
    arrays.push_back(it->second);
  }
  return arrays;
}

void check_array(const fs::path& path, const Tensor& array, const BindingInfo& input,
                 std::int64_t rows) {
  const Shape fixed = fixed_shape(input);
  bool fits = array.dtype() == input.dtype && array.shape().size() == fixed.size() &&
              !fixed.empty() && array.shape()[0] == rows;
  for (std::size_t i = 1; fits && i < fixed.size(); ++i) {
    fits = fixed[i] < 0 || fixed[i] == array.shape()[i];
  }
  if (fits) return;
  std::string dims;
  for (const std::string& dim : input.dims) dims += (dims.empty() ? "" : ", ") + dim;
  refuse(fmt::format("{}: {} {} does not fit input \"{}\", {} [{}]", path.string(),
                     to_string(array.dtype()), to_string(array.shape()), input.name,
                     to_string(input.dtype), dims));
}

std::shared_ptr<SampleSet::Source> array_source(const fs::path& path, const SampleOptions& options,
                                                const std::vector<BindingInfo>& inputs) {
  std::vector<Tensor> arrays = arrays_by_input(path, inputs);
  const std::int64_t rows = arrays.empty() || arrays[0].shape().empty() ? 0 : arrays[0].shape()[0];
  for (std::size_t i = 0; i < arrays.size(); ++i) check_array(path, arrays[i], inputs[i], rows);
  std::vector<std::int64_t> targets;
  if (!options.labels.empty()) targets = read_row_labels(options.labels, rows);
  const auto total = static_cast<std::size_t>(rows);
  const bool labelled = !targets.empty();
  auto source = std::make_shared<ArraySource>(
      std::move(arrays),
      spread_indices(total, options.count > 0 ? static_cast<std::size_t>(options.count) : total),
      std::move(targets));
  source->batch_size = options.batch_size;
  source->has_labels = labelled;
  return source;
}

void check_options(const SampleOptions& options) {
  if (options.batch_size < 1) {
    refuse(fmt::format("the batch size is {}; needed: 1 or more", options.batch_size));
  }
  if (options.count < 0) {
    refuse(fmt::format("the number of samples is {}; needed: 0 (all) or more", options.count));
  }
}

}  // namespace

SampleSet SampleSet::open(const fs::path& path, const SampleOptions& options,
                          const std::vector<BindingInfo>& inputs) {
  check_options(options);
  if (path.extension() == ".npy" || path.extension() == ".npz") {
    return SampleSet(array_source(path, options, inputs));
  }
  return open_images({path}, options, inputs);
}

SampleSet SampleSet::open_images(const std::vector<fs::path>& paths, const SampleOptions& options,
                                 const std::vector<BindingInfo>& inputs) {
  check_options(options);
  ImageFolder all;
  for (const fs::path& path : paths) {
    if (fs::is_directory(path)) {
      ImageFolder folder = list_images(path, options.labels).value();
      all.files.insert(all.files.end(), folder.files.begin(), folder.files.end());
      all.class_names = std::move(folder.class_names);
    } else if (fs::exists(path) && is_image(path)) {
      all.files.push_back({path, kNoLabel});
    } else if (fs::exists(path)) {
      refuse(path.string() + ": neither a folder nor a .jpg, .jpeg, .png, .npy or .npz file");
    } else {
      throw Error(ErrorCode::kIoError, path.string() + ": no such file or folder");
    }
  }
  return SampleSet(image_source(std::move(all), options, inputs));
}

bool SampleSet::next(SampleBatch& batch) { return source_->next(batch); }
void SampleSet::reset() { source_->reset(); }
std::int64_t SampleSet::size() const { return source_->size(); }
std::int64_t SampleSet::batch_size() const { return source_->batch_size; }
bool SampleSet::has_labels() const { return source_->has_labels; }
const std::vector<std::string>& SampleSet::class_names() const { return source_->class_names; }
std::vector<std::string> SampleSet::skipped() const { return source_->skipped(); }

std::vector<std::string> read_class_names(const fs::path& table) {
  return read_class_table(table).value().names;
}

bool SampleCalibrator::next_batch(const std::vector<std::string>& names,
                                  std::vector<Tensor>& batch) {
  SampleBatch samples;
  if (!samples_.next(samples)) return false;
  if (samples.inputs.size() != names.size()) {
    refuse(fmt::format("the samples have {} arrays; the model has {} inputs", samples.inputs.size(),
                       names.size()));
  }
  batch = std::move(samples.inputs);
  return true;
}

Tensor load_npy(const fs::path& path) { return read_npy(path).value(); }
void save_npy(const fs::path& path, const Tensor& tensor) { write_npy(path, tensor).value(); }
std::vector<std::pair<std::string, Tensor>> load_npz(const fs::path& path) {
  return read_npz(path).value();
}
void save_npz(const fs::path& path, const std::vector<std::pair<std::string, Tensor>>& tensors) {
  write_npz(path, tensors).value();
}

}  // namespace xinfer
