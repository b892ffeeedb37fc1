// Both cache forms: golden texts, round trips, exact errors, arbitrary bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "calibrate/base64.h"
#include "calibrate/cache_json.h"
#include "calibrate/cache_tensorrt.h"
#include "calibrate/choose_range.h"

namespace xinfer::calibrate {
namespace {

using ::testing::HasSubstr;

// Names and scales as TensorRT writes them: ':' and spaces in names, zero as a single digit, a
// softmax whose threshold is 2048.5 / 2048.
constexpr const char* kTensorRtGolden =
    "TRT-8601-EntropyCalibration2\n"
    "input_1:0: 3c010a14\n"
    "(Unnamed Layer* 64) [Shuffle]_output: 0\n"
    "model/conv: 1: weird : name: 3d0b7086\n"
    "tiny: 8\n"
    "broken: 7f800000\n"
    "negative: bf800000\n";

TEST(TensorRtCache, ReadsItsText) {
  const Ranges ranges = read_tensorrt_cache(kTensorRtGolden).value();
  EXPECT_EQ(ranges.origin, RangeOrigin::kTensorRt);
  EXPECT_EQ(ranges.tensorrt_version, 8601);
  EXPECT_EQ(ranges.algorithm, "entropy2");
  ASSERT_EQ(ranges.size(), 6u);
  const ValueRange* input = ranges.find("input_1:0");
  ASSERT_NE(input, nullptr);
  EXPECT_NEAR(input->threshold, 2048.5 / 2048, 1e-7);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(input->scale()), 0x3c010a14u);
  EXPECT_EQ(input->calibrator, "entropy2");
  EXPECT_NE(ranges.find("model/conv: 1: weird : name"), nullptr);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(ranges.find("tiny")->scale()), 8u);
  for (const char* unusable :
       {"(Unnamed Layer* 64) [Shuffle]_output", "tiny", "broken", "negative"}) {
    EXPECT_FALSE(ranges.find(unusable)->usable()) << unusable;
  }
}

TEST(TensorRtCache, WritesTheSameBytesAgain) {
  EXPECT_EQ(write_tensorrt_cache(read_tensorrt_cache(kTensorRtGolden).value()).value(),
            kTensorRtGolden);
}

TEST(TensorRtCache, EveryFiniteScaleSurvives) {
  const unsigned seed = 21;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 20000; ++i) {
    const std::uint32_t bits = std::uniform_int_distribution<std::uint32_t>(0, 0x7f7fffff)(random);
    const std::string text = fmt::format("TRT-101600-MinMaxCalibration\nv: {:x}\n", bits);
    ASSERT_EQ(write_tensorrt_cache(read_tensorrt_cache(text).value()).value(), text);
  }
}

TEST(TensorRtCache, TakesEveryAlgorithmVersionAndLineEnd) {
  for (const char* name :
       {"EntropyCalibration2", "MinMaxCalibration", "EntropyCalibration", "LegacyCalibration"}) {
    for (const char* version : {"3000", "8601", "101600", "110000"}) {
      const std::string text = fmt::format("TRT-{}-{}\r\n\r\na: 3F800000\r\nb: 1", version, name);
      const Ranges ranges = read_tensorrt_cache(text).value();
      EXPECT_EQ(ranges.find("a")->scale(), 1.0f);
      EXPECT_EQ(write_tensorrt_cache(ranges).value(),
                fmt::format("TRT-{}-{}\na: 3f800000\nb: 1\n", version, name));
    }
  }
}

TEST(TensorRtCache, SaysWhichLineIsWrong) {
  const auto message = [](const std::string& text) {
    const Status status = read_tensorrt_cache(text).status();
    EXPECT_EQ(status.code(), ErrorCode::kInvalidArgument) << text;
    return status.message();
  };
  const std::string header = "TRT-8601-MinMaxCalibration\n";
  EXPECT_THAT(message(""), HasSubstr("line 1: no header in \"\""));
  EXPECT_THAT(message("TRT-8601\n"), HasSubstr("line 1: no header"));
  EXPECT_THAT(message("TRT-x-MinMaxCalibration\n"), HasSubstr("the version is not a number"));
  EXPECT_THAT(message("TRT-8601-OtherCalibration\n"), HasSubstr("unknown algorithm"));
  EXPECT_EQ(message(header + "a: 1\nb 2\n"),
            "calibration cache, line 3: \"b 2\" is not \"<value name>: <scale in hex>\"");
  EXPECT_EQ(message(header + "a: 123456789\n"),
            "calibration cache, line 2: \"123456789\" is not a float32 bit pattern of 1 to 8 hex "
            "digits");
  EXPECT_THAT(message(header + "a: 0x3f80\n"), HasSubstr("\"0x3f80\" is not"));
  EXPECT_THAT(message(header + "a: -1\n"), HasSubstr("\"-1\" is not"));
  EXPECT_THAT(message(header + "a: \n"), HasSubstr("\"\" is not"));
  EXPECT_THAT(message(header + ": 1\n"), HasSubstr("\": 1\" is not"));
  EXPECT_THAT(message(header + "a: 1\na: 1\n"), HasSubstr("line 3: value \"a\" is listed twice"));
}

