// What the kernels of both kinds of device check and know about tensors.
#pragma once

#include <ATen/core/Tensor.h>
#include <cmath>

namespace talkface {

constexpr double kGain = 1.4142135623730951;  // keeps unit variance behind a leaky ReLU

// Side of the output of upfirdn2d.
inline int64_t side(int64_t in, int64_t taps, int64_t up, int64_t down, int64_t before, int64_t after) {
  const int64_t room = in * up + before + after - taps;
  TORCH_CHECK(room >= 0, "upfirdn2d: a filter of ", taps, " taps does not fit into ", in * up + before + after,
              " padded samples; pad more or use a shorter filter");
  return room / down + 1;
}

inline void check_upfirdn(const at::Tensor& x, const at::Tensor& kernel, int64_t up, int64_t down) {
  TORCH_CHECK(x.dim() == 4, "upfirdn2d: images must be n c h w, got ", x.dim(), " axes");
  TORCH_CHECK(kernel.dim() == 2 && kernel.numel() > 0, "upfirdn2d: the filter must have two axes, got ", kernel.dim());
  TORCH_CHECK(kernel.device() == x.device(), "upfirdn2d: images are on ", x.device(), " and the filter on ",
              kernel.device(), "; move one of them");
  TORCH_CHECK(up >= 1 && down >= 1, "upfirdn2d: up and down must be at least 1, got ", up, " and ", down);
}

inline void check_bias_act(const at::Tensor& x, const at::Tensor& bias) {
  TORCH_CHECK(x.dim() >= 2, "bias_act: features must be n c ..., got ", x.dim(), " axes");
  TORCH_CHECK(bias.dim() == 1 && bias.size(0) == x.size(1), "bias_act: ", x.size(1), " channels need as many biases, got ",
              bias.sizes());
  TORCH_CHECK(bias.scalar_type() == x.scalar_type(), "bias_act: features are ", x.scalar_type(), " and biases ",
              bias.scalar_type(), "; convert one of them");
  TORCH_CHECK(bias.device() == x.device(), "bias_act: features are on ", x.device(), " and biases on ", bias.device(),
              "; move one of them");
}

inline void check_same(const at::Tensor& grad, const at::Tensor& y) {
  TORCH_CHECK(grad.sizes() == y.sizes() && grad.scalar_type() == y.scalar_type() && grad.device() == y.device(),
              "bias_act_backward: a gradient of ", grad.sizes(), " ", grad.scalar_type(), " does not belong to an output of ",
              y.sizes(), " ", y.scalar_type());
}

inline void check_conv3x3(const at::Tensor& x, const at::Tensor& weight) {
  TORCH_CHECK(x.dim() == 4, "conv3x3: images must be n c h w, got ", x.dim(), " axes");
  TORCH_CHECK(weight.dim() == 4 && weight.size(1) == x.size(1) && weight.size(2) == 3 && weight.size(3) == 3,
              "conv3x3: images of ", x.size(1), " channels need a weight of o ", x.size(1), " 3 3, got ", weight.sizes());
  TORCH_CHECK(weight.scalar_type() == x.scalar_type(), "conv3x3: images are ", x.scalar_type(), " and the weight ",
              weight.scalar_type(), "; convert one of them");
  TORCH_CHECK(weight.device() == x.device(), "conv3x3: images are on ", x.device(), " and the weight on ", weight.device(),
              "; move one of them");
}

inline void check_conv3x3_weight(const at::Tensor& x, const at::Tensor& grad) {
  TORCH_CHECK(x.dim() == 4 && grad.dim() == 4 && grad.size(0) == x.size(0) && grad.size(2) == x.size(2) &&
                  grad.size(3) == x.size(3) && grad.scalar_type() == x.scalar_type() && grad.device() == x.device(),
              "conv3x3_weight: a gradient of ", grad.sizes(), " ", grad.scalar_type(), " does not belong to an input of ",
              x.sizes(), " ", x.scalar_type());
}

// Channels-last stays channels-last, anything else becomes contiguous.
inline at::MemoryFormat layout(const at::Tensor& x) {
  return x.dim() == 4 ? x.suggest_memory_format() : at::MemoryFormat::Contiguous;
}

}  // namespace talkface
