// docs/supported-ops.md, from the registry.
#pragma once

#include <string>

namespace xinfer::import {

/// The whole document, ending in a line break.
std::string supported_ops_document();

}  // namespace xinfer::import