TEST(TensorRtCache, KeepsThatAnInputIsNeverNegative) {
  Ranges ranges;
  ranges.algorithm = "entropy2";
  const Observation observed{.amax = 127, .min = 0, .max = 127};
  ASSERT_TRUE(
      ranges.insert("image", {.threshold = 127, .network_input = true, .observed = observed}));
  ASSERT_TRUE(ranges.insert("relu", {.threshold = 127, .observed = observed}));
  const std::string text = write_tensorrt_cache(ranges).value();
  EXPECT_EQ(text,
            "TRT-101600-EntropyCalibration2\n"
            "image: 3f800000\nimage (unsigned): 3f800000\nrelu: 3f800000\n");
  const Ranges back = read_tensorrt_cache(text).value();
  ASSERT_EQ(back.size(), 2u);
  EXPECT_EQ(back.find("image")->observed, observed);
  EXPECT_FALSE(back.find("relu")->observed);
  EXPECT_EQ(write_tensorrt_cache(back).value(), text);
  // The mark alone, or one that contradicts the input's line, is a value like any other.
  for (const char* odd :
       {"TRT-8601-MinMaxCalibration\nimage (unsigned): 3f800000\n",
        "TRT-8601-MinMaxCalibration\nimage: 3f800000\nimage (unsigned): 3f000000\n"}) {
    EXPECT_TRUE(read_tensorrt_cache(odd).value().find("image (unsigned)") != nullptr);
  }
}

TEST(TensorRtCache, RefusesToWriteNamesThatBreakLines) {
  Ranges ranges;
  ranges.insert("a\nb", ValueRange{.threshold = 1.0});
  EXPECT_THAT(write_tensorrt_cache(ranges).status().message(), HasSubstr("\"a?b\""));
}

TEST(TensorRtCache, OwnCalibrationsAreWrittenInItsTerms) {
  Ranges ranges;
  ranges.algorithm = "percentile:99.9";
  ranges.insert("x", ValueRange{.threshold = 127.0});
  EXPECT_EQ(write_tensorrt_cache(ranges).value(), "TRT-101600-EntropyCalibration2\nx: 3f800000\n");
  ranges.algorithm = "minmax";
  EXPECT_THAT(write_tensorrt_cache(ranges).value(), HasSubstr("TRT-101600-MinMaxCalibration\n"));
}

Ranges small_ranges() {
  auto histogram = std::make_shared<quant::Histogram>();
  histogram->observe(std::vector<float>{0.0f, 0.5f, 1.5f, 3.0f});
  Ranges ranges;
  ranges.model_hash = "0123456789abcdef";
  ranges.algorithm = "minmax";
  ranges.data = {200, 0xfedcba9876543210u};
  ranges.insert("input", choose_range(histogram, DType::kInt8, true, {}, {}));
  ranges.insert(
      "relu", choose_range(histogram, DType::kUInt8, false, {.algorithm = Algorithm::kMinMax}, {}));
  return ranges;
}

constexpr const char* kJsonGolden = R"({
 "format": "xinfer calibration cache",
 "version": 1,
 "origin": "calibration",
 "model_hash": "0123456789abcdef",
 "algorithm": "minmax",
 "data": {
  "count": 200,
  "hash": "fedcba9876543210"
 },
 "values": [
  {
   "name": "input",
   "threshold": 3.0,
   "calibrator": "minmax",
   "grid": "int8",
   "network_input": true,
   "amax": 3.0,
   "min": 0.0,
   "max": 3.0,
   "clip_share": 0.0
  },
  {
   "name": "relu",
   "threshold": 3.0,
   "calibrator": "minmax",
   "grid": "uint8",
   "network_input": false,
   "amax": 3.0,
   "min": 0.0,
   "max": 3.0,
   "clip_share": 0.0
  }
 ]
}
)";

