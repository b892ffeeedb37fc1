// Convolution, and with it every GEMM whose second operand is constant, by implicit GEMM on NHWC.
//
//   acc[p, n] = sum over taps (ky, kx) and channels c of
//               x[batch, oy*stride_h - pad_top + ky*dilation_h, ox*… , g*C + c] * w[n, ky, kx, c]
//   y[p, n]   = epilogue(acc[p, n])
//
// One driver (`Convolution`) owns tiling, borders, threads and the epilogue; micro-kernels per
// instruction set are listed in variants.inc. INT8 variants give equal bytes; float32 variants give
// equal floats: one FMA chain over K in the order (ky, kx, c), the same for every tile and thread.
// A GEMM [M, K] x [K, N] is a 1x1 convolution with in_w = out_w = M.
//
// Memory: x and y are dense NHWC with a pixel stride of their own, so that a tensor can be a
// channel slice of a larger one (concatenation by writing into slices). Kernels may read up to 64
// bytes behind the last element of x and of the residual (core/aligned_buffer.h), never write
// outside y's elements. Padding reads as zero. Channels are not padded in memory; packed weights
// are zero there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/cpu_isa.h"
#include "core/status.h"
#include "core/thread_pool.h"
#include "kernels/epilogue.h"

namespace xinfer::kernels {

struct ConvShape {
  std::int64_t batch = 1;
  std::int64_t in_h = 1, in_w = 1, in_channels = 1;     ///< in_channels: all groups together
  std::int64_t out_h = 1, out_w = 1, out_channels = 1;  ///< out_channels: all groups together
  std::int64_t groups = 1;
  std::int64_t kernel_h = 1, kernel_w = 1;
  std::int64_t stride_h = 1, stride_w = 1;
  std::int64_t dilation_h = 1, dilation_w = 1;
  std::int64_t pad_top = 0, pad_left = 0;  ///< bottom and right follow from out_h, out_w
  std::int64_t x_pixel_stride = 0;         ///< elements from one pixel to the next, >= in_channels
  std::int64_t y_pixel_stride = 0;         ///< elements from one pixel to the next, >= out_channels

  std::int64_t pixels() const { return batch * out_h * out_w; }
  /// Multiply-accumulates of the whole problem.
  std::int64_t macs() const {
    return pixels() * out_channels * kernel_h * kernel_w * (in_channels / groups);
  }
};

enum class ConvType : std::uint8_t {
  kF32,   ///< float32 x float32
  kU8S8,  ///< activations u8, zero point 0; weights s8
  kS8S8,  ///< activations s8; weights s8
};

/// Size of the packed weights of a problem, in bytes. INT8: per group and 16 output channels a
/// panel [depth / 4][16][4] (AMX tile rows and VNNI vectors alike), depth = taps x channels of the
/// group, padded to 64; behind all panels an int32 for each padded output channel, -128 times its
/// weight sum (compensation for s8 activations on u8 x s8 instructions). float32: panels
/// [depth][16].
std::size_t packed_weights_size(const ConvShape& shape, ConvType type);

/// Packs weights [out_channels, kernel_h, kernel_w, in_channels / groups] (s8 or float32) for every
/// instruction set alike; `packed` has packed_weights_size bytes, 64-byte aligned.
void pack_weights(const ConvShape& shape, ConvType type, const void* weights, void* packed);

struct ConvArguments {
  const void* x = nullptr;
  const void* packed_weights = nullptr;
  void* y = nullptr;
  Epilogue epilogue;
};

/// A convolution made ready for one shape and one set of buffers: created when shapes are bound,
/// then run any number of times without allocating. Buffers and tables belong to the caller.
class Convolution {
 public:
  virtual ~Convolution() = default;
  /// Computes y on all threads of the pool.
  virtual void run(ThreadPool& pool) = 0;
  /// Takes x, y and residuals from other addresses, none of them null, without allocating. All else
  /// in `arguments` is what the convolution was made with. False, with nothing changed, where it
  /// has to be made again instead.
  virtual bool rebind(const ConvArguments& /*arguments*/) { return false; }
  /// The micro-kernel in use, for reports: "conv_gemm_u8s8_avx512vnni_14x32".
  virtual const char* name() const = 0;
};

struct ConvTactic;

/// Makes a convolution ready. `isa` is the level chosen for the context; the best variant that it
/// includes is taken. `threads` is the size of the pool it will run on. Without a tactic the cost
/// model chooses; y does not depend on it.
Result<std::unique_ptr<Convolution>> make_convolution(const ConvShape& shape, ConvType type,
                                                      const ConvArguments& arguments, CpuIsa isa,
                                                      int threads,
                                                      const ConvTactic* tactic = nullptr);

/// Plain loops with int64 (INT8) or ordered std::fma (float32) accumulation, straight from the
/// definition; weights unpacked as pack_weights takes them. For tests.
void convolution_reference(const ConvShape& shape, ConvType type, const void* x,
                           const void* weights, void* y, const Epilogue& epilogue);

}  // namespace xinfer::kernels
