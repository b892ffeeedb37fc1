// Writes layer.cuh: the constants of one layer and tactic, as CUDA source.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/status.h"
#include "kernels/epilogue.h"

namespace xinfer::kernels::cuda {

/// Collects constants; `text` is the finished header.
class LayerSource {
 public:
  LayerSource& constant(std::string_view name, std::int64_t value);
  LayerSource& constant(std::string_view name, int value) {
    return constant(name, static_cast<std::int64_t>(value));
  }
  LayerSource& constant(std::string_view name, bool value);
  LayerSource& constant(std::string_view name, float value);
  /// An xi::Elem; the type must be one that device_elem accepts.
  LayerSource& constant(std::string_view name, DType value);
  /// Verbatim declarations, put after the constants.
  LayerSource& declare(std::string_view text);

  std::string text() const;

 private:
  std::string constants_;
  std::string declarations_;
};

/// What the epilogue's constants need to know beside the Epilogue itself. Pitches in elements;
/// alignments in bytes: the largest power of two up to 16 that divides base address, pitch and (for
/// grouped convolutions) the group's offset.
struct EpilogueLayout {
  std::int64_t out_pitch = 0;
  int out_align = 16;
  int residual_align = 16;
  bool has_padding = false;  ///< channels behind the last real one are stored, as zeros
};

/// Alignment in bytes, up to 16, of runs of elements whose starts lie multiples of `pitch` elements
/// behind an address that is a multiple of `base`.
int run_alignment(int base, std::int64_t pitch, DType dtype);

/// Adds kOutElem, kOutPitch, kOutAlign, kScaled, kHasPadding, kSteps and kStepCount. Pointers in
/// the epilogue are ignored, except that a null multiplier means none. Fails for a step that has no
/// CUDA form.
Status add_epilogue(const Epilogue& epilogue, const EpilogueLayout& layout, LayerSource& layer);

/// Adds the steps alone, as <prefix>Steps and <prefix>StepCount.
Status add_steps(const Epilogue& epilogue, const EpilogueLayout& layout, std::string_view prefix,
                 LayerSource& layer);

/// A float as a C++17 literal of exactly that value: "0x1.8p-3f".
std::string float_literal(float value);

/// Whether tensors of this type have kernels on CUDA (int8, uint8, float16, float32).
bool is_device_elem(DType dtype);

/// float16 or float32.
inline bool is_float(DType dtype) { return dtype == DType::kFloat16 || dtype == DType::kFloat32; }

}  // namespace xinfer::kernels::cuda