TEST(JsonCache, WritesTheDocumentedForm) {
  EXPECT_EQ(write_json_cache(small_ranges(), false).value(), kJsonGolden);
}

TEST(JsonCache, ReadsBackWhatItWrote) {
  for (bool with_histograms : {false, true}) {
    const std::string text = write_json_cache(small_ranges(), with_histograms).value();
    const Ranges ranges = read_json_cache(text).value();
    EXPECT_EQ(write_json_cache(ranges, true).value(), text);
    EXPECT_EQ(ranges.data, small_ranges().data);
    EXPECT_EQ(ranges.find("relu")->histogram != nullptr, with_histograms);
    EXPECT_EQ(ranges.find("relu")->grid, DType::kUInt8);
    EXPECT_TRUE(ranges.find("input")->network_input);
  }
}

TEST(JsonCache, MergedFromFilesEqualsTheWhole) {
  std::vector<Ranges> parts;
  for (float x : {1.0f, 2.0f}) {
    auto histogram = std::make_shared<quant::Histogram>();
    histogram->observe(std::vector<float>{x, -x / 3});
    Ranges ranges;
    ranges.algorithm = "minmax";
    ranges.insert(
        "v", choose_range(histogram, DType::kInt8, false, {.algorithm = Algorithm::kMinMax}, {}));
    parts.push_back(read_json_cache(write_json_cache(ranges, true).value()).value());
  }
  const Ranges merged = merge_ranges(parts).value();
  quant::Histogram whole;
  whole.observe(std::vector<float>{-2.0f / 3, 2.0f, 1.0f, -1.0f / 3});
  EXPECT_TRUE(*merged.find("v")->histogram == whole);
  EXPECT_EQ(merged.find("v")->threshold, 2.0);
}

TEST(JsonCache, TensorRtRangesSurvive) {
  const Ranges tensorrt = read_tensorrt_cache(kTensorRtGolden).value();
  const Ranges back = read_json_cache(write_json_cache(tensorrt, true).value()).value();
  EXPECT_EQ(back.origin, RangeOrigin::kTensorRt);
  EXPECT_EQ(back.tensorrt_version, 8601);
  for (const auto& [name, range] : tensorrt.entries()) {
    const ValueRange* found = back.find(name);
    EXPECT_TRUE(found->threshold == range.threshold || !range.usable()) << name;
    EXPECT_EQ(back.find(name)->usable(), range.usable());
  }
}

TEST(JsonCache, SaysWhichFieldIsWrong) {
  const auto message = [](std::string_view from, std::string_view to) {
    std::string text = kJsonGolden;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    const Status status = read_json_cache(text).status();
    EXPECT_EQ(status.code(), ErrorCode::kInvalidArgument) << to;
    return status.message();
  };
  EXPECT_EQ(message("\"version\": 1", "\"version\": 2"),
            "calibration cache, top level: it has version 2; this build reads 1");
  EXPECT_THAT(message("xinfer calibration cache", "x"), HasSubstr("field \"format\" is \"x\""));
  EXPECT_EQ(message("\"amax\": 3.0", "\"amax\": \"3\""),
            "calibration cache, values[0]: field \"amax\" is string, needed a number");
  EXPECT_THAT(message("\"amax\": 3.0", "\"amax\": 0.1"), HasSubstr("is not a float32"));
  EXPECT_THAT(message("\"amax\": 3.0", "\"amax\": 1e39"), HasSubstr("is not a float32"));
  EXPECT_THAT(message("\"amax\": 3.0", "\"amax\": 4.0"), HasSubstr("contradict each other"));
  EXPECT_THAT(message("\"amax\"", "\"amaxx\""), HasSubstr("values[0]: unknown field \"amaxx\""));
  EXPECT_THAT(message("\"grid\": \"uint8\"", "\"grid\": \"uint4\""),
              HasSubstr("values[1]: field \"grid\" is \"uint4\", needed int8 or uint8"));
  EXPECT_THAT(message("\"threshold\": 3.0", "\"threshold\": -3.0"),
              HasSubstr("needed a number >= 0"));
  EXPECT_THAT(message("\"name\": \"relu\"", "\"name\": \"input\""),
              HasSubstr("values[1]: value \"input\" is listed twice"));
  EXPECT_THAT(message("fedcba9876543210", "fedcba"), HasSubstr("must be 16 hex digits"));
  EXPECT_THAT(message("\"count\": 200", "\"count\": -1"), HasSubstr("a whole number >= 0"));
  EXPECT_THAT(message("\"origin\": \"calibration\"", "\"origin\": \"x\""),
              HasSubstr("field \"origin\" is \"x\""));
  EXPECT_THAT(message("\"clip_share\": 0.0", "\"clip_share\": 0.0, \"histogram\": \"????\""),
              HasSubstr("values[0]: field \"histogram\" is not base64"));
  EXPECT_THAT(message("\"clip_share\": 0.0", "\"clip_share\": 0.0, \"histogram\": \"CQAA\""),
              HasSubstr("values[0]: histogram version 9"));
  EXPECT_THAT(message("\"values\"", "\"value\""), HasSubstr("unknown field \"value\""));
  EXPECT_THAT(message("\"name\": \"input\",", ""), HasSubstr("field \"name\" is missing"));
  EXPECT_THAT(message("]\n}", "]\n"), HasSubstr("not valid JSON"));
}

