// CUDA text as keys see it: its tokens, whatever its comments and its layout. Keys alone use it;
// NVRTC compiles the text as written, so that its messages name the lines of the source files.
#pragma once

#include <string>
#include <string_view>

namespace xinfer::jit {

/// The tokens of C++ `text` with one space between two of them, a line for each preprocessor
/// directive. Equal results compile to the same code, unless the text asks for its own layout
/// (__LINE__, `#` in a macro), which kernels do not. Within a directive white space is shortened
/// to one space but not added or dropped: `#define F (x)` is not `#define F(x)`. A backslash at
/// the end of a line counts as white space.
std::string canonical_source(std::string_view text);

}  // namespace xinfer::jit
