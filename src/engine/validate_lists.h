// Lists of eight-byte elements lie where they can be read. FlatBuffers' verifier looks at where a
// list's length lies, a multiple of four bytes, not at its elements.
#pragma once

#include <cstdint>

#include "engine/engine_generated.h"

namespace xinfer::engine {

/// Of the lists that are there and hold anything: FlatBuffers places empty ones anywhere.
template <typename... Lists>
bool are_aligned(const Lists*... lists) {
  const auto is_aligned = []<typename T>(const flatbuffers::Vector<T>* list) {
    return list == nullptr || list->size() == 0 ||
           reinterpret_cast<std::uintptr_t>(list->Data()) % alignof(T) == 0;
  };
  return (is_aligned(lists) && ...);
}

/// All such lists of a step's parameters.
bool lists_are_aligned(const fb::Step& step);

}  // namespace xinfer::engine