TEST(JsonCache, RefusesToWriteNamesThatAreNotUtf8) {
  Ranges ranges;
  ranges.insert("caf\xe9", ValueRange{.threshold = 1.0});
  EXPECT_THAT(write_json_cache(ranges, false).status().message(), HasSubstr("UTF-8"));
}

TEST(AnyCache, ContentDecides) {
  EXPECT_EQ(read_any_cache(kTensorRtGolden).value().origin, RangeOrigin::kTensorRt);
  EXPECT_EQ(read_any_cache(kJsonGolden).value().origin, RangeOrigin::kCalibration);
  EXPECT_EQ(read_any_cache(std::string(" \n") + kJsonGolden).value().size(), 2u);
  EXPECT_THAT(read_any_cache("PK\x03").status().message(),
              HasSubstr("this is no calibration cache"));
  EXPECT_FALSE(read_any_cache("").ok());
}

TEST(AnyCache, SurvivesArbitraryBytes) {
  const std::vector<std::string> originals = {kTensorRtGolden, kJsonGolden,
                                              write_json_cache(small_ranges(), true).value()};
  const unsigned seed = 23;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 6000; ++i) {
    std::string text = originals[static_cast<std::size_t>(i) % originals.size()];
    for (unsigned k = random() % 4 + 1; k > 0; --k) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, random() % 20 + 1);
          break;
        default:
          text.insert(at, text.substr(random() % text.size(), random() % 20));
      }
      if (text.empty()) break;
    }
    const Result<Ranges> ranges = read_any_cache(text);
    if (!ranges.ok()) {
      EXPECT_FALSE(ranges.status().message().empty());
      continue;
    }
    // Whatever was accepted can be written and read again.
    const Result<std::string> json = write_json_cache(*ranges, true);
    EXPECT_TRUE(!json.ok() || read_json_cache(*json).ok()) << *json;
    const Result<std::string> lines = write_tensorrt_cache(*ranges);
    EXPECT_TRUE(!lines.ok() || read_tensorrt_cache(*lines).ok()) << *lines;
  }
}

TEST(AnyCache, DeepNestingIsRefusedNotFollowed) {
  const std::string deep = "{\"format\":" + std::string(200000, '[');
  EXPECT_FALSE(read_any_cache(deep).ok());
  EXPECT_FALSE(read_any_cache(deep + std::string(200000, ']') + "}").ok());
}

TEST(Base64, RoundTripsAndRefusesOtherTexts) {
  for (std::size_t n = 0; n < 10; ++n) {
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i < n; ++i) bytes.push_back(static_cast<std::uint8_t>(i * 37 + 200));
    EXPECT_EQ(decode_base64(encode_base64(bytes)), bytes);
  }
  const std::vector<std::uint8_t> man = {'M', 'a', 'n'};
  EXPECT_EQ(encode_base64(man), "TWFu");
  EXPECT_EQ(encode_base64(std::span(man).first(1)), "TQ==");
  for (const char* bad : {"TQ=", "T===", "TR==", "TWF\n", "=AAA", "TQ==TQ==", "T=Q="}) {
    EXPECT_FALSE(decode_base64(bad)) << bad;
  }
}

}  // namespace
}  // namespace xinfer::calibrate
