// xt::datasets on top of folder listing and decoding.
#include <utility>

#include "core/status.h"
#include "data/decode.h"
#include "data/error_message.h"
#include "data/image_folder.h"
#include "xtorch/datasets.h"

namespace xt::datasets {

struct ImageFolder::State {
  xinfer::ImageFolder folder;
  transforms::Compose transform;
};

ImageFolder::ImageFolder(const std::filesystem::path& folder, transforms::Compose transform,
                         const std::filesystem::path& labels)
    : state_(std::make_shared<const State>(
          State{xinfer::list_images(folder, labels).value(), std::move(transform)})) {}

std::size_t ImageFolder::size() const { return state_->folder.files.size(); }

const std::vector<std::string>& ImageFolder::classes() const { return state_->folder.class_names; }

Example ImageFolder::get(std::size_t index) const {
  if (index >= size()) {
    throw xinfer::Error(xinfer::ErrorCode::kInvalidArgument,
                        fmt::format("example {} of a dataset of {}", index, size()));
  }
  const xinfer::ImageFile& file = state_->folder.files[index];
  xinfer::Image image = xinfer::read_image(file.path).value();
  try {
    return {state_->transform(std::move(image)).tensor(), file.target, file.path.string()};
  } catch (const xinfer::Error& error) {
    throw xinfer::Error(error.code(), fmt::format("image \"{}\": {}", file.path.string(),
                                                  xinfer::message_of(error)));
  }
}

}  // namespace xt::datasets
