// The fields of every op struct, listed once: printer, parser and comparison all walk these lists.
// A new op is one entry here, one rule in infer_*.cpp and one alternative in ir::Op.
#pragma once

#include <tuple>

#include "ir/ops.h"

namespace xinfer::ir {

template <typename Struct, typename Type>
struct Field {
  const char* name;
  Type Struct::*member;
};
// Clang before 17 does not deduce the arguments of aggregates by itself.
template <typename Struct, typename Type>
Field(const char*, Type Struct::*) -> Field<Struct, Type>;

/// OpFields<Conv>::name is "Conv"; OpFields<Conv>::fields is a tuple of Field.
template <typename Struct>
struct OpFields;

#define XINFER_OP_FIELDS(Struct, ...)                \
  template <>                                        \
  struct OpFields<Struct> {                          \
    using S = Struct;                                \
    static constexpr const char* name = #Struct;     \
    static constexpr std::tuple fields{__VA_ARGS__}; \
  }

XINFER_OP_FIELDS(Conv, Field{"kernel", &S::kernel}, Field{"strides", &S::strides},
                 Field{"dilations", &S::dilations}, Field{"pads_begin", &S::pads_begin},
                 Field{"pads_end", &S::pads_end}, Field{"groups", &S::groups},
                 Field{"epilogue", &S::epilogue});
XINFER_OP_FIELDS(MatMul, Field{"transpose_a", &S::transpose_a},
                 Field{"transpose_b", &S::transpose_b}, Field{"epilogue", &S::epilogue});
XINFER_OP_FIELDS(Pool, Field{"kind", &S::kind}, Field{"kernel", &S::kernel},
                 Field{"strides", &S::strides}, Field{"dilations", &S::dilations},
                 Field{"pads_begin", &S::pads_begin}, Field{"pads_end", &S::pads_end},
                 Field{"ceil_mode", &S::ceil_mode},
                 Field{"count_include_pad", &S::count_include_pad},
                 Field{"column_major_indices", &S::column_major_indices});
XINFER_OP_FIELDS(BatchNorm, Field{"epsilon", &S::epsilon});
XINFER_OP_FIELDS(LayerNorm, Field{"axis", &S::axis}, Field{"epsilon", &S::epsilon});
XINFER_OP_FIELDS(Softmax, Field{"axis", &S::axis}, Field{"log", &S::log});
XINFER_OP_FIELDS(Unary, Field{"function", &S::function}, Field{"alpha", &S::alpha},
                 Field{"beta", &S::beta}, Field{"input_offset", &S::input_offset},
                 Field{"offset", &S::offset});
XINFER_OP_FIELDS(Binary, Field{"function", &S::function}, Field{"epilogue", &S::epilogue});
XINFER_OP_FIELDS(Select);
XINFER_OP_FIELDS(Clip, Field{"low", &S::low}, Field{"high", &S::high});
XINFER_OP_FIELDS(Cast, Field{"to", &S::to});
XINFER_OP_FIELDS(Reduce, Field{"kind", &S::kind}, Field{"axes", &S::axes},
                 Field{"keep_dims", &S::keep_dims});
XINFER_OP_FIELDS(ArgReduce, Field{"max", &S::max}, Field{"axis", &S::axis},
                 Field{"keep_dims", &S::keep_dims},
                 Field{"select_last_index", &S::select_last_index});
XINFER_OP_FIELDS(Transpose, Field{"perm", &S::perm});
XINFER_OP_FIELDS(Reshape, Field{"shape", &S::shape});
XINFER_OP_FIELDS(Slice, Field{"start", &S::start}, Field{"size", &S::size},
                 Field{"step", &S::step});
XINFER_OP_FIELDS(Concat, Field{"axis", &S::axis});
XINFER_OP_FIELDS(Pad, Field{"mode", &S::mode}, Field{"pads_begin", &S::pads_begin},
                 Field{"pads_end", &S::pads_end}, Field{"value", &S::value});
XINFER_OP_FIELDS(Gather, Field{"axis", &S::axis});
XINFER_OP_FIELDS(Expand, Field{"shape", &S::shape});
XINFER_OP_FIELDS(Resize, Field{"mode", &S::mode}, Field{"coordinates", &S::coordinates},
                 Field{"nearest", &S::nearest}, Field{"cubic_coefficient", &S::cubic_coefficient},
                 Field{"exclude_outside", &S::exclude_outside}, Field{"antialias", &S::antialias},
                 Field{"extrapolation_value", &S::extrapolation_value}, Field{"roi", &S::roi},
                 Field{"scales", &S::scales}, Field{"size", &S::size});
XINFER_OP_FIELDS(ShapeOf, Field{"dims", &S::dims}, Field{"scalar", &S::scalar});
XINFER_OP_FIELDS(Quantize);
XINFER_OP_FIELDS(Dequantize);
XINFER_OP_FIELDS(ConvertImage, Field{"pixel_scale", &S::pixel_scale}, Field{"mean", &S::mean},
                 Field{"deviation", &S::deviation}, Field{"channels_first", &S::channels_first});
XINFER_OP_FIELDS(EpilogueOp, Field{"kind", &S::kind}, Field{"residual_input", &S::residual_input},
                 Field{"low", &S::low}, Field{"high", &S::high}, Field{"function", &S::function},
                 Field{"alpha", &S::alpha}, Field{"beta", &S::beta},
                 Field{"input_offset", &S::input_offset}, Field{"offset", &S::offset},
                 Field{"table_input_scale", &S::table_input_scale},
                 Field{"table_output_scale", &S::table_output_scale},
                 Field{"table_input_dtype", &S::table_input_dtype},
                 Field{"table_output_dtype", &S::table_output_dtype},
                 Field{"value_name", &S::value_name});
#undef XINFER_OP_FIELDS

/// Calls visit(field) for every field of `Struct`, in the order of the list.
template <typename Struct, typename Visitor>
constexpr void for_each_field(Visitor&& visit) {
  std::apply([&](const auto&... field) { (visit(field), ...); }, OpFields<Struct>::fields);
}

}  // namespace xinfer::ir
