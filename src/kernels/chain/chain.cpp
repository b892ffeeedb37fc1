// Checking a chain, and running it tile by tile of output lines.
#include "kernels/chain/chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/aligned_buffer.h"
#include "kernels/chain/chain_cost.h"
#include "kernels/conv/conv_with.h"
#include "kernels/conv/implicit_gemm.h"
#include "kernels/depthwise/depthwise.h"
#include "kernels/depthwise/depthwise_strip.h"

namespace xinfer::kernels {
namespace {

DType input_dtype(ConvType type) {
  return type == ConvType::kF32    ? DType::kFloat32
         : type == ConvType::kU8S8 ? DType::kUInt8
                                   : DType::kInt8;
}

bool adds_residuals(const Epilogue& epilogue) {
  return std::any_of(epilogue.steps, epilogue.steps + epilogue.step_count,
                     [](const auto& step) { return step.kind == EpilogueStep::Kind::kResidual; });
}

bool is_pointwise(const ConvShape& s) {
  return s.groups == 1 && s.kernel_h == 1 && s.kernel_w == 1 && s.stride_h == 1 &&
         s.stride_w == 1 && s.pad_top == 0 && s.pad_left == 0 && s.out_h == s.in_h &&
         s.out_w == s.in_w;
}

/// Whether `next` reads what `layer` writes.
bool follows(const ChainLayer& layer, const ChainLayer& next) {
  const ConvShape &from = layer.shape, &to = next.shape;
  return from.batch == to.batch && from.out_h == to.in_h && from.out_w == to.in_w &&
         from.out_channels == to.in_channels && !adds_residuals(layer.arguments.epilogue) &&
         layer.arguments.epilogue.output_dtype == input_dtype(next.type);
}

/// A 1x1 layer over `lines` x `pixels` of its image, for one thread.
Result<std::unique_ptr<ImplicitGemm>> make_pointwise(const ChainLayer& layer, std::int64_t lines,
                                                     std::int64_t pixels, CpuIsa isa) {
  ConvShape shape = layer.shape;
  shape.batch = 1;
  shape.in_h = shape.out_h = lines;
  shape.in_w = shape.out_w = pixels;
  XINFER_RETURN_IF_ERROR(check_conv_shape(shape));
  XINFER_ASSIGN_OR_RETURN(const StorePlan store,
                          store_plan_of(shape, layer.type, layer.arguments, isa));
  const GemmKernel& kernel = select_gemm_kernel(layer.type, isa);
  const ConvTactic tactic = ImplicitGemm::choose_tactic(shape, kernel, /*threads=*/1).tactic;
  return std::make_unique<ImplicitGemm>(shape, layer.arguments, store, kernel, isa, tactic);
}

/// The expansion of a line, written where the depthwise kernel reads it.
class ExpandedLines final : public LineSource {
 public:
  explicit ExpandedLines(const ChainLayer& layer)
      : shape_(layer.shape),
        arguments_(layer.arguments),
        pixel_bytes_(shape_.x_pixel_stride *
                     static_cast<std::int64_t>(size_of(input_dtype(layer.type)))) {}

  Status make(const ChainLayer& layer, const DepthwiseStrip& strip, CpuIsa isa) {
    planes_ = strip.planes();
    for (const LinePlane& plane : planes_) {
      ChainLayer pixels = layer;
      pixels.shape.x_pixel_stride *= plane.step;
      pixels.shape.y_pixel_stride = strip.pixel_stride();
      XINFER_ASSIGN_OR_RETURN(auto product,
                              make_pointwise(pixels, strip.lines_at_once(), plane.pixels, isa));
      products_.push_back(std::move(product));
    }
    return {};
  }

  void set_x(const void* x) { arguments_.x = x; }
  void start_image(std::int64_t image) { first_line_ = image * shape_.in_h; }

  void write_lines(std::int64_t iy, std::int64_t count, std::byte* lines) override {
    const auto* x = static_cast<const std::byte*>(arguments_.x);
    const std::int64_t first_pixel = (first_line_ + iy) * shape_.in_w;
    ConvArguments plane = arguments_;
    for (std::size_t i = 0; i < planes_.size(); ++i) {
      plane.x = x + (first_pixel + planes_[i].first) * pixel_bytes_;
      plane.y = lines + planes_[i].offset_bytes;
      products_[i]->rebind(plane);
      products_[i]->run_rows(0, count * planes_[i].pixels);
    }
  }

 private:
  ConvShape shape_;
  ConvArguments arguments_;
  std::int64_t pixel_bytes_;
  std::vector<LinePlane> planes_;
  std::vector<std::unique_ptr<ImplicitGemm>> products_;  ///< one a plane
  std::int64_t first_line_ = 0;                          ///< of the image, over all images
};

/// What one thread works with.
class ChainPart {
 public:
  ChainPart(const Chain& chain, std::int64_t tile_lines)
      : shape_(chain.depthwise.shape), tile_lines_(tile_lines), expanded_(chain.expand) {}

