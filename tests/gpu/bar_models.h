// The models that speed is promised for, with random weights: what bench/models writes, made
// without Python. Blocks of ViT-B/16 share their weights, which changes no kernel.
#pragma once

#include <string>

namespace xinfer::gpu {

/// ONNX files for images [batch, 3, 224, 224].
std::string resnet50_onnx();
std::string mobilenetv2_onnx();
std::string vit_b16_onnx();

}  // namespace xinfer::gpu
