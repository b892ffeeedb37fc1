// Pooling over channels-last tensors of up to three spatial axes.
#include "kernels/pool/pool.h"

#include "kernels/pool/kinds.h"
#include "runtime/steps/families.h"

namespace xinfer::runtime {
namespace {

Result<kernels::PoolShape> pool_shape(const fb::Pool& params, const TensorView& x,
                                      const TensorView& y) {
  using List = const flatbuffers::Vector<std::int64_t>*;
  const List lists[] = {params.kernel(), params.strides(), params.dilations(), params.pads_begin(),
                        params.pads_end()};
  if (x.dims.size() < 3 || x.dims.size() > 5 || y.dims.size() != x.dims.size()) {
    return misfit("pooling of unsupported rank");
  }
  const std::size_t spatial = x.dims.size() - 2;
  for (const List list : lists) {
    if (list == nullptr || list->size() != spatial) return misfit("a pooling's attributes");
  }
  kernels::PoolShape shape;
  shape.batch = x.dims[0];
  shape.channels = x.channels();
  shape.x_pixel_stride = x.pixel_stride;
  shape.y_pixel_stride = y.pixel_stride;
  kernels::PoolAxis* const axes[] = {&shape.depth, &shape.height, &shape.width};
  for (std::size_t i = 0; i < spatial; ++i) {
    const auto at = static_cast<unsigned>(i);
    *axes[3 - spatial + i] = {x.dims[1 + i],
                              y.dims[1 + i],
                              params.kernel()->Get(at),
                              params.strides()->Get(at),
                              params.dilations()->Get(at),
                              params.pads_begin()->Get(at),
                              params.pads_end()->Get(at)};
    if (params.kernel()->Get(at) < 1 || params.strides()->Get(at) < 1 ||
        params.dilations()->Get(at) < 1) {
      return misfit("a pooling's window");
    }
  }
  if (y.channels() != x.channels() || y.dims[0] != x.dims[0]) return misfit("a pooling's operands");
  return shape;
}

}  // namespace

StepResult make_step_of(const StepSource& source, const fb::Pool& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  const TensorView* x = source.input(0);
  const TensorView* y = source.output();
  XINFER_ASSIGN_OR_RETURN(const kernels::PoolShape shape, pool_shape(params, *x, *y));
  const CpuIsa isa = source.isa;
  if (static_cast<kernels::PoolKind>(params.kind()) == kernels::PoolKind::kAverage) {
    kernels::AveragePoolParameters average;
    average.x_dtype = x->dtype;
    average.y_dtype = y->dtype;
    average.x_scale = x->scale;
    average.y_scale = y->scale;
    average.count_include_pad = params.count_include_pad();
    return call_step([=](ThreadPool& pool) {
      return kernels::average_pool(shape, average, x->data, y->data, isa, pool);
    });
  }
  if (y->dtype != x->dtype) return misfit("max pooling that changes the type");
  if (const TensorView* indices = source.output(1)) {
    if (indices->dtype != DType::kInt64 || indices->dims != y->dims) {
      return misfit("the indices of a max pooling");
    }
    const bool column_major = params.column_major_indices();
    return call_step([=](ThreadPool& pool) {
      return kernels::max_pool_with_indices(shape, x->dtype, x->data, y->data,
                                            static_cast<std::int64_t*>(indices->data), column_major,
                                            pool);
    });
  }
  return call_step([=](ThreadPool& pool) {
    return kernels::max_pool(shape, x->dtype, x->data, y->data, isa, pool);
  });
}

}  // namespace xinfer::runtime
