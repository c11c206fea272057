// Native operations of StyleGAN2 for the CPU.
//
// upfirdn2d is computed row by row: first down the columns (a weighted sum of input rows), then along the row, in
// `up` output phases that each read `down` input phases. Either step is one weighted sum of runs of numbers, which the
// compiler vectorises. A channels-last image is a row of w * c numbers, a contiguous one n * c images of one channel.
// Filters that are outer products take one such pair of steps, others one for each of their rows.
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <torch/library.h>

#include <algorithm>
#include <tuple>
#include <type_traits>
#include <vector>

#include "shape.h"
#include "winograd.h"

#define TALKFACE_DISPATCH(TYPE, NAME, ...) \
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, TYPE, NAME, __VA_ARGS__)

namespace {

using at::Tensor;

constexpr int64_t kTile = 4096;     // numbers of a row worked on at once: fits the first level of cache
constexpr int64_t kGrain = 32768;   // numbers below which another thread does not pay

// Sums are in double for double, in float for all else.
template <typename T>
using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;

// out[i] (+)= sum_t w[t] * in[t][i]
template <int N, bool kAdd, typename S, typename A>
void weigh_few(A* __restrict out, const S* const* in, const A* w, int64_t length) {
  const S* from[N];
  A weight[N];
  for (int t = 0; t < N; ++t) {
    from[t] = in[t];
    weight[t] = w[t];
  }
  for (int64_t i = 0; i < length; ++i) {
    A sum = kAdd ? out[i] : A(0);
    for (int t = 0; t < N; ++t) sum += weight[t] * static_cast<A>(from[t][i]);
    out[i] = sum;
  }
}

template <bool kAdd, typename S, typename A>
void weigh_up_to_four(A* out, const S* const* in, const A* w, int64_t taps, int64_t length) {
  switch (taps) {
    case 1: return weigh_few<1, kAdd>(out, in, w, length);
    case 2: return weigh_few<2, kAdd>(out, in, w, length);
    case 3: return weigh_few<3, kAdd>(out, in, w, length);
    default: return weigh_few<4, kAdd>(out, in, w, length);
  }
}

template <typename S, typename A>
void weigh(A* out, const S* const* in, const A* w, int64_t taps, int64_t length, bool add) {
  if (taps == 0 && !add) std::fill(out, out + length, A(0));
  for (int64_t t = 0; t < taps; t += 4, add = true) {
    const int64_t few = std::min<int64_t>(4, taps - t);
    add ? weigh_up_to_four<true>(out, in + t, w + t, few, length)
        : weigh_up_to_four<false>(out, in + t, w + t, few, length);
  }
}

// A column filter and a row filter, both flipped: out[o] = sum_k taps[k] * padded[o * down + k].
struct Term {
  std::vector<double> column, row;
};

// The filter as a sum of outer products: one if it is one, else one for each row that is not zero.
std::vector<Term> factor(const Tensor& kernel) {
  const Tensor wide = kernel.to(at::kDouble).contiguous();
  const int64_t p = wide.size(0), q = wide.size(1);
  const double* k = wide.const_data_ptr<double>();
  int64_t top = 0;
  for (int64_t i = 0; i < p * q; ++i) {
    if (std::abs(k[i]) > std::abs(k[top])) top = i;
  }
  const double peak = k[top];
  const int64_t y = top / q, x = top % q;
  const double close = std::abs(peak) * (kernel.scalar_type() == at::kDouble ? 1e-15 : 1e-7);
  bool product = peak != 0;
  for (int64_t i = 0; i < p * q && product; ++i) {
    product = std::abs(k[i] - k[i / q * q + x] * k[y * q + i % q] / peak) <= close;
  }
  std::vector<Term> terms;
  for (int64_t r = 0; r < (product ? 1 : p); ++r) {
    Term term{std::vector<double>(p, 0.0), std::vector<double>(q)};
    for (int64_t i = 0; i < q; ++i) term.row[i] = product ? k[y * q + q - 1 - i] / peak : k[r * q + q - 1 - i];
    if (product) {
      for (int64_t i = 0; i < p; ++i) term.column[i] = k[(p - 1 - i) * q + x];
    } else {
      term.column[p - 1 - r] = 1.0;
    }
    terms.push_back(std::move(term));
  }
  return terms;
}

// Of one output phase along the row: where the taps read, from the column that output 0 of the phase starts at.
struct Phase {
  std::vector<int64_t> tap, offset;
};

struct Plan {
  int64_t h, w, inner, oh, ow, up, down, before_y, taps_y;
  std::vector<Term> terms;
  std::vector<Phase> phases;
  int64_t low = 0, high = 0;  // least and greatest offset of all phases
  int64_t tile, tiles;        // outputs of each phase in a tile, and tiles in a row

