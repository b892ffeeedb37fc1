#include "calibrate/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xinfer::calibrate {
namespace {

using ::testing::HasSubstr;

TEST(ParseCalibrator, KnowsEveryForm) {
  EXPECT_EQ(parse_calibrator("auto").value().algorithm, Algorithm::kAuto);
  EXPECT_EQ(parse_calibrator("entropy2").value().algorithm, Algorithm::kEntropy2);
  EXPECT_EQ(parse_calibrator("entropy").value().algorithm, Algorithm::kEntropy);
  EXPECT_EQ(parse_calibrator("minmax").value().algorithm, Algorithm::kMinMax);
  EXPECT_EQ(parse_calibrator("mse").value().algorithm, Algorithm::kMse);
  EXPECT_EQ(parse_calibrator("percentile").value().percentile, 99.99);
  EXPECT_EQ(parse_calibrator("percentile:99.9").value().percentile, 99.9);
  EXPECT_EQ(parse_calibrator("legacy").value().cutoff, 1.0);
  const CalibratorOptions legacy = parse_calibrator("legacy:0.995:0.7").value();
  EXPECT_EQ(legacy.quantile, 0.995);
  EXPECT_EQ(legacy.cutoff, 0.7);
}

TEST(ParseCalibrator, RoundTrips) {
  for (const char* text : {"auto", "entropy2", "entropy", "minmax", "mse", "percentile:99.999",
                           "legacy:0.9:0.5", "percentile:100"}) {
    const CalibratorOptions options = parse_calibrator(text).value();
    EXPECT_EQ(to_string(options), text);
    EXPECT_EQ(parse_calibrator(to_string(options)).value(), options);
  }
}

TEST(ParseCalibrator, SaysWhatIsWrong) {
  const auto message = [](const char* text) {
    const Status status = parse_calibrator(text).status();
    EXPECT_EQ(status.code(), ErrorCode::kInvalidArgument) << text;
    return status.message();
  };
  EXPECT_EQ(message("entropy3"),
            "unknown calibrator \"entropy3\"; known: auto, entropy2, entropy, minmax, "
            "percentile[:P], mse, legacy[:Q:C]");
  EXPECT_EQ(message("percentile:101"),
            "calibrator \"percentile:101\": the percentile is \"101\"; it must be a number in "
            "(0, 100]");
  EXPECT_THAT(message("percentile:"), HasSubstr("the percentile is \"\""));
  EXPECT_THAT(message("percentile:0"), HasSubstr("(0, 100]"));
  EXPECT_THAT(message("percentile:nan"), HasSubstr("(0, 100]"));
  EXPECT_THAT(message("percentile:99.9x"), HasSubstr("\"99.9x\""));
  EXPECT_THAT(message("legacy:0.9:1.5"), HasSubstr("the cutoff is \"1.5\""));
  EXPECT_THAT(message("legacy:0.9"), HasSubstr("has 1 parameter; it takes none or two"));
  EXPECT_THAT(message("minmax:3"), HasSubstr("has 1 parameter; it takes none"));
  EXPECT_THAT(message(""), HasSubstr("unknown calibrator \"\""));
}

}  // namespace
}  // namespace xinfer::calibrate
