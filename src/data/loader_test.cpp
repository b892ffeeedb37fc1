#include "data/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>

#include "data/image_examples.h"
#include "data/testdata.h"

namespace xinfer {
namespace {

/// Example i holds the numbers i and -i; later ones are quicker, so that workers finish out of
/// turn.
Result<Example> numbered(std::size_t i) {
  std::this_thread::sleep_for(std::chrono::microseconds(i % 3 == 0 ? 300 : 10));
  const float values[] = {static_cast<float>(i), -static_cast<float>(i)};
  return Example{Tensor(Shape{2}, std::span<const float>(values)), static_cast<std::int64_t>(i),
                 std::to_string(i)};
}

/// The targets of one epoch, batches separated by "|".
std::string epoch(ExampleLoader* loader) {
  std::string text;
  Batch batch;
  while (loader->next(&batch).value()) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto target = static_cast<float>(batch.target[i]);
      EXPECT_EQ(batch.data.values<float>()[2 * i], target);
      EXPECT_EQ(batch.data.values<float>()[2 * i + 1], -target);
      text += batch.names[i] + " ";
    }
    EXPECT_EQ(batch.data.shape(), (Shape{static_cast<std::int64_t>(batch.size()), 2}));
    text += "| ";
  }
  EXPECT_FALSE(loader->next(&batch).value());
  return text;
}

TEST(Loader, GivesTheSameBatchesWithAnyNumberOfWorkers) {
  for (const int workers : {0, 1, 3, 16, -1}) {
    for (const std::size_t prefetch : {1, 4}) {
      ExampleLoader loader(8, numbered,
                           {.batch_size = 3, .workers = workers, .prefetch_batches = prefetch});
      EXPECT_EQ(loader.batch_count(), 3U);
      EXPECT_EQ(epoch(&loader), "0 1 2 | 3 4 5 | 6 7 | ");
      loader.reset();
      EXPECT_EQ(epoch(&loader), "0 1 2 | 3 4 5 | 6 7 | ");
    }
  }
}

TEST(Loader, DropsAShortLastBatch) {
  ExampleLoader loader(8, numbered, {.batch_size = 3, .drop_last = true});
  EXPECT_EQ(loader.batch_count(), 2U);
  EXPECT_EQ(epoch(&loader), "0 1 2 | 3 4 5 | ");
}

TEST(Loader, ShufflesBySeedAndEpoch) {
  const LoaderOptions options{.batch_size = 4, .shuffle = true, .seed = 5, .workers = 2};
  ExampleLoader a(8, numbered, options);
  ExampleLoader b(8, numbered, options);
  const std::string first = epoch(&a);
  EXPECT_EQ(first, epoch(&b));
  EXPECT_EQ(first, "4 1 7 0 | 3 2 5 6 | ");  // The same on every platform.
  a.reset();
  EXPECT_NE(epoch(&a), first);
}

TEST(Loader, AnEmptyDatasetHasNoBatch) {
  ExampleLoader loader(0, numbered, {.batch_size = 4});
  EXPECT_EQ(epoch(&loader), "");
}

Result<Example> with_bad_ones(std::size_t i) {
  if (i == 2 || i == 5) return io_error("image \"{}\": damaged", i);
  return numbered(i);
}

TEST(Loader, ABadExampleIsFatal) {
  for (const int workers : {0, 2}) {
    ExampleLoader loader(8, with_bad_ones, {.batch_size = 2, .workers = workers});
    Batch batch;
    EXPECT_TRUE(loader.next(&batch).value());
    const Result<bool> failed = loader.next(&batch);
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.status().message(), "image \"2\": damaged");
    EXPECT_EQ(failed.status().code(), ErrorCode::kIoError);
    EXPECT_EQ(loader.next(&batch).status().message(),
              "the loader failed before; reset it to read again");
    loader.reset();
    EXPECT_TRUE(loader.next(&batch).value());
    EXPECT_EQ(batch.names[0], "0");
  }
}