  void along(int64_t before, int64_t taps) {
    phases.resize(up);
    bool first = true;
    for (int64_t f = 0; f < up; ++f) {
      for (int64_t k = 0; k < taps; ++k) {
        const int64_t at = f * down + k - before;
        if (at % up) continue;
        phases[f].tap.push_back(k);
        phases[f].offset.push_back(at / up);
        low = first ? at / up : std::min(low, at / up);
        high = first ? at / up : std::max(high, at / up);
        first = false;
      }
    }
    const int64_t each = (ow + up - 1) / up;
    tile = std::clamp<int64_t>(kTile / (inner * up), 1, each);
    tiles = (each + tile - 1) / tile;
  }
};

// A sum to take: runs of numbers and their weights.
template <typename S, typename A>
struct Sum {
  std::vector<const S*> runs;
  std::vector<A> weights;

  void clear() {
    runs.clear();
    weights.clear();
  }
  void add(const S* run, A weight) {
    runs.push_back(run);
    weights.push_back(weight);
  }
  void into(A* out, int64_t length, bool add) const {
    weigh(out, runs.data(), weights.data(), runs.size(), length, add);
  }
};

// What one thread needs to make rows of one image.
template <typename T>
class Rows {
  using A = Wide<T>;

 public:
  explicit Rows(const Plan& plan) : p_(plan), columns_((plan.tile - 1) * plan.down + plan.high - plan.low + 1) {
    const int64_t stride = (columns_ + p_.down - 1) / p_.down * p_.inner;
    line_.resize(columns_ * p_.inner);
    split_.resize(p_.down > 1 ? stride * p_.down : 0);
    sums_.resize(p_.tile * p_.inner * p_.up);
    const A* base = p_.down > 1 ? split_.data() : line_.data();
    for (const Term& term : p_.terms) {
      for (const Phase& phase : p_.phases) {
        Sum<A, A>& sum = along_.emplace_back();
        for (size_t t = 0; t < phase.tap.size(); ++t) {
          const int64_t at = phase.offset[t] - p_.low;
          sum.add(base + at % p_.down * stride + at / p_.down * p_.inner, term.row[phase.tap[t]]);
        }
      }
    }
  }

  // Rows oy up to end of a tile.
  void make(const T* image, T* out, int64_t tile, int64_t oy, int64_t end) {
    const int64_t first = tile * p_.tile, length = p_.tile * p_.inner;
    for (; oy < end; ++oy) {
      const Sum<A, A>* sum = along_.data();
      for (const Term& term : p_.terms) {
        down_the_columns(image, oy, first * p_.down + p_.low, term.column);
        if (p_.down > 1) split();
        for (int64_t f = 0; f < p_.up; ++f, ++sum) {
          sum->into(sums_.data() + f * length, length, sum >= along_.data() + p_.up);
        }
      }
      store(out + oy * p_.ow * p_.inner, first);
    }
  }

 private:
  void down_the_columns(const T* image, int64_t oy, int64_t left, const std::vector<double>& taps) {
    const int64_t start = std::clamp<int64_t>(-left, 0, columns_);
    const int64_t stop = std::clamp<int64_t>(p_.w - left, start, columns_);
    const int64_t top = oy * p_.down - p_.before_y;
    int64_t row = top >= 0 ? (top + p_.up - 1) / p_.up : -(-top / p_.up);  // of the first tap that meets a sample
    down_.clear();
    for (int64_t k = row * p_.up - top; k < p_.taps_y; k += p_.up, ++row) {
      if (row < 0 || row >= p_.h || taps[k] == 0) continue;
      down_.add(image + (row * p_.w + left + start) * p_.inner, taps[k]);
    }
    std::fill(line_.begin(), line_.begin() + start * p_.inner, A(0));
    std::fill(line_.begin() + stop * p_.inner, line_.end(), A(0));
    down_.into(line_.data() + start * p_.inner, (stop - start) * p_.inner, false);
  }

  // Sort the columns by their phase.
  void split() {
    const int64_t inner = p_.inner, down = p_.down, stride = split_.size() / down;
    for (int64_t f = 0; f < down; ++f) {
      const A* __restrict from = line_.data() + f * inner;
      A* __restrict to = split_.data() + f * stride;
      const int64_t count = (columns_ - f + down - 1) / down;
      if (inner == 1 && down == 2) {
        for (int64_t i = 0; i < count; ++i) to[i] = from[2 * i];
      } else {
        for (int64_t i = 0; i < count; ++i, from += down * inner, to += inner) std::copy(from, from + inner, to);
      }
    }
  }

