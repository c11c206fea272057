// Native operations of StyleGAN2 for CUDA: one thread per number, in the order in which they lie in memory.
#include <ATen/Dispatch.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include <algorithm>
#include <limits>
#include <tuple>
#include <type_traits>

#include "shape.h"

#define TALKFACE_DISPATCH(TYPE, NAME, ...) \
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, TYPE, NAME, __VA_ARGS__)

namespace {

using at::Tensor;

constexpr int kThreads = 256;
constexpr int64_t kMostBlocks = 1 << 20;

// Sums are in double for double, in float for all else.
template <typename T>
using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;

int blocks(int64_t numbers) {
  return static_cast<int>(std::min(kMostBlocks, (numbers + kThreads - 1) / kThreads));
}

struct Shape {
  int64_t numbers;  // of the output
  int c, h, w, oh, ow, taps_y, taps_x, up, down, left, top;
  bool last;
};

// Least k >= 0 with (at + k) divisible by up.
__device__ __forceinline__ int first_tap(int at, int up) {
  const int over = at % up;
  return over > 0 ? up - over : -over;
}

// kUp, kDown and kTaps are known when compiled for what the networks use, else 0.
template <typename T, int kUp, int kDown, int kTaps>
__global__ void __launch_bounds__(kThreads) upfirdn2d_kernel(T* __restrict__ out, const T* __restrict__ x,
                                                             const Wide<T>* __restrict__ kernel, Shape s) {
  using A = Wide<T>;
  const int up = kUp ? kUp : s.up, down = kDown ? kDown : s.down;
  const int taps_y = kTaps ? kTaps : s.taps_y, taps_x = kTaps ? kTaps : s.taps_x;
  for (int64_t i = blockIdx.x * int64_t(kThreads) + threadIdx.x; i < s.numbers; i += int64_t(gridDim.x) * kThreads) {
    int64_t rest = i;
    int c = 0, ox, oy;
    if (s.last) {
      c = rest % s.c;
      rest /= s.c;
    }
    ox = rest % s.ow;
    rest /= s.ow;
    oy = rest % s.oh;
    const int64_t image = rest / s.oh;  // and, if contiguous, channel
    const T* from = x + image * s.h * s.w * (s.last ? s.c : 1) + c;
    const int pixel = s.last ? s.c : 1;
    const int at_y = oy * down - s.top, at_x = ox * down - s.left;
    const int first_y = first_tap(at_y, up), first_x = first_tap(at_x, up);
    A sum = 0;
#pragma unroll
    for (int ky = first_y; ky < taps_y; ky += up) {
      const int iy = (at_y + ky) / up;
      if (at_y + ky < 0 || iy >= s.h) continue;
#pragma unroll
      for (int kx = first_x; kx < taps_x; kx += up) {
        const int ix = (at_x + kx) / up;
        if (at_x + kx < 0 || ix >= s.w) continue;
        const A weight = kernel[(taps_y - 1 - ky) * taps_x + taps_x - 1 - kx];
        sum += weight * static_cast<A>(from[(int64_t(iy) * s.w + ix) * pixel]);
      }
    }
    out[i] = static_cast<T>(sum);
  }
}

template <typename T>
void launch_upfirdn2d(Tensor& out, const Tensor& x, const Tensor& kernel, const Shape& s) {
  const auto run = [&](auto function) {
    function<<<blocks(s.numbers), kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(
        out.mutable_data_ptr<T>(), x.const_data_ptr<T>(), kernel.const_data_ptr<Wide<T>>(), s);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
  };
  const bool four = s.taps_y == 4 && s.taps_x == 4;
  if (four && s.up == 1 && s.down == 1) return run(upfirdn2d_kernel<T, 1, 1, 4>);
  if (four && s.up == 2 && s.down == 1) return run(upfirdn2d_kernel<T, 2, 1, 4>);
  if (four && s.up == 1 && s.down == 2) return run(upfirdn2d_kernel<T, 1, 2, 4>);
  run(upfirdn2d_kernel<T, 0, 0, 0>);
}

Tensor upfirdn2d(const Tensor& x, const Tensor& kernel, int64_t up, int64_t down, int64_t left, int64_t right,
                 int64_t top, int64_t bottom) {
  talkface::check_upfirdn(x, kernel, up, down);
  const c10::cuda::CUDAGuard guard(x.device());
  const auto format = talkface::layout(x);
  const Tensor in = x.contiguous(format);
  const int64_t n = x.size(0), c = x.size(1), h = x.size(2), w = x.size(3);
  const int64_t oh = talkface::side(h, kernel.size(0), up, down, top, bottom);
  const int64_t ow = talkface::side(w, kernel.size(1), up, down, left, right);
  const int64_t widest = std::max({h * up, w * up, oh * down, ow * down, c});
  TORCH_CHECK(widest < std::numeric_limits<int>::max() / 2, "upfirdn2d: a side or the channels are beyond 32 bits");
  Tensor out = at::empty({n, c, oh, ow}, x.options().memory_format(format));
  if (out.numel() == 0) return out;
  const auto wide = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const Tensor taps = kernel.to(wide).contiguous();
  const auto to_int = [](int64_t v) { return static_cast<int>(v); };
  const Shape s{out.numel(), to_int(c), to_int(h), to_int(w), to_int(oh), to_int(ow), to_int(kernel.size(0)),
                to_int(kernel.size(1)), to_int(up), to_int(down), to_int(left), to_int(top),
                format == at::MemoryFormat::ChannelsLast};
  TALKFACE_DISPATCH(x.scalar_type(), "talkface_upfirdn2d", [&] { launch_upfirdn2d<scalar_t>(out, in, taps, s); });
  return out;
}

// A number's channel is i / inner % channels.
template <typename T>
__global__ void __launch_bounds__(kThreads) bias_act_kernel(T* __restrict__ out, const T* __restrict__ x,
                                                            const T* __restrict__ bias, int64_t numbers, int64_t inner,
                                                            int64_t channels, Wide<T> high, Wide<T> low) {
  using A = Wide<T>;
  for (int64_t i = blockIdx.x * int64_t(kThreads) + threadIdx.x; i < numbers; i += int64_t(gridDim.x) * kThreads) {
    const A v = static_cast<A>(x[i]) + static_cast<A>(bias[i / inner % channels]);
    out[i] = static_cast<T>(v * (v > A(0) ? high : low));
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads) bias_act_backward_kernel(T* __restrict__ dx, const T* __restrict__ grad,
                                                                     const T* __restrict__ y, int64_t numbers,
                                                                     Wide<T> high, Wide<T> low) {
  using A = Wide<T>;
  for (int64_t i = blockIdx.x * int64_t(kThreads) + threadIdx.x; i < numbers; i += int64_t(gridDim.x) * kThreads) {
    dx[i] = static_cast<T>(static_cast<A>(grad[i]) * (static_cast<A>(y[i]) > A(0) ? high : low));
  }
}

Tensor bias_act(const Tensor& x, const Tensor& bias, double slope) {
  talkface::check_bias_act(x, bias);
  const c10::cuda::CUDAGuard guard(x.device());
  const auto format = talkface::layout(x);
  const Tensor in = x.contiguous(format), shift = bias.contiguous();
  Tensor out = at::empty_like(in);
  if (out.numel() == 0) return out;
  const int64_t inner = format == at::MemoryFormat::ChannelsLast ? 1 : x.numel() / (x.size(0) * x.size(1));
  TALKFACE_DISPATCH(x.scalar_type(), "talkface_bias_act", [&] {
    bias_act_kernel<scalar_t><<<blocks(x.numel()), kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(
        out.mutable_data_ptr<scalar_t>(), in.const_data_ptr<scalar_t>(), shift.const_data_ptr<scalar_t>(), x.numel(),
        inner, x.size(1), talkface::kGain, talkface::kGain * slope);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
  });
  return out;
}

// Gradients of the input and of the bias, from that of the output and from the output, whose sign tells the branch.
std::tuple<Tensor, Tensor> bias_act_backward(const Tensor& grad, const Tensor& y, double slope) {
  talkface::check_same(grad, y);
  const c10::cuda::CUDAGuard guard(y.device());
  const auto format = talkface::layout(y);
  const Tensor g = grad.contiguous(format), out = y.contiguous(format);
  Tensor dx = at::empty_like(out);
  if (y.numel() > 0) {
    TALKFACE_DISPATCH(y.scalar_type(), "talkface_bias_act_backward", [&] {
      bias_act_backward_kernel<scalar_t><<<blocks(y.numel()), kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(
          dx.mutable_data_ptr<scalar_t>(), g.const_data_ptr<scalar_t>(), out.const_data_ptr<scalar_t>(), y.numel(),
          talkface::kGain, talkface::kGain * slope);
      C10_CUDA_KERNEL_LAUNCH_CHECK();
    });
  }
  at::DimVector others;
  for (int64_t d = 0; d < y.dim(); ++d) {
    if (d != 1) others.push_back(d);
  }
  return {dx, dx.sum(others)};  // torch sums halves in float
}

}  // namespace

TORCH_LIBRARY_IMPL(talkface, CUDA, m) {
  m.impl("upfirdn2d", upfirdn2d);
  m.impl("bias_act", bias_act);
  m.impl("bias_act_backward", bias_act_backward);
}