TEST(Loader, ABadExampleIsSkippedAndListed) {
  for (const int workers : {0, 2}) {
    ExampleLoader loader(8, with_bad_ones, {.batch_size = 3, .workers = workers, .skip_bad = true});
    EXPECT_EQ(epoch(&loader), "0 1 3 | 4 6 7 | ");
    EXPECT_THAT(loader.skipped(),
                testing::ElementsAre("image \"2\": damaged", "image \"5\": damaged"));
    loader.reset();
    EXPECT_TRUE(loader.skipped().empty());
  }
}

TEST(Loader, AWorkersExceptionReachesTheCaller) {
  for (const int workers : {0, 2}) {
    const auto fetch = [](std::size_t i) -> Result<Example> {
      if (i == 3) throw std::logic_error("no such thing");
      return numbered(i);
    };
    // Even where bad examples are skipped: an exception is no bad example.
    ExampleLoader loader(8, fetch, {.batch_size = 2, .workers = workers, .skip_bad = true});
    Batch batch;
    EXPECT_TRUE(loader.next(&batch).value());
    EXPECT_THROW((void)loader.next(&batch), std::logic_error);
    EXPECT_FALSE(loader.next(&batch).ok());
  }
}

TEST(Loader, HoldsNoMoreThanItsPrefetch) {
  std::atomic<int> fetched = 0;
  const auto fetch = [&fetched](std::size_t i) {
    ++fetched;
    return numbered(i);
  };
  ExampleLoader loader(100, fetch, {.batch_size = 2, .workers = 4, .prefetch_batches = 3});
  EXPECT_EQ(fetched, 0);
  Batch batch;
  EXPECT_TRUE(loader.next(&batch).value());
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_LE(fetched, 2 + 6);
}

TEST(Loader, EndsItsWorkersWhenDestroyedEarly) {
  std::atomic<int> running = 0;
  for (int round = 0; round < 20; ++round) {
    const auto fetch = [&running](std::size_t i) {
      ++running;
      Result<Example> example = numbered(i);
      --running;
      return example;
    };
    ExampleLoader loader(100, fetch, {.batch_size = 1, .workers = 3, .prefetch_batches = 4});
    Batch batch;
    if (round % 2 == 0) {
      EXPECT_TRUE(loader.next(&batch).value());
    }
  }
  EXPECT_EQ(running, 0);
}

TEST(Loader, NamesExamplesOfDifferentShapes) {
  const auto fetch = [](std::size_t i) -> Result<Example> {
    return Example{Tensor(DType::kFloat32, {3, 4, static_cast<std::int64_t>(i) + 1}), 0,
                   "image" + std::to_string(i)};
  };
  ExampleLoader loader(2, fetch, {.batch_size = 2});
  Batch batch;
  EXPECT_EQ(loader.next(&batch).status().message(),
            "a batch holds \"image0\" of float32 [3, 4, 1] and \"image1\" of float32 [3, 4, 2]; "
            "resize or crop them to one shape");
}

TEST(ImageExamples, DecodeAndPreprocess) {
  const std::filesystem::path path = testdata_path("photo.png");
  const Preprocessor preprocessor =
      Preprocessor::create(parse_preprocessing("crop=8,scale=1").value(), {-1, 3, 8, 8}).value();
  const ExampleLoader::Fetch fetch =
      image_examples({{path, 4}, {testdata_path("gray1.png"), 5}, {"/nowhere", 6}}, preprocessor);
  const Example example = fetch(0).value();
  EXPECT_EQ(example.target, 4);
  EXPECT_EQ(example.name, path.string());
  const Image image = golden_image("decode/photo.png");
  // Offsets (61 - 8) / 2 = 26.5 to 26 (byte 78), (47 - 8) / 2 = 19.5 to 20.
  EXPECT_EQ(example.data.values<float>()[0], static_cast<float>(image.row(20)[78]));
  EXPECT_EQ(fetch(2).status().message(),
            "image \"/nowhere\": cannot open the file: No such file or directory");
  const Preprocessor large =
      Preprocessor::create(parse_preprocessing("crop=20").value(), {-1, 3, 20, 20}).value();
  EXPECT_EQ(image_examples({{testdata_path("gray1.png"), 5}}, large)(0).status().message(),
            "image \"" + testdata_path("gray1.png").string() +
                "\": a crop of 20x20 does not fit into an image of 13x9");
}

}  // namespace
}  // namespace xinfer