  void store(T* __restrict row, int64_t first) const {
    const int64_t inner = p_.inner, up = p_.up, length = p_.tile * inner;
    const int64_t count = std::min(p_.tile * up, p_.ow - first * up);
    const A* __restrict sums = sums_.data();
    row += first * up * inner;
    if (up == 1) {
      for (int64_t i = 0; i < count * inner; ++i) row[i] = static_cast<T>(sums[i]);
      return;
    }
    if (inner == 1 && up == 2) {
      for (int64_t i = 0; i < count / 2; ++i) {
        row[2 * i] = static_cast<T>(sums[i]);
        row[2 * i + 1] = static_cast<T>(sums[length + i]);
      }
      if (count % 2) row[count - 1] = static_cast<T>(sums[count / 2]);
      return;
    }
    for (int64_t o = 0; o < count; o += up, sums += inner) {
      for (int64_t f = 0; f < std::min(up, count - o); ++f, row += inner) {
        for (int64_t c = 0; c < inner; ++c) row[c] = static_cast<T>(sums[f * length + c]);
      }
    }
  }

  const Plan& p_;
  const int64_t columns_;  // of the input, under a tile
  std::vector<A> line_, split_, sums_;
  Sum<T, A> down_;
  std::vector<Sum<A, A>> along_;  // of every term and phase
};

Tensor upfirdn2d(const Tensor& x, const Tensor& kernel, int64_t up, int64_t down, int64_t left, int64_t right,
                 int64_t top, int64_t bottom) {
  talkface::check_upfirdn(x, kernel, up, down);
  const auto format = talkface::layout(x);
  const Tensor in = x.contiguous(format);
  const int64_t n = x.size(0), c = x.size(1), h = x.size(2), w = x.size(3);
  const int64_t oh = talkface::side(h, kernel.size(0), up, down, top, bottom);
  const int64_t ow = talkface::side(w, kernel.size(1), up, down, left, right);
  Tensor out = at::empty({n, c, oh, ow}, x.options().memory_format(format));
  if (out.numel() == 0) return out;
  const bool last = format == at::MemoryFormat::ChannelsLast;
  Plan plan{h, w, last ? c : 1, oh, ow, up, down, top, kernel.size(0), factor(kernel), {}};
  plan.along(left, kernel.size(1));
  const int64_t images = last ? n : n * c;
  const int64_t grain = std::max<int64_t>(1, kGrain / (plan.tile * plan.inner * up));
  TALKFACE_DISPATCH(x.scalar_type(), "talkface_upfirdn2d", [&] {
    const scalar_t* from = in.const_data_ptr<scalar_t>();
    scalar_t* to = out.mutable_data_ptr<scalar_t>();
    at::parallel_for(0, images * plan.tiles * oh, grain, [&](int64_t begin, int64_t end) {
      Rows<scalar_t> rows(plan);
      for (int64_t i = begin; i < end;) {
        const int64_t image = i / oh / plan.tiles, tile = i / oh % plan.tiles, oy = i % oh;
        const int64_t stop = std::min(oh, oy + end - i);
        rows.make(from + image * h * w * plan.inner, to + image * oh * ow * plan.inner, tile, oy, stop);
        i += stop - oy;
      }
    });
  });
  return out;
}

// A tensor as rows of one channel each (contiguous) or of all channels (channels-last).
struct View {
  bool last;
  int64_t channels, rows, length;

  explicit View(const Tensor& x) : last(talkface::layout(x) == at::MemoryFormat::ChannelsLast), channels(x.size(1)) {
    const int64_t planes = x.size(0) * channels;
    length = last ? channels : (planes ? x.numel() / planes : 0);
    rows = length ? x.numel() / length : 0;
  }
  int64_t grain() const { return std::max<int64_t>(1, kGrain / std::max<int64_t>(1, length)); }
};

// The two slopes of the activation, gain included.
template <typename A>
struct Slopes {
  A high, low;
  explicit Slopes(double slope) : high(talkface::kGain), low(talkface::kGain * slope) {}
  A operator()(A v) const { return v > A(0) ? high : low; }
};

template <typename T>
void activate(T* __restrict to, const T* __restrict from, const T* __restrict add, const View& view, int64_t r,
              Slopes<Wide<T>> slopes) {
  using A = Wide<T>;
  const A one = view.last ? A(0) : static_cast<A>(add[r % view.channels]);
  for (int64_t i = 0; view.last && i < view.length; ++i) {
    const A v = static_cast<A>(from[i]) + static_cast<A>(add[i]);
    to[i] = static_cast<T>(v * slopes(v));
  }
  for (int64_t i = 0; !view.last && i < view.length; ++i) {
    const A v = static_cast<A>(from[i]) + one;
    to[i] = static_cast<T>(v * slopes(v));
  }
}

Tensor bias_act(const Tensor& x, const Tensor& bias, double slope) {
  talkface::check_bias_act(x, bias);
  const Tensor in = x.contiguous(talkface::layout(x)), shift = bias.contiguous();
  Tensor out = at::empty_like(in);
  const View view(x);
  TALKFACE_DISPATCH(x.scalar_type(), "talkface_bias_act", [&] {
    const scalar_t *from = in.const_data_ptr<scalar_t>(), *add = shift.const_data_ptr<scalar_t>();
    scalar_t* to = out.mutable_data_ptr<scalar_t>();
    const Slopes<Wide<scalar_t>> slopes(slope);
    at::parallel_for(0, view.rows, view.grain(), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        activate(to + r * view.length, from + r * view.length, add, view, r, slopes);
      }
    });
  });
  return out;
}

