// Elements of constants as text: "[1, 2.5]" for a few, "hex 0000803f…" (the bytes in memory order)
// for many, "elided <hash>" where the text is only to be looked at or its bytes lie elsewhere.
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"
#include "ir/text_cursor.h"
#include "xinfer/core/tensor.h"

namespace xinfer::ir {

/// `elide`: elements beyond `list_limit` are given by their hash only. Returns whether they are.
bool write_elements(std::string& out, const Tensor& tensor, int list_limit, bool elide);

/// Reads elements into a new tensor. `shape` may come from hostile text: nothing is allocated that
/// the text does not back with elements.
Result<Tensor> read_elements(TextCursor& text, DType dtype, const Shape& shape);

/// Takes `bytes` for the elements of an elided constant, and reads the hash behind "elided" that
/// they must have.
Result<Tensor> read_elided_elements(TextCursor& text, DType dtype, const Shape& shape,
                                    std::string_view bytes);

}  // namespace xinfer::ir
