// Folders of images: which files they hold, in which order, with which labels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/status.h"

namespace xinfer {

struct ImageFile {
  std::filesystem::path path;
  std::int64_t target;  ///< Class index, or kNoLabel.
};

/// A folder's images.
struct ImageFolder {
  std::vector<ImageFile> files;
  std::vector<std::string> class_names;  ///< By class index; empty for a flat folder.
};

/// Lists a folder. Either it holds images itself (flat: sorted by name, without labels), or its
/// subfolders do (class folders: sorted by folder, then by path within it; deeper folders belong to
/// their class). A subfolder without images still counts as a class. Images end in .jpg, .jpeg or
/// .png in any case; names that begin with a dot are passed over. Names sort by their bytes, so the
/// order is the same everywhere.
/// `labels` names a class table (labels.h) that must list every class folder; empty means that the
/// sorted folder names are the classes. Fails if there is no image, or images both in the folder
/// and in subfolders.
Result<ImageFolder> list_images(const std::filesystem::path& folder,
                                const std::filesystem::path& labels = {});

/// `count` indices spread evenly over [0, total), ascending; all of them if `count` >= total. Takes
/// a few images of every class where the first ones would be of one class.
std::vector<std::size_t> spread_indices(std::size_t total, std::size_t count);

}  // namespace xinfer