// d = gradient of a row of all channels; adds it to the sums of the channels.
template <typename T, typename A>
void descend_last(T* __restrict d, const T* __restrict grad, const T* __restrict y, A* __restrict sum, int64_t length,
                  Slopes<A> slopes) {
  for (int64_t i = 0; i < length; ++i) {
    const A v = static_cast<A>(grad[i]) * slopes(static_cast<A>(y[i]));
    d[i] = static_cast<T>(v);
    sum[i] += v;
  }
}

// d = gradient of a row of one channel; returns its sum, taken in lanes so that they can be one vector.
template <typename T, typename A>
A descend(T* __restrict d, const T* __restrict grad, const T* __restrict y, int64_t length, Slopes<A> slopes) {
  constexpr int64_t kLanes = 16;
  A lanes[kLanes] = {};
  const int64_t whole = length / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) descend_last(d + i, grad + i, y + i, lanes, kLanes, slopes);
  descend_last(d + whole, grad + whole, y + whole, lanes, length - whole, slopes);
  A sum = 0;
  for (const A lane : lanes) sum += lane;
  return sum;
}

// Gradients of the input and of the bias, from that of the output and from the output, whose sign tells the branch.
std::tuple<Tensor, Tensor> bias_act_backward(const Tensor& grad, const Tensor& y, double slope) {
  talkface::check_same(grad, y);
  const auto format = talkface::layout(y);
  const Tensor g = grad.contiguous(format), out = y.contiguous(format);
  Tensor dx = at::empty_like(out);
  const View view(y);
  const int64_t piece = std::max(view.grain(), (view.rows + at::get_num_threads() - 1) / at::get_num_threads());
  const int64_t parts = std::max<int64_t>(1, (view.rows + piece - 1) / piece);
  const auto wide = y.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  Tensor sums = at::zeros({parts, view.channels}, y.options().dtype(wide));
  TALKFACE_DISPATCH(y.scalar_type(), "talkface_bias_act_backward", [&] {
    using A = Wide<scalar_t>;
    const Slopes<A> slopes(slope);
    const scalar_t *gp = g.const_data_ptr<scalar_t>(), *yp = out.const_data_ptr<scalar_t>();
    scalar_t* dp = dx.mutable_data_ptr<scalar_t>();
    A* sp = sums.mutable_data_ptr<A>();
    at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin * piece; r < std::min(view.rows, end * piece); ++r) {
        const int64_t at = r * view.length;
        A* sum = sp + r / piece * view.channels;
        if (view.last) {
          descend_last(dp + at, gp + at, yp + at, sum, view.length, slopes);
        } else {
          sum[r % view.channels] += descend(dp + at, gp + at, yp + at, view.length, slopes);
        }
      }
    });
  });
  return {dx, sums.sum(0).to(y.scalar_type())};
}

Tensor conv3x3(const Tensor& x, const Tensor& weight) {
  talkface::check_conv3x3(x, weight);
  const Tensor in = x.contiguous(at::MemoryFormat::ChannelsLast);
  Tensor out = at::empty({x.size(0), weight.size(0), x.size(2), x.size(3)}, in.options(), at::MemoryFormat::ChannelsLast);
  if (x.numel() == 0 || out.numel() == 0) return out.zero_();
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "talkface_conv3x3", [&] {
    talkface::winograd::convolve<scalar_t>(in, weight, out);
  });
  return out;
}

Tensor conv3x3_weight(const Tensor& x, const Tensor& grad) {
  talkface::check_conv3x3_weight(x, grad);
  const Tensor in = x.contiguous(at::MemoryFormat::ChannelsLast), g = grad.contiguous(at::MemoryFormat::ChannelsLast);
  Tensor weight = at::empty({grad.size(1), x.size(1), 3, 3}, x.options());
  if (x.numel() == 0 || grad.numel() == 0) return weight.zero_();
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "talkface_conv3x3_weight", [&] {
    talkface::winograd::correlate<scalar_t>(in, g, weight);
  });
  return weight;
}

}  // namespace

TORCH_LIBRARY_IMPL(talkface, CPU, m) {
  m.impl("upfirdn2d", upfirdn2d);
  m.impl("bias_act", bias_act);
  m.impl("bias_act_backward", bias_act_backward);
  m.impl("conv3x3", conv3x3);
  m.impl("conv3x3_weight", conv3x3_weight);
}
