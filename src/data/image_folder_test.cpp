#include "data/image_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "data/labels.h"
#include "data/testdata.h"
#include "xinfer/data/example.h"

namespace xinfer {
namespace {

namespace fs = std::filesystem;

class ImageFolderTest : public testing::Test {
 protected:
  void touch(const std::string& name, std::string_view text = "") {
    fs::create_directories((folder_.path() / name).parent_path());
    std::ofstream(folder_.path() / name) << text;
  }
  std::string list(const fs::path& labels = {}) const {
    const Result<ImageFolder> found = list_images(folder_.path(), labels);
    if (!found.ok()) return found.status().message();
    std::string text;
    for (const ImageFile& file : found->files) {
      text += fs::relative(file.path, folder_.path()).string() + "=" + std::to_string(file.target) +
              " ";
    }
    return text;
  }
  std::string path(const std::string& name = "") const {
    return name.empty() ? folder_.path().string() : (folder_.path() / name).string();
  }

  TemporaryFolder folder_;
};

TEST_F(ImageFolderTest, AFlatFolderIsSortedAndUnlabelled) {
  for (const char* name : {"b.JPG", "a.png", "B.jpeg", "c.JPEG", "note.txt", ".hidden.jpg"}) {
    touch(name);
  }
  EXPECT_EQ(list(), "B.jpeg=-1 a.png=-1 b.JPG=-1 c.JPEG=-1 ");
}

TEST_F(ImageFolderTest, ClassFoldersAreSortedClasses) {
  for (const char* name : {"dog/2.jpg", "dog/10.jpg", "cat/x.png", "ant/none.txt", "dog/deep/a.jpg",
                           ".git/z.jpg", "read.me"}) {
    touch(name);
  }
  // "ant" has no image and still is class 0.
  EXPECT_EQ(list(), "cat/x.png=1 dog/10.jpg=2 dog/2.jpg=2 dog/deep/a.jpg=2 ");
  EXPECT_THAT(list_images(folder_.path()).value().class_names,
              testing::ElementsAre("ant", "cat", "dog"));
}

TEST_F(ImageFolderTest, LabelsNameTheClasses) {
  touch("n1/a.jpg");
  touch("n2/a.jpg");
  touch("labels.tsv", "wnid\tindex\tname\r\nn2\t0\ttench\r\nn1\t7\tgoldfish\textra\r\n");
  EXPECT_EQ(list(path("labels.tsv")), "n1/a.jpg=7 n2/a.jpg=0 ");
  const ImageFolder found = list_images(folder_.path(), path("labels.tsv")).value();
  EXPECT_EQ(found.class_names.size(), 8U);
  EXPECT_EQ(found.class_names[7], "goldfish");
  touch("n3/a.jpg");
  EXPECT_EQ(list(path("labels.tsv")), "labels \"" + path("labels.tsv") +
                                          "\" do not list the class folder \"" + path("n3") + "\"");
}

TEST_F(ImageFolderTest, SaysWhatIsWrong) {
  EXPECT_EQ(list(), "folder \"" + path() + "\": it holds no .jpg, .jpeg or .png image");
  touch("a/x.jpg");
  touch("y.jpg");
  EXPECT_EQ(list(), "folder \"" + path() +
                        "\": it holds images (\"y.jpg\") and subfolders with "
                        "images (\"" +
                        path("a/x.jpg") + "\"); class folders and a flat folder cannot be mixed");
  EXPECT_EQ(list_images(path("y.jpg")).status().message(),
            "folder \"" + path("y.jpg") + "\": it is no folder");
  EXPECT_EQ(list_images("/nowhere").status().message(), "folder \"/nowhere\": it does not exist");
}

TEST(ClassTable, NamesTheLine) {
  EXPECT_EQ(parse_class_table("a\t1\tx\nb\tone\ty\n").status().message(),
            "line 2: found folder \"b\" and class index \"one\"; expected folder<TAB>class "
            "index<TAB>class name with an index of 0..16777215");
  EXPECT_EQ(parse_class_table("a\t1\tx\na\t2\ty\n").status().message(),
            "line 2: folder \"a\" is listed twice");
  EXPECT_EQ(parse_class_table("wnid\tindex\tname\n").status().message(), "it lists no class");
  EXPECT_EQ(parse_class_table("just text\n").status().message().substr(0, 31),
            "line 1: found folder \"just text");
  EXPECT_THAT(parse_class_table("a\t-1\tx").status().message(), testing::StartsWith("it lists no"));
  EXPECT_EQ(parse_class_table("a\t1").value().names[1], "a");
}

TEST(SpreadIndices, TakesThemEvenly) {
  EXPECT_THAT(spread_indices(10, 3), testing::ElementsAre(0, 3, 6));
  EXPECT_THAT(spread_indices(2, 5), testing::ElementsAre(0, 1));
  EXPECT_TRUE(spread_indices(0, 5).empty());
}

}  // namespace
}  // namespace xinfer
