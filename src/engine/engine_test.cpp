#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <limits>
#include <random>

#include "core/file.h"
#include "engine/dim_program.h"
#include "engine/engine_file.h"
#include "engine/format.h"

namespace xinfer::engine {
namespace {

/// A step from tensor 0 to itself.
template <typename Params>
std::unique_ptr<fb::StepT> make_step(const std::string& name, Params params) {
  auto step = std::make_unique<fb::StepT>();
  step->name = name;
  step->params.Set(std::move(params));
  step->inputs = {0};
  step->outputs = {0};
  return step;
}

/// One input "x" [batch, 3]; two steps, each with a blob.
fb::EngineT sample(BlobWriter& blobs) {
  fb::EngineT engine;
  engine.model = "sample";
  for (auto* bindings : {&engine.inputs, &engine.outputs}) {
    auto binding = std::make_unique<fb::BindingT>();
    binding->name = "x";
    binding->dims = {"batch", "3"};
    binding->min = binding->opt = binding->max = {1, 3};
    bindings->push_back(std::move(binding));
  }
  auto plan = std::make_unique<fb::PlanT>();
  plan->target = "cpu";
  plan->symbols = {"batch"};
  plan->dims = {fb::DimNode(0, 0, 0, fb::DimOp::Symbol), fb::DimNode(3, 0, 0, fb::DimOp::Constant),
                fb::DimNode(0, 0, 1, fb::DimOp::Mul)};
  auto tensor = std::make_unique<fb::TensorT>();
  tensor->dims = {0, 1};
  tensor->storage = fb::Storage::Input;
  plan->tensors.push_back(std::move(tensor));
  const float weights[] = {1, 2, 3};
  fb::GemmT gemm;
  gemm.weights = blobs.add(std::span<const float>(weights));
  gemm.epilogue = std::make_unique<fb::EpilogueT>();
  plan->steps.push_back(make_step("gemm", std::move(gemm)));
  const float tables[3 * 256] = {};
  fb::ConvertImageT image;
  image.tables = blobs.add(std::span<const float>(tables));
  plan->steps.push_back(make_step("image", std::move(image)));
  engine.plans.push_back(std::move(plan));
  return engine;
}

std::string sample_engine() {
  BlobWriter blobs;
  return serialize(sample(blobs), blobs);
}

std::string error_of(std::string_view bytes) {
  auto file = EngineFile::load(std::as_bytes(std::span(bytes)), "e");
  return file.ok() ? "" : file.status().message();
}

TEST(EngineFile, LoadsWhatItWroteAtAnyAlignment) {
  const std::string bytes = sample_engine();
  for (std::size_t shift = 0; shift < 9; ++shift) {
    const std::string moved = std::string(shift, ' ') + bytes;
    auto file = EngineFile::load(std::as_bytes(std::span(moved)).subspan(shift), "e").value();
    const fb::Plan& plan = *file->engine().plans()->Get(0);
    const auto* gemm = plan.steps()->Get(0)->params_as_Gemm();
    ASSERT_NE(gemm, nullptr);
    EXPECT_EQ(reinterpret_cast<const float*>(file->blob(*gemm->weights()))[2], 3.0f);
    const std::int64_t batch = 5;
    EXPECT_EQ(evaluate_dims(*plan.dims(), {&batch, 1}).value()[2], 15);
  }
}

TEST(DimProgram, OverflowsAreErrors) {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  for (const fb::DimOp op : {fb::DimOp::Add, fb::DimOp::Mul, fb::DimOp::FloorDiv}) {
    BlobWriter blobs;
    fb::EngineT engine = sample(blobs);
    engine.plans[0]->dims = {fb::DimNode(kLeast, 0, 0, fb::DimOp::Constant),
                             fb::DimNode(-1, 0, 0, fb::DimOp::Constant), fb::DimNode(0, 0, 1, op)};
    const std::string bytes = serialize(engine, blobs);
    const auto file = EngineFile::load(std::as_bytes(std::span(bytes)), "e").value();
    const Result<std::vector<std::int64_t>> values =
        evaluate_dims(*file->engine().plans()->Get(0)->dims(), {});
    EXPECT_EQ(values.status().message(), "a dimension overflows for these input shapes")
        << EnumNameDimOp(op);
  }
}

TEST(EngineFile, EqualInputsGiveEqualBytes) { EXPECT_EQ(sample_engine(), sample_engine()); }

TEST(EngineFile, NamesWhatIsWrong) {
  const std::string good = sample_engine();
  EXPECT_EQ(error_of("hello, world"), "e: not an xinfer engine file");
  EXPECT_EQ(error_of(good.substr(0, 20)), "e: truncated: 20 bytes are no whole header");
  EXPECT_EQ(error_of(good.substr(0, good.size() - 1)),
            "e: truncated or overlong: " + std::to_string(good.size() - 1) +
                " bytes, the header says " + std::to_string(good.size()));
  std::string newer = good;
  newer[8] = 2;
  EXPECT_EQ(error_of(newer),
            "e: engine format 2; this xinfer reads format 1: build the engine again");
  std::string altered = good;
  altered[altered.size() - kBlobAlignment - 60] ^= 1;
  EXPECT_EQ(error_of(altered), "e: damaged: the weights do not match their hash");
}

TEST(EngineFile, ChainsLieWithinThePlan) {
  for (const auto& [length, error] :
       {std::pair(1u, "e: damaged: step \"gemm\" begins a broken chain"),
        {2u, ""},
        {3u, "e: damaged: step \"gemm\" begins a broken chain"}}) {
    BlobWriter blobs;
    fb::EngineT engine = sample(blobs);
    engine.plans[0]->steps[0]->chain = length;
    EXPECT_EQ(error_of(serialize(engine, blobs)), error) << length;
  }
}

TEST(EngineFile, BlobsLieWithinTheirSection) {
  BlobWriter blobs;
  const fb::Blob outside(std::uint64_t{1} << 20, 3 * 256 * sizeof(float));
  fb::EngineT engine = sample(blobs);
  engine.plans[0]->steps[0]->params.AsGemm()->weights = outside;
  EXPECT_EQ(error_of(serialize(engine, blobs)), "e: damaged: step \"gemm\" lacks its weights");
  engine = sample(blobs);
  engine.plans[0]->steps[1]->params.AsConvertImage()->tables = outside;
  EXPECT_EQ(error_of(serialize(engine, blobs)), "e: damaged: step \"image\" lacks its tables");
  engine = sample(blobs);
  fb::ByteTableT table;
  table.table = outside;
  engine.plans[0]->steps[1] = make_step("table", std::move(table));
  EXPECT_EQ(error_of(serialize(engine, blobs)), "e: damaged: step \"table\" lacks its tables");
}

TEST(EngineFile, SurvivesEveryDamagedByte) {
  const std::string good = sample_engine();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x40);
    EXPECT_NE(error_of(bad), "") << "byte " << i;
  }
}

