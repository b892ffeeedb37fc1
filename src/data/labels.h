// Which class index a folder of images stands for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace xinfer {

/// Classes by folder and by index.
struct ClassTable {
  std::map<std::string, std::int64_t, std::less<>> index_of_folder;
  std::vector<std::string> names;  ///< By class index; empty where the table skips an index.
};

/// The sorted folder names are the classes 0, 1, ….
ClassTable classes_of_folders(std::vector<std::string> folders);

/// A text file of lines `folder<TAB>class index<TAB>class name`; a first line whose second field is
/// no number is a header, further fields are ignored. Fails naming file and line.
Result<ClassTable> read_class_table(const std::filesystem::path& path);

/// The same from text; messages begin with `line N`.
Result<ClassTable> parse_class_table(std::string_view text);

}  // namespace xinfer
