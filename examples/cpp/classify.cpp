// Loads an engine, runs the images of a folder through it in batches and prints the five best
// classes of each. Links xinfer::runtime alone.
//
//   classify resnet18_int8.engine images/
#include <xinfer/core/engine.h>
#include <xtorch/xtorch.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <numeric>
#include <span>
#include <vector>

namespace {

constexpr std::size_t kTop = 5;
constexpr std::size_t kBatchSize = 32;

void print_best(const std::string& name, std::span<const float> scores) {
  std::vector<std::size_t> classes(scores.size());
  std::iota(classes.begin(), classes.end(), 0);
  const std::size_t count = std::min(kTop, classes.size());
  std::partial_sort(classes.begin(), classes.begin() + static_cast<std::ptrdiff_t>(count),
                    classes.end(),
                    [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  std::printf("%s\n", name.c_str());
  for (std::size_t i = 0; i < count; ++i) {
    std::printf("  %9.4f  class %zu\n", static_cast<double>(scores[classes[i]]), classes[i]);
  }
}

void classify(const std::string& engine_path, const std::string& folder) {
  xinfer::InferenceEngine engine(engine_path);
  auto dataset = xt::datasets::ImageFolder(
      folder, xt::transforms::Compose({
                  std::make_shared<xt::transforms::image::Resize>({224, 224}),
                  std::make_shared<xt::transforms::general::Normalize>(
                      std::vector<float>{0.485f, 0.456f, 0.406f},
                      std::vector<float>{0.229f, 0.224f, 0.225f}),
              }));
  xt::dataloaders::ExtendedDataLoader loader(dataset, kBatchSize);
  for (const xt::dataloaders::Batch& batch : loader) {
    const xinfer::Tensor output = engine.infer(batch.data);  // [N, classes]
    const std::span<const float> scores = output.values<float>();
    const std::size_t classes = scores.size() / batch.size();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      print_best(batch.names[i], scores.subspan(i * classes, classes));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: classify ENGINE FOLDER\n";
    return 1;
  }
  try {
    classify(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::cerr << "classify: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
