// Listing image folders in a fixed order.
#include "data/image_folder.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <system_error>

#include "data/labels.h"
#include "xinfer/data/example.h"

namespace xinfer {
namespace {

namespace fs = std::filesystem;

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

bool is_image_name(const fs::path& path) {
  constexpr std::array<std::string_view, 3> kExtensions = {".jpg", ".jpeg", ".png"};
  std::string extension = path.extension().string();
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

struct Entries {
  std::vector<fs::path> images;
  std::vector<fs::path> folders;
};

Status cannot_list(const fs::path& folder, const std::error_code& error) {
  return io_error("folder \"{}\": cannot list it: {}", folder.string(), error.message());
}

/// The images and subfolders directly in `folder`, sorted by name.
Result<Entries> list_entries(const fs::path& folder) {
  std::error_code error;
  Entries entries;
  fs::directory_iterator it(folder, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    std::error_code unreadable;  // A dangling link is neither file nor folder.
    if (is_hidden(it->path())) continue;
    if (it->is_directory(unreadable)) {
      entries.folders.push_back(it->path());
    } else if (it->is_regular_file(unreadable) && is_image_name(it->path())) {
      entries.images.push_back(it->path());
    }
  }
  if (error) return cannot_list(folder, error);
  const auto by_bytes = [](const fs::path& a, const fs::path& b) {
    return a.native() < b.native();
  };
  std::sort(entries.images.begin(), entries.images.end(), by_bytes);
  std::sort(entries.folders.begin(), entries.folders.end(), by_bytes);
  return entries;
}

/// All images below `folder`: its own, then those of its subfolders. Links to folders are not
/// followed below a class folder, since they could lead in circles.
Status collect_images(const fs::path& folder, std::vector<fs::path>* images) {
  XINFER_ASSIGN_OR_RETURN(const Entries entries, list_entries(folder));
  images->insert(images->end(), entries.images.begin(), entries.images.end());
  for (const fs::path& subfolder : entries.folders) {
    std::error_code ignored;
    if (fs::is_symlink(subfolder, ignored)) continue;
    XINFER_RETURN_IF_ERROR(collect_images(subfolder, images));
  }
  return {};
}

Result<ClassTable> find_classes(const std::vector<fs::path>& folders, const fs::path& labels) {
  if (!labels.empty()) return read_class_table(labels);
  std::vector<std::string> names;
  for (const fs::path& folder : folders) names.push_back(folder.filename().string());
  return classes_of_folders(std::move(names));
}

/// The images of class folders; an empty list if there are none.
Result<ImageFolder> list_class_folders(const std::vector<fs::path>& folders,
                                       const fs::path& labels) {
  XINFER_ASSIGN_OR_RETURN(ClassTable classes, find_classes(folders, labels));
  ImageFolder result;
  for (const fs::path& folder : folders) {
    std::vector<fs::path> images;
    XINFER_RETURN_IF_ERROR(collect_images(folder, &images));
    if (images.empty()) continue;
    const auto found = classes.index_of_folder.find(folder.filename().string());
    if (found == classes.index_of_folder.end()) {
      return invalid_argument("labels \"{}\" do not list the class folder \"{}\"", labels.string(),
                              folder.string());
    }
    for (fs::path& image : images) result.files.push_back({std::move(image), found->second});
  }
  result.class_names = std::move(classes.names);
  return result;
}

}  // namespace

Result<ImageFolder> list_images(const fs::path& folder, const fs::path& labels) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return io_error("folder \"{}\": {}", folder.string(),
                    fs::exists(folder, error) ? "it is no folder" : "it does not exist");
  }
  XINFER_ASSIGN_OR_RETURN(Entries entries, list_entries(folder));
  XINFER_ASSIGN_OR_RETURN(ImageFolder result, list_class_folders(entries.folders, labels));
  if (entries.images.empty() && result.files.empty()) {
    return io_error("folder \"{}\": it holds no .jpg, .jpeg or .png image", folder.string());
  }
  if (!entries.images.empty() && !result.files.empty()) {
    return invalid_argument(
        "folder \"{}\": it holds images (\"{}\") and subfolders with images (\"{}\"); class "
        "folders "
        "and a flat folder cannot be mixed",
        folder.string(), entries.images.front().filename().string(),
        result.files.front().path.string());
  }
  if (result.files.empty()) result.class_names.clear();
  for (fs::path& image : entries.images) result.files.push_back({std::move(image), kNoLabel});
  return result;
}

std::vector<std::size_t> spread_indices(std::size_t total, std::size_t count) {
  count = std::min(count, total);
  std::vector<std::size_t> indices;
  indices.reserve(count);
  for (std::size_t i = 0; i < count; ++i) indices.push_back(i * total / count);
  return indices;
}

}  // namespace xinfer
