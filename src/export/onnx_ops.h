// The writers of single ops that write_node chooses from.
#pragma once

#include <string>

#include "export/onnx_writer.h"

namespace xinfer::exporting {

/// Each appends what its op is in ONNX and names the result `output`.
Status write_conv(OnnxWriter& writer, const ir::Node& node, const ir::Conv& op,
                  const std::string& output);
Status write_matmul(OnnxWriter& writer, const ir::Node& node, const ir::MatMul& op,
                    const std::string& output);
Status write_unary(OnnxWriter& writer, const ir::Node& node, const ir::Unary& op,
                   const std::string& output);
Status write_binary(OnnxWriter& writer, const ir::Node& node, const ir::Binary& op,
                    const std::string& output);
void write_clip(OnnxWriter& writer, const ir::Node& node, const ir::Clip& op,
                const std::string& output);

/// ONNX's pads: all beginnings, then all ends.
Numbers joined(const Numbers& begin, const Numbers& end);

}  // namespace xinfer::exporting