TEST(EngineFile, MalformedMetadataWithAGoodHashIsRefusedOrHarmless) {
  const std::string good = sample_engine();
  FileHeader header;
  std::memcpy(&header, good.data(), sizeof(header));
  const std::string metadata = good.substr(header.metadata_offset, header.metadata_bytes);
  const std::string blobs = good.substr(header.blobs_offset);
  const unsigned seed = 20261122;
  std::mt19937 random(seed);
  for (int i = 0; i < 3000; ++i) {
    std::string bad = metadata;
    for (int flips = 0; flips < 3; ++flips) {
      bad[random() % bad.size()] = static_cast<char>(random());
    }
    const std::string framed =
        make_frame(std::as_bytes(std::span(bad)), std::as_bytes(std::span(blobs)));
    auto file = EngineFile::load(std::as_bytes(std::span(framed)), "e");  // must not crash
    if (file.ok()) {
      EXPECT_NE((*file)->engine().plans(), nullptr) << "seed " << seed;
    }
  }
}

TEST(WriteFileAtomically, AKilledWriterLeavesTheOldFileOrTheNewOne) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("xinfer_atomic_" + std::to_string(::getpid()) + ".engine");
  const std::string old_bytes(100, 'o');
  const std::string new_bytes(64 << 20, 'n');
  for (int delay_us : {0, 500, 2000, 8000, 20000}) {
    ASSERT_TRUE(write_file_atomically(path, std::as_bytes(std::span(old_bytes))).ok());
    const pid_t child = ::fork();
    if (child == 0) {
      ::_exit(write_file_atomically(path, std::as_bytes(std::span(new_bytes))).ok() ? 0 : 1);
    }
    ::usleep(static_cast<useconds_t>(delay_us));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const auto size = std::filesystem::file_size(path);
    EXPECT_TRUE(size == old_bytes.size() || size == new_bytes.size()) << size;
  }
  for (const auto& entry : std::filesystem::directory_iterator(path.parent_path())) {
    if (entry.path().string().starts_with(path.string())) std::filesystem::remove(entry.path());
  }
}

