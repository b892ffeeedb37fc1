// Image files as examples for a model's input.
#include "data/image_examples.h"

#include <memory>
#include <utility>

#include "data/decode.h"

namespace xinfer {

ExampleLoader::Fetch image_examples(std::vector<ImageFile> files, Preprocessor preprocessor) {
  const auto shared = std::make_shared<const std::vector<ImageFile>>(std::move(files));
  return [shared, preprocessor = std::move(preprocessor)](std::size_t i) -> Result<Example> {
    const ImageFile& file = (*shared)[i];
    XINFER_ASSIGN_OR_RETURN(const Image image, read_image(file.path));
    Result<Tensor> data = preprocessor.apply(image);
    if (!data.ok()) {
      return data.status().with_context(fmt::format("image \"{}\"", file.path.string()));
    }
    return Example{*std::move(data), file.target, file.path.string()};
  };
}

}  // namespace xinfer
