// A model's float input of images taken as the u8 pixels that they were decoded to.
#pragma once

#include <string>

#include "core/status.h"
#include "data/preprocess.h"
#include "ir/graph.h"

namespace xinfer::compile {

/// What of `preprocessing` becomes part of the engine: scale, mean and std, for each channel.
/// `channels_first` tells the layout of the model's input. Fails if the graph has not one input,
/// float32 [N, C, H, W] or [N, H, W, C], that the preprocessing fits.
Result<ir::ConvertImage> image_conversion(const ir::Graph& graph,
                                          const Preprocessing& preprocessing);

/// Fails if `preprocessing` sets a scale, mean or std for a model whose one input is u8 already.
Status check_pixel_input(const ir::Graph& graph, const Preprocessing& preprocessing);

/// Makes the graph's input u8 [N, H, W, C], with its name, and `conversion` what reads it. To be
/// called once precisions are planned: what calibration sees is the float model.
Status take_image_input(ir::Graph& graph, ir::ConvertImage conversion);

}  // namespace xinfer::compile
