#include "data/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "core/file.h"
#include "data/file_bytes.h"
#include "data/testdata.h"

namespace xinfer {
namespace {

void write_text(const std::filesystem::path& path, std::string_view text) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
  write_file_atomically(path, {&bytes, 1}).value();
}

/// A .npy file with the given dictionary and `data_bytes` zeros.
std::string npy_text(int version, std::string dictionary, std::size_t data_bytes) {
  std::string text = "\x93NUMPY";
  text += static_cast<char>(version);
  text += '\0';
  dictionary += '\n';
  text += static_cast<char>(dictionary.size() & 0xFF);
  text += static_cast<char>(dictionary.size() >> 8);
  if (version > 1) text.append(2, '\0');
  return text + dictionary + std::string(data_bytes, '\0');
}

Result<NpyHeader> parse(const std::string& text) {
  return parse_npy_header(std::as_bytes(std::span(text)));
}

Tensor numbered(DType dtype, Shape shape) {
  Tensor tensor(dtype, std::move(shape));
  auto* bytes = static_cast<unsigned char*>(tensor.data());
  for (std::size_t i = 0; i < tensor.size_bytes(); ++i) bytes[i] = static_cast<unsigned char>(i);
  return tensor;
}

void expect_same(const Tensor& found, const Tensor& expected) {
  ASSERT_EQ(found.dtype(), expected.dtype());
  ASSERT_EQ(found.shape(), expected.shape());
  EXPECT_EQ(std::memcmp(found.data(), expected.data(), expected.size_bytes()), 0);
}

TEST(Npy, ReadsBackEveryType) {
  const TemporaryFolder folder;
  for (int code = 0; code <= static_cast<int>(DType::kBool); ++code) {
    const auto dtype = static_cast<DType>(code);
    if (dtype == DType::kBFloat16) continue;
    SCOPED_TRACE(to_string(dtype));
    for (const Shape& shape : {Shape{}, Shape{5}, Shape{2, 3}, Shape{4, 0, 2}}) {
      const Tensor tensor = numbered(dtype, shape);
      write_npy(folder.path() / "a.npy", tensor).value();
      expect_same(read_npy(folder.path() / "a.npy").value(), tensor);
    }
  }
  EXPECT_EQ(write_npy("b.npy", Tensor(DType::kBFloat16, {1})).message(),
            "file \"b.npy\": NumPy has no type for bfloat16");
}

TEST(Npy, WritesTheHeaderThatNumPyWrites) {
  const std::string header = npy_header_text(Tensor(DType::kFloat32, {2, 3})).value();
  EXPECT_EQ(header.size() % 64, 0U);
  EXPECT_EQ(header.substr(10, 61), "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  ");
  EXPECT_EQ(header.back(), '\n');
  EXPECT_THAT(npy_header_text(Tensor(DType::kUInt8, {7})).value(),
              testing::HasSubstr("'descr': '|u1', 'fortran_order': False, 'shape': (7,), }"));
  EXPECT_THAT(npy_header_text(Tensor(DType::kInt64, {})).value(),
              testing::HasSubstr("'shape': (), }"));
}

TEST(Npy, AMappedTensorOutlivesItsFileAndNeverChangesIt) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "a.npy";
  const Tensor tensor = numbered(DType::kUInt8, {100});
  write_npy(path, tensor).value();
  Tensor mapped = read_npy(path).value();
  mapped.values<std::uint8_t>()[3] = 77;
  expect_same(read_npy(path).value(), tensor);
  std::filesystem::remove(path);
  EXPECT_EQ(mapped.values<std::uint8_t>()[3], 77);
  EXPECT_EQ(mapped.values<std::uint8_t>()[99], 99);
}

TEST(Npy, ReadsAllVersionsAndSpellings) {
  for (int version = 1; version <= 3; ++version) {
    const Result<NpyHeader> header = parse(
        npy_text(version, "{'shape': (2L, 3), \"descr\": '<f8', 'fortran_order': False}", 48));
    ASSERT_TRUE(header.ok()) << header.status().message();
    EXPECT_EQ(header->dtype, DType::kFloat64);
    EXPECT_EQ(header->shape, (Shape{2, 3}));
  }
  EXPECT_TRUE(
      parse(npy_text(1, "{'descr': '<i2', 'fortran_order': True, 'shape': (4,), }", 8)).ok());
}

TEST(Npy, UnalignedDataIsCopied) {
  const TemporaryFolder folder;
  std::string text = npy_text(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,),}", 8);
  ASSERT_NE((text.size() - 8) % 4, 0U);
  write_text(folder.path() / "a.npy", text);
  const Tensor tensor = read_npy(folder.path() / "a.npy").value();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.data()) % alignof(float), 0U);
  EXPECT_EQ(tensor.values<float>()[1], 0);
}

