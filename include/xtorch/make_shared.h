// std::make_shared for transforms from a braced list: std::make_shared<Resize>({224, 224}).
//
// The standard's make_shared cannot deduce an argument from a braced list. This overload stands in
// namespace std, which the standard does not allow programs to add to; it is constrained to types
// derived from xt::transforms::Module, so that no other call changes its meaning.
// docs/decisions/0001-make-shared-overload.md weighs this against the alternatives.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <vector>

#include "xtorch/transforms.h"

namespace std {

/// A transform of type T from the integers in braces.
template <typename T>
requires std::derived_from<T, xt::transforms::Module> &&
    std::constructible_from<T, std::vector<std::int64_t>>
        std::shared_ptr<T> make_shared(std::initializer_list<int> values) {
  return std::shared_ptr<T>(new T(std::vector<std::int64_t>(values.begin(), values.end())));
}

}  // namespace std
