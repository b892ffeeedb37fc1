// Loads an engine with the runtime alone, runs a tensor of zeros and prints the shapes.
#include <xinfer/core/engine.h>

#include <algorithm>
#include <exception>
#include <iostream>

namespace {

void run(const char* path) {
  xinfer::InferenceEngine engine{path};
  const xinfer::BindingInfo& input = engine.engine().inputs().at(0);
  xinfer::Tensor tensor(input.dtype, input.opt);
  std::ranges::fill(tensor.values<float>(), 0.0f);
  const xinfer::Tensor output = engine.infer(tensor);
  std::cout << input.name << " [";
  for (std::size_t i = 0; i < input.dims.size(); ++i) {
    std::cout << (i == 0 ? "" : ", ") << input.dims[i];
  }
  std::cout << "] -> " << engine.engine().outputs().at(0).name << " "
            << xinfer::to_string(output.shape()) << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc > 1 ? argv[1] : "");
  } catch (const xinfer::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}
