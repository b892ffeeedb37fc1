// Depthwise convolution: groups == in_channels, so output channel n sees input channel
// n / (out_channels / in_channels) alone. Same contract as kernels/conv/conv.h, own weight layout.
//
// Vectors run over channels. Input lines are copied once into a ring of bordered lines (s8 shifted
// to u8, one plane for each phase of stride_w), after which every tap of every shape is an offset
// into a line and a vector may span several pixels of a narrow layer.
#pragma once

#include "kernels/conv/conv.h"

namespace xinfer::kernels {

/// True where make_depthwise applies.
bool is_depthwise(const ConvShape& shape);

/// Size of the packed weights in bytes.
std::size_t packed_depthwise_size(const ConvShape& shape, ConvType type);

/// Packs weights [out_channels, kernel_h, kernel_w] (s8 or float32) for every instruction set
/// alike; `packed` has packed_depthwise_size bytes, 64-byte aligned.
void pack_depthwise_weights(const ConvShape& shape, ConvType type, const void* weights,
                            void* packed);

/// As make_convolution; the reference is convolution_reference.
Result<std::unique_ptr<Convolution>> make_depthwise(const ConvShape& shape, ConvType type,
                                                    const ConvArguments& arguments, CpuIsa isa,
                                                    int threads);

}  // namespace xinfer::kernels