TEST(Npy, SaysWhatIsWrong) {
  const auto complaint = [](const std::string& text) { return parse(text).status().message(); };
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  EXPECT_EQ(complaint("PK"), "not a .npy file");
  EXPECT_EQ(complaint(npy_text(4, good, 24)), ".npy format version 4.0; supported: 1 to 3");
  EXPECT_EQ(complaint(npy_text(1, good, 23)),
            "the header says float32 [2, 3], which 23 bytes of data do not fit");
  EXPECT_EQ(complaint(npy_text(1, good, 25)),
            "the header says float32 [2, 3], which 25 bytes of data do not fit");
  EXPECT_EQ(complaint(npy_text(1, good, 24).substr(0, 30)),
            "the .npy header claims 60 bytes; the file has 30");
  EXPECT_EQ(
      complaint(npy_text(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", 24)),
      "Fortran order; save the array with numpy.ascontiguousarray");
  EXPECT_EQ(complaint(npy_text(1, "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", 4)),
            "big-endian elements (\">f4\")");
  EXPECT_EQ(complaint(npy_text(1, "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8)),
            "elements of type \"|O\"; supported: bool, int8 to int64, uint8 to uint64, float16 to "
            "float64");
  EXPECT_THAT(complaint(npy_text(
                  1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4)),
              testing::StartsWith("elements of type \"structured\""));
  EXPECT_EQ(complaint(npy_text(1, "{'descr': '<f4', 'shape': (1,), }", 4)),
            "the .npy header is not a dictionary of descr, fortran_order and shape");
  EXPECT_EQ(complaint(npy_text(1,
                               "{'descr': '<f4', 'fortran_order': False, 'shape': "
                               "(4611686018427387904, 4611686018427387904), }",
                               4)),
            "the header says float32 [4611686018427387904, 4611686018427387904], which 4 bytes of "
            "data do not fit");
  EXPECT_EQ(read_npy("/nowhere/a.npy").status().message(),
            "file \"/nowhere/a.npy\": cannot open the file: No such file or directory");
}

TEST(Npz, ReadsWhatNumPyDeflated) {
  // savez_compressed wrote it; the contents are compared in the decoder's and resize's tests.
  EXPECT_EQ(goldens().size(), 43U);
}

TEST(Npz, ReadsBackWhatItWrites) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "a.npz";
  const NamedTensors tensors = {{"x", numbered(DType::kFloat32, {2, 3})},
                                {"y/z", numbered(DType::kInt8, {})},
                                {"empty", Tensor(DType::kInt64, {0})}};
  write_npz(path, tensors).value();
  const NamedTensors found = read_npz(path).value();
  ASSERT_EQ(found.size(), tensors.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].first, tensors[i].first);
    expect_same(found[i].second, tensors[i].second);
  }
  EXPECT_EQ(write_npz(path, {{"x", tensors[0].second}, {"x", tensors[1].second}}).message(),
            "file \"" + path.string() + "\": two arrays are named \"x\"");
}

TEST(Npz, SurvivesDamage) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "a.npz";
  const std::vector<std::byte> bytes =
      read_file_bytes(testdata_path("goldens.npz"), 1 << 20).value();
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (const std::size_t size : {0, 1, 21, 22, 100, 5000, 50000}) {
    write_text(path, text.substr(0, size));
    EXPECT_FALSE(read_npz(path).ok());
  }
  for (int round = 0; round < 100; ++round) {
    std::string damaged = text;
    // Half of the flips in the directory at the end, where the structure is.
    for (int flips = 0; flips < 4; ++flips) {
      const std::size_t range = flips % 2 == 0 ? text.size() : 2000;
      damaged[text.size() - 1 - random() % range] ^= static_cast<char>(1 << random() % 8);
    }
    write_text(path, damaged);
    const Result<NamedTensors> found = read_npz(path);  // Most flips break a checksum.
    if (found.ok()) continue;
    EXPECT_THAT(found.status().message(), testing::StartsWith("file \"" + path.string() + "\": "));
  }
}

TEST(WriteFile, AFailedWriteLeavesNothing) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path() / "taken");
  const std::span<const std::byte> none;
  EXPECT_THAT(write_file_atomically(folder.path() / "taken", {&none, 1}).message(),
              testing::HasSubstr("cannot replace"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  EXPECT_THAT(write_file_atomically("/nowhere/a", {&none, 1}).message(),
              testing::EndsWith("cannot create a file beside: No such file or directory"));
}

}  // namespace
}  // namespace xinfer