  Status make(const Chain& chain, CpuIsa isa) {
    ChainLayer depthwise = chain.depthwise;
    if (chain.project) {
      filtered_ = allocate_buffer(
          static_cast<std::size_t>(tile_lines_ * shape_.out_w * shape_.out_channels) *
          size_of(depthwise.arguments.epilogue.output_dtype));
      depthwise.arguments.y = filtered_.get();
      depthwise.shape.y_pixel_stride = shape_.out_channels;
    }
    XINFER_ASSIGN_OR_RETURN(depthwise_, make_depthwise_strip(depthwise.shape, depthwise.type,
                                                             depthwise.arguments, isa));
    XINFER_RETURN_IF_ERROR(expanded_.make(chain.expand, *depthwise_, isa));
    depthwise_->set_source(&expanded_);
    if (!chain.project) return {};
    ChainLayer project = *chain.project;
    project.arguments.x = filtered_.get();
    project.shape.x_pixel_stride = shape_.out_channels;
    weights_ = project.arguments.packed_weights;
    XINFER_ASSIGN_OR_RETURN(project_, make_pointwise(project, tile_lines_, shape_.out_w, isa));
    return {};
  }

  const char* kernel() const { return depthwise_->name(); }

  void rebind(const ConvArguments& arguments) {
    expanded_.set_x(arguments.x);
    if (project_ == nullptr) return depthwise_->rebind(arguments);
    ConvArguments project = arguments;
    project.x = filtered_.get();
    project_->rebind(project);
  }

  /// Output lines [first, last), counted over all images.
  void run(std::int64_t first, std::int64_t last) {
    std::int64_t image = -1;
    for (std::int64_t line = first; line < last;) {
      if (line / shape_.out_h != image) {
        image = line / shape_.out_h;
        expanded_.start_image(image);
        depthwise_->start_image();
      }
      const std::int64_t end = std::min({last, (image + 1) * shape_.out_h, line + tile_lines_});
      run_tile(line, end);
      line = end;
    }
  }

 private:
  /// Lines [first, end) of one image.
  void run_tile(std::int64_t first, std::int64_t end) {
    if (project_ != nullptr) depthwise_->set_first_line(first);
    const std::int64_t rows = depthwise_->rows_at_once();
    for (std::int64_t line = first; line < end; line += rows) {
      depthwise_->run_lines(line, static_cast<int>(std::min(rows, end - line)));
    }
    if (project_ == nullptr) return;
    project_->set_operands(filtered_.get(), weights_, first * shape_.out_w);
    project_->run_rows(0, (end - first) * shape_.out_w);
  }

  ConvShape shape_;  ///< of the depthwise layer
  std::int64_t tile_lines_;
  ExpandedLines expanded_;
  std::unique_ptr<DepthwiseStrip> depthwise_;
  std::shared_ptr<void> filtered_;  ///< depthwise lines of a tile
  const void* weights_ = nullptr;   ///< of the projection
  std::unique_ptr<ImplicitGemm> project_;
};

class ConvChain final : public Convolution {
 public:
  ConvChain(const Chain& chain, std::int64_t tile_lines,
            std::vector<std::unique_ptr<ChainPart>> parts, std::string name)
      : lines_(chain.depthwise.shape.batch * chain.depthwise.shape.out_h),
        tile_lines_(tile_lines),
        parts_(std::move(parts)),
        name_(std::move(name)) {}

  void run(ThreadPool& pool) override {
    const auto count = static_cast<std::int64_t>(parts_.size());
    const std::int64_t tiles = (lines_ + tile_lines_ - 1) / tile_lines_;
    pool.parallel_for(parts_.size(), [&](std::size_t i) {
      const auto part = static_cast<std::int64_t>(i);
      parts_[i]->run(tiles * part / count * tile_lines_,
                     std::min(lines_, tiles * (part + 1) / count * tile_lines_));
    });
  }

  bool rebind(const ConvArguments& arguments) override {
    for (const auto& part : parts_) part->rebind(arguments);
    return true;
  }

  const char* name() const override { return name_.c_str(); }

 private:
  std::int64_t lines_;  ///< of y, over all images
  std::int64_t tile_lines_;
  std::vector<std::unique_ptr<ChainPart>> parts_;
  std::string name_;
};

}  // namespace

bool can_chain(const Chain& chain) {
  const ConvShape& s = chain.depthwise.shape;
  return is_depthwise(s) && s.in_channels == s.out_channels && is_pointwise(chain.expand.shape) &&
         follows(chain.expand, chain.depthwise) &&
         (!chain.project ||
          (is_pointwise(chain.project->shape) && follows(chain.depthwise, *chain.project)));
}

Result<std::unique_ptr<Convolution>> make_chain(const Chain& chain, CpuIsa isa, int threads) {
  if (!can_chain(chain)) return invalid_argument("convolutions that do not fit make no chain");
  for (const ChainLayer* layer : {&chain.expand, &chain.depthwise, &chain.last()}) {
    XINFER_RETURN_IF_ERROR(check_conv_shape(layer->shape));
    if (layer->arguments.x == nullptr || layer->arguments.packed_weights == nullptr) {
      return invalid_argument("a chain's convolution without an input or weights");
    }
  }
  const ChainTactic tactic = choose_chain_tactic(chain, threads);
  std::vector<std::unique_ptr<ChainPart>> parts;
  for (int i = 0; i < tactic.parts; ++i) {
    parts.push_back(std::make_unique<ChainPart>(chain, tactic.tile_lines));
    XINFER_RETURN_IF_ERROR(parts.back()->make(chain, isa));
  }
  std::string name = fmt::format("chain_{}_{}_lines", parts.front()->kernel(), tactic.tile_lines);
  return std::unique_ptr<Convolution>(
      std::make_unique<ConvChain>(chain, tactic.tile_lines, std::move(parts), std::move(name)));
}

}  // namespace xinfer::kernels
