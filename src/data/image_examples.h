// Image files as examples for a model's input.
#pragma once

#include <vector>

#include "data/image_folder.h"
#include "data/loader.h"
#include "data/preprocess.h"

namespace xinfer {

/// Fetches file i: decodes it, preprocesses it, names it by its path. Errors name the file.
ExampleLoader::Fetch image_examples(std::vector<ImageFile> files, Preprocessor preprocessor);

}  // namespace xinfer
