// An engine that says its lists of eight-byte elements lie four bytes further is refused.
#include "engine/validate_lists.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include "engine/engine_file.h"
#include "engine/format.h"

namespace xinfer::engine {
namespace {

/// Its length, were it read four bytes too far, is the first element: the list still ends inside.
const std::vector<std::int64_t> kList = {1, 1};

template <typename Params>
std::unique_ptr<fb::StepT> step_with(const char* name, Params params) {
  auto step = std::make_unique<fb::StepT>();
  step->name = name;
  step->params.Set(std::move(params));
  return step;
}

std::unique_ptr<fb::CudaKernelT> kernel_with_map(BlobWriter& blobs) {
  auto map = std::make_unique<fb::TensorMapT>();
  map->rank = 1;
  map->extent.assign(5, 5);
  map->stride_bytes.assign(4, 4);
  map->box.assign(5, 1);
  map->element_stride.assign(5, 1);
  map->lower_corner.assign(2, 0);
  map->upper_corner.assign(2, 0);
  auto kernel = std::make_unique<fb::CudaKernelT>();
  const std::byte cubin[] = {std::byte{1}};
  kernel->cubin = blobs.add(std::span<const std::byte>(cubin));
  kernel->threads = 32;
  kernel->tensor_maps.push_back(std::move(map));
  return kernel;
}

/// One of everything that has such lists.
std::string engine_with_lists() {
  BlobWriter blobs;
  fb::EngineT engine;
  auto binding = std::make_unique<fb::BindingT>();
  binding->name = "x";
  binding->dims = {"1"};
  binding->min = binding->opt = binding->max = {1};
  engine.inputs.push_back(std::move(binding));
  auto plan = std::make_unique<fb::PlanT>();
  plan->target = "cpu";
  plan->kernels.push_back(kernel_with_map(blobs));
  fb::ConvT conv;
  conv.kernel = conv.strides = conv.dilations = conv.pads_begin = kList;
  conv.epilogue = std::make_unique<fb::EpilogueT>();
  plan->steps.push_back(step_with("conv", std::move(conv)));
  fb::PoolT pool;
  pool.kernel = pool.strides = pool.dilations = pool.pads_begin = pool.pads_end = kList;
  plan->steps.push_back(step_with("pool", std::move(pool)));
  fb::SliceT slice;
  slice.step = kList;
  plan->steps.push_back(step_with("slice", std::move(slice)));
  fb::PadT pad;
  pad.pads_begin = pad.pads_end = kList;
  plan->steps.push_back(step_with("pad", std::move(pad)));
  fb::ResizeT resize;
  double first;  // whose low four bytes are a length of 1
  std::memcpy(&first, kList.data(), sizeof(first));
  resize.roi = resize.scales = {first, 1};
  plan->steps.push_back(step_with("resize", std::move(resize)));
  engine.plans.push_back(std::move(plan));
  return serialize(engine, blobs);
}

/// Where a table keeps the offset of one of its lists.
struct List {
  std::string error;
  std::function<const void*(const fb::Engine&)> table;
  flatbuffers::voffset_t field;
};

std::vector<List> all_lists() {
  std::vector<List> lists;
  const auto add = [&](const std::string& error, auto table,
                       std::initializer_list<flatbuffers::voffset_t> fields) {
    for (const flatbuffers::voffset_t field : fields) {
      lists.push_back({"e: damaged: " + error, table, field});
    }
  };
  const auto add_step = [&](unsigned step, const std::string& name,
                            std::initializer_list<flatbuffers::voffset_t> fields) {
    const auto params = [step](const fb::Engine& engine) {
      return engine.plans()->Get(0)->steps()->Get(step)->params();
    };
    add("step \"" + name + "\" has a list at an odd address", params, fields);
  };
  using C = fb::Conv;
  using P = fb::Pool;
  add_step(0, "conv", {C::VT_KERNEL, C::VT_STRIDES, C::VT_DILATIONS, C::VT_PADS_BEGIN});
  add_step(1, "pool",
           {P::VT_KERNEL, P::VT_STRIDES, P::VT_DILATIONS, P::VT_PADS_BEGIN, P::VT_PADS_END});
  add_step(2, "slice", {fb::Slice::VT_STEP});
  add_step(3, "pad", {fb::Pad::VT_PADS_BEGIN, fb::Pad::VT_PADS_END});
  add_step(4, "resize", {fb::Resize::VT_ROI, fb::Resize::VT_SCALES});
  add("binding \"x\" has a profile at an odd address",
      [](const fb::Engine& engine) { return engine.inputs()->Get(0); },
      {fb::Binding::VT_MIN, fb::Binding::VT_OPT, fb::Binding::VT_MAX});
  add("a compiled kernel's tensor map",
      [](const fb::Engine& engine) {
        return engine.plans()->Get(0)->kernels()->Get(0)->tensor_maps()->Get(0);
      },
      {fb::TensorMap::VT_EXTENT, fb::TensorMap::VT_STRIDE_BYTES});
  return lists;
}

/// The engine whose list is said to lie four bytes further than it does.
std::string moved(const std::string& engine, const List& list) {
  FileHeader header;
  std::memcpy(&header, engine.data(), sizeof(header));
  std::string metadata = engine.substr(header.metadata_offset, header.metadata_bytes);
  const auto* table =
      static_cast<const flatbuffers::Table*>(list.table(*fb::GetEngine(metadata.data())));
  const auto at = reinterpret_cast<const char*>(table->GetAddressOf(list.field)) - metadata.data();
  flatbuffers::uoffset_t offset;
  std::memcpy(&offset, metadata.data() + at, sizeof(offset));
  offset += 4;
  std::memcpy(metadata.data() + at, &offset, sizeof(offset));
  return make_frame(std::as_bytes(std::span(metadata)),
                    std::as_bytes(std::span(engine).subspan(header.blobs_offset)));
}

std::string error_of(std::string_view bytes) {
  const auto file = EngineFile::load(std::as_bytes(std::span(bytes)), "e");
  return file.ok() ? "" : file.status().message();
}

TEST(EngineLists, AreRefusedAtOddAddresses) {
  const std::string good = engine_with_lists();
  ASSERT_EQ(error_of(good), "");
  for (const List& list : all_lists()) EXPECT_EQ(error_of(moved(good, list)), list.error);
}

TEST(EngineLists, MayLieAnywhereWhenEmpty) {
  // Names of several lengths move the lists to all addresses.
  for (std::size_t length = 1; length <= 16; ++length) {
    auto plan = std::make_unique<fb::PlanT>();
    plan->target = "cpu";
    fb::ResizeT resize;
    resize.scales = {1};
    plan->steps.push_back(step_with(std::string(length, 'n').c_str(), std::move(resize)));
    fb::EngineT engine;
    engine.plans.push_back(std::move(plan));
    EXPECT_EQ(error_of(serialize(engine, BlobWriter())), "") << length;
  }
}

TEST(EngineLists, AreAllTriedHere) {
  std::ifstream file(ENGINE_SCHEMA);
  const std::string schema(std::istreambuf_iterator<char>(file), {});
  const std::regex list(R"(\[(long|ulong|double)\])");
  const auto count = std::distance(std::sregex_iterator(schema.begin(), schema.end(), list), {});
  EXPECT_EQ(count, static_cast<std::ptrdiff_t>(all_lists().size()));
}

}  // namespace
}  // namespace xinfer::engine