TEST(MapFile, NamesTheFile) {
  EXPECT_EQ(map_file("/nonexistent/a.engine").status().message(),
            "/nonexistent/a.engine: cannot open: No such file or directory");
}

/// One launch, its kernel and cubin.
fb::EngineT launch_engine(BlobWriter& blobs) {
  fb::EngineT engine;
  auto plan = std::make_unique<fb::PlanT>();
  plan->target = "cuda:sm_90a";
  plan->dims = {fb::DimNode(1, 0, 0, fb::DimOp::Constant)};
  auto kernel = std::make_unique<fb::CudaKernelT>();
  kernel->entry = "move";
  kernel->tactic = "move_8";
  const std::byte cubin[] = {std::byte{1}};
  kernel->cubin = blobs.add(std::span<const std::byte>(cubin));
  kernel->threads = 256;
  plan->kernels.push_back(std::move(kernel));
  fb::CudaT launch;
  launch.family = "Copy";
  launch.variants.push_back(std::make_unique<fb::CudaVariantT>());
  auto step = std::make_unique<fb::StepT>();
  step->name = "copy";
  step->params.Set(std::move(launch));
  plan->steps.push_back(std::move(step));
  engine.plans.push_back(std::move(plan));
  return engine;
}

TEST(EngineFile, ChecksLaunches) {
  BlobWriter blobs;
  fb::EngineT engine = launch_engine(blobs);
  EXPECT_EQ(error_of(serialize(engine, blobs)), "");
  fb::CudaT& launch = *engine.plans[0]->steps[0]->params.AsCuda();
  launch.variants[0]->kernel = 1;
  EXPECT_THAT(error_of(serialize(engine, blobs)), testing::HasSubstr("kernel is not there"));
  launch.variants[0]->kernel = kNoKernel;
  EXPECT_EQ(error_of(serialize(engine, blobs)), "");
  launch.variants[0]->kernel = 0;
  launch.operands.push_back(std::make_unique<fb::CudaOperandT>());
  launch.operands[0]->tensor = 5;
  EXPECT_THAT(error_of(serialize(engine, blobs)), testing::HasSubstr("operand is not there"));
  launch.operands.clear();
  engine.plans[0]->kernels[0]->threads = 2048;
  EXPECT_THAT(error_of(serialize(engine, blobs)), testing::HasSubstr("cannot be launched"));
}

TEST(EngineFile, CarriesAttachments) {
  const std::string plain = sample_engine();
  const auto file = EngineFile::load(std::as_bytes(std::span(plain)), "e").value();
  EXPECT_EQ(find_attachment(*file, "notes"), nullptr);
  const std::string notes = "what it came from";
  const std::string bytes = attach(*file, "notes", std::as_bytes(std::span(notes))).value();
  const auto carrying = EngineFile::load(std::as_bytes(std::span(bytes)), "e").value();
  const fb::Attachment* found = find_attachment(*carrying, "notes");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(std::memcmp(carrying->blob(*found->content()), notes.data(), notes.size()), 0);
  EXPECT_EQ(found->content()->size(), notes.size());
  EXPECT_EQ(find_attachment(*carrying, "note"), nullptr);
  // The weights are where they were.
  const auto weights_of = [](const EngineFile& engine) {
    return engine.engine().plans()->Get(0)->steps()->Get(0)->params_as_Gemm()->weights();
  };
  EXPECT_EQ(weights_of(*carrying)->offset(), weights_of(*file)->offset());
  EXPECT_EQ(std::memcmp(carrying->blob(*weights_of(*carrying)), file->blob(*weights_of(*file)), 12),
            0);
  const auto again = attach(*carrying, "notes", std::as_bytes(std::span(notes)));
  EXPECT_THAT(again.status().message(), testing::HasSubstr("an attachment \"notes\" already"));
}

TEST(EngineFile, ChecksAttachments) {
  BlobWriter blobs;
  fb::EngineT engine = launch_engine(blobs);
  engine.attachments.push_back(std::make_unique<fb::AttachmentT>());
  engine.attachments[0]->name = "notes";
  engine.attachments[0]->content = fb::Blob(0, 1);
  EXPECT_EQ(error_of(serialize(engine, blobs)), "");
  engine.attachments[0]->content = fb::Blob(0, 1 << 20);
  EXPECT_THAT(error_of(serialize(engine, blobs)), testing::HasSubstr("an attachment is not there"));
}

}  // namespace
}  // namespace xinfer::engine
