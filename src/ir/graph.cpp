#include "ir/graph.h"

#include <algorithm>
#include <unordered_map>

namespace xinfer::ir {

ValueId Graph::find_value(std::string_view wanted) const {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (values_[i].name == wanted) return static_cast<ValueId>(i);
  }
  return kNoValue;
}

}  // namespace xinfer::ir
