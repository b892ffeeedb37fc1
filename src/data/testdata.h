// The committed test images and what Pillow makes of them (testdata/make_testdata.py).
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/npy.h"
#include "xinfer/data/image.h"

namespace xinfer {

inline std::filesystem::path testdata_path(const std::string& name) {
  return std::filesystem::path(XINFER_DATA_TESTDATA) / name;
}

inline const NamedTensors& goldens() {
  static const NamedTensors tensors = read_npz(testdata_path("goldens.npz")).value();
  return tensors;
}

/// The pixels of a golden [H, W, C] or [H, W].
inline Image golden_image(const std::string& name) {
  for (const auto& [key, tensor] : goldens()) {
    if (key != name) continue;
    const Shape& shape = tensor.shape();
    Image image(static_cast<int>(shape[1]), static_cast<int>(shape[0]),
                shape.size() == 2 ? 1 : static_cast<int>(shape[2]));
    const auto values = tensor.values<std::uint8_t>();
    image.pixels.assign(values.begin(), values.end());
    return image;
  }
  ADD_FAILURE() << "no golden " << name;
  return {};
}

/// An empty folder that goes away with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "xinfer_data_XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void expect_same_image(const Image& found, const Image& expected) {
  ASSERT_EQ(found.width, expected.width);
  ASSERT_EQ(found.height, expected.height);
  ASSERT_EQ(found.channels, expected.channels);
  for (std::size_t i = 0; i < expected.pixels.size(); ++i) {
    ASSERT_EQ(int{found.pixels[i]}, int{expected.pixels[i]}) << "at byte " << i;
  }
}

}  // namespace xinfer
