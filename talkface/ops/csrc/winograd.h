// Convolution 3x3 with stride 1 and padding 1 in few multiplications: Winograd's F(4x4, 3x3), Lavin & Gray 2016,
// https://arxiv.org/abs/1509.09308.
//
// A tile of 4x4 outputs is seen by 6x6 inputs. Of every tile and channel these become 36 terms (B' d B), of every filter
// too (G g G'). For each term, tiles x inputs times inputs x outputs is a product of matrices, and A' m A makes a tile of
// the 36: that many multiplications in place of 144. All is done for a block of tiles at a time, which stays in cache, and
// with vectors of channels, which lie side by side in channels-last images.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "matrices.h"

namespace talkface::winograd {

// Images n h w c and their tiles.
struct Grid {
  int64_t h, w, high, wide, tiles;

  explicit Grid(const at::Tensor& x)
      : h(x.size(2)), w(x.size(3)), high((h + kOut - 1) / kOut), wide((w + kOut - 1) / kOut),
        tiles(x.size(0) * high * wide) {}

  // Where the S x S pixels of a tile are, from `before` pixels up and left of it; `outside` for those of no image.
  template <int S, typename P>
  void pixels(int64_t tile, int64_t before, P* images, int64_t channels, P* outside, P** at) const {
    const int64_t top = tile / wide % high * kOut - before, left = tile % wide * kOut - before;
    P* const first = images + ((tile / (high * wide) * h + top) * w + left) * channels;
    const bool inside = top >= 0 && top + S <= h && left >= 0 && left + S <= w;
    for (int64_t y = 0; y < S; ++y) {
      for (int64_t x = 0; x < S; ++x) {
        const bool in = inside || (top + y >= 0 && top + y < h && left + x >= 0 && left + x < w);
        at[y * S + x] = in ? first + (y * w + x) * channels : outside;
      }
    }
  }
};

// Terms of a block of tiles: kTerms planes of tiles x channels, a little apart so that they share no sets of the cache.
template <typename T>
struct Planes {
  int64_t row, plane;
  std::unique_ptr<T[]> data;

  Planes(int64_t tiles, int64_t channels)
      : row(up_to(channels, Lanes<T>::panel)), plane(tiles * row + Lanes<T>::panel), data(new T[kTerms * plane]) {}
  T* at(int64_t term, int64_t tile = 0) { return data.get() + term * plane + tile * row; }
};

// Pixels of every tile to their terms, channels `begin` up to `stop` of them.
template <typename M, int kBefore, typename T>
void spread(const Grid& grid, int64_t first, int64_t count, const T* images, int64_t channels, int64_t begin,
            int64_t stop, const T* zeros, Planes<T>& terms) {
  constexpr int64_t n = Lanes<T>::count;
  const T* from[M::kFrom * M::kFrom];
  for (int64_t t = 0; t < count; ++t) {
    grid.pixels<M::kFrom>(first + t, kBefore, images, channels, zeros, from);
    int64_t c = begin;
    const auto keep = [&](int i, Vector<T> v) { store(terms.at(i, t) + c - begin, v); };
    for (; c + n <= stop; c += n) {
      transform<M, Vector<T>>([&](int i) { return load(from[i] + c); }, keep);
    }
    if (c < stop) transform<M, Vector<T>>([&](int i) { return load(from[i] + c, stop - c); }, keep);
  }
}

// Terms of every tile to its outputs, channels `begin` up to `stop` of them.
template <typename T>
void gather(const Grid& grid, int64_t first, int64_t count, Planes<T>& terms, T* images, int64_t channels,
            int64_t begin, int64_t stop, T* trash) {
  constexpr int64_t n = Lanes<T>::count;
  T* to[kOut * kOut];
  for (int64_t t = 0; t < count; ++t) {
    grid.pixels<kOut>(first + t, 0, images, channels, trash, to);
    int64_t c = begin;
    const auto give = [&](int i) { return load(terms.at(i, t) + c - begin); };
    for (; c + n <= stop; c += n) {
      transform<Output, Vector<T>>(give, [&](int i, Vector<T> v) { store(to[i] + c, v); });
    }
    if (c < stop) transform<Output, Vector<T>>(give, [&](int i, Vector<T> v) { store(to[i] + c, v, stop - c); });
  }
}

// Filters as terms: plane by plane, panels of outputs, in them inputs, in them the outputs of the panel.
template <typename T>
struct Filters {
  static constexpr int64_t panel = Lanes<T>::panel;
  static constexpr int64_t kInputs = 16;  // transformed at once
  int64_t inputs, plane;
  std::unique_ptr<T[]> data;

  Filters(int64_t panels, int64_t inputs)
      : inputs(inputs), plane(panels * inputs * panel + panel), data(new T[kTerms * plane]) {}
  T* at(int64_t term, int64_t p) { return data.get() + term * plane + p * inputs * panel; }

  // Outputs of `weight` from panel p0 on become panels 0 up to count.
  void spread(const at::Tensor& weight, int64_t p0, int64_t count) {
    const T* from = weight.const_data_ptr<T>();
    const int64_t so = weight.stride(0), si = weight.stride(1), sy = weight.stride(2), sx = weight.stride(3);
    const int64_t pieces = (inputs + kInputs - 1) / kInputs;
    at::parallel_for(0, count * pieces, 4, [&](int64_t begin, int64_t end) {
      T taps[kInputs][kTaps * kTaps][panel] = {};
      for (int64_t piece = begin; piece < end; ++piece) {
        const int64_t p = piece / pieces, i0 = piece % pieces * kInputs, few = std::min(kInputs, inputs - i0);
        const int64_t outputs = std::min(panel, weight.size(0) - (p0 + p) * panel);
        if (outputs < panel) std::fill_n(&taps[0][0][0], sizeof(taps) / sizeof(T), T(0));
        for (int64_t o = 0; o < outputs; ++o) {
          const T* one = from + ((p0 + p) * panel + o) * so + i0 * si;
          for (int64_t i = 0; i < few; ++i) {
            for (int k = 0; k < kTaps * kTaps; ++k) taps[i][k][o] = one[i * si + k / kTaps * sy + k % kTaps * sx];
          }
        }
        for (int64_t i = 0; i < few; ++i) {
          for (int64_t c = 0; c < panel; c += Lanes<T>::count) {
            transform<Filter, Vector<T>>([&](int k) { return load(taps[i][k] + c); },
                                         [&](int k, Vector<T> v) { store(at(k, p) + (i0 + i) * panel + c, v); });
          }
        }
      }
    });
  }
};

// Sums over all tiles, in parts that are still to be added up, to the gradient of the weight, contiguous.
template <typename T>
void gather_filters(std::vector<Filters<T>>& sums, int64_t p0, int64_t count, at::Tensor& weight) {
  constexpr int64_t panel = Lanes<T>::panel;
  const int64_t outputs = weight.size(0), inputs = weight.size(1);
  T* to = weight.mutable_data_ptr<T>() + p0 * panel * inputs * kTaps * kTaps;
  at::parallel_for(0, count * inputs, 64, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) {
      const int64_t p = at / inputs, i = at % inputs;
      T taps[kTaps * kTaps][panel];
      for (int64_t c = 0; c < panel; c += Lanes<T>::count) {
        const auto total = [&](int k) {
          Vector<T> sum = {};
          for (Filters<T>& part : sums) sum += load(part.at(k, p) + i * panel + c);
          return sum;
        };
        transform<Learned, Vector<T>>(total, [&](int k, Vector<T> v) { store(taps[k] + c, v); });
      }
      for (int64_t o = 0; o < std::min(panel, outputs - (p0 + p) * panel); ++o) {
        T* one = to + ((p * panel + o) * inputs + i) * kTaps * kTaps;
        for (int k = 0; k < kTaps * kTaps; ++k) one[k] = taps[k][o];
      }
    }
  });
}

constexpr int64_t kSums = 64 << 20;     // bytes of sums beyond which threads share them, each with its own outputs
constexpr int64_t kFilters = 16 << 20;  // bytes of transformed filters that are made and used at once
constexpr int64_t kCache = 448 * 1024;   // bytes of a block of tiles, inputs and outputs: most of a second level
constexpr int64_t kLeast = 24;            // tiles in a block, so that filters are not fetched for too few

// How many tiles are worked on at once.
inline int64_t block_of(int64_t tiles, int64_t channels, int64_t size) {
  const int64_t most = std::max(kLeast, kCache / (kTerms * channels * size) / kRows * kRows);
  const int64_t blocks = up_to((tiles + most - 1) / most, at::get_num_threads());
  return std::max(kRows, up_to((tiles + blocks - 1) / blocks, kRows));
}

// Panels of outputs whose filters are worked on at once.
template <typename T>
int64_t panels_at_once(int64_t panels, int64_t inputs) {
  const int64_t size = kTerms * inputs * Lanes<T>::panel * int64_t(sizeof(T));
  const int64_t fit = std::clamp<int64_t>(kFilters / size, 1, panels);
  const int64_t turns = (panels + fit - 1) / fit;
  return (panels + turns - 1) / turns;
}

template <typename T>
void convolve(const at::Tensor& x, const at::Tensor& weight, at::Tensor& out) {
  constexpr int64_t panel = Lanes<T>::panel;
  const Grid grid(x);
  const int64_t inputs = x.size(1), outputs = out.size(1), panels = up_to(outputs, panel) / panel;
  const T* from = x.const_data_ptr<T>();
  T* to = out.mutable_data_ptr<T>();
  const int64_t block = block_of(grid.tiles, inputs + outputs, sizeof(T)), blocks = (grid.tiles + block - 1) / block;
  const int64_t many = panels_at_once<T>(panels, inputs);
  Filters<T> filters(many, inputs);
  for (int64_t first_panel = 0; first_panel < panels; first_panel += many) {
    const int64_t here = std::min(many, panels - first_panel);
    filters.spread(weight, first_panel, here);
    const int64_t shares = std::min<int64_t>(here, (at::get_num_threads() + blocks - 1) / blocks);
    at::parallel_for(0, blocks * shares, 1, [&](int64_t begin, int64_t end) {
      const int64_t most = (here + shares - 1) / shares;
      Planes<T> seen(block, inputs), made(block, most * panel);
      const std::vector<T> zeros(inputs);
      std::vector<T> trash(outputs);
      for (int64_t at = begin; at < end; ++at) {
        const int64_t first = at / shares * block, count = std::min(block, grid.tiles - first);
        const int64_t p0 = at % shares * most, p1 = std::min(here, p0 + most);
        spread<Input, 1>(grid, first, count, from, inputs, 0, inputs, zeros.data(), seen);
        for (int64_t term = 0; term < kTerms; ++term) {
          for (int64_t p = p0; p < p1; ++p) {
            multiply<false>(count, seen.at(term), seen.row, 1, filters.at(term, p), panel, inputs,
                            made.at(term) + (p - p0) * panel, made.row);
          }
        }
        const int64_t c0 = (first_panel + p0) * panel;
        gather(grid, first, count, made, to, outputs, c0, std::min(outputs, (first_panel + p1) * panel), trash.data());
      }
    });
  }
}

// The transpose of the whole: what the gradient of the output says of the weight.
template <typename T>
void correlate(const at::Tensor& x, const at::Tensor& grad, at::Tensor& weight) {
  constexpr int64_t panel = Lanes<T>::panel;
  const Grid grid(x);
  const int64_t inputs = x.size(1), outputs = grad.size(1), panels = up_to(outputs, panel) / panel;
  const T *from = x.const_data_ptr<T>(), *with = grad.const_data_ptr<T>();
  const int64_t block = block_of(grid.tiles, inputs + outputs, sizeof(T)), blocks = (grid.tiles + block - 1) / block;
  const int64_t many = panels_at_once<T>(panels, inputs), threads = at::get_num_threads();
  const int64_t size = kTerms * many * inputs * panel * int64_t(sizeof(T));
  const int64_t parts = std::clamp<int64_t>(kSums / size, 1, std::min(threads, blocks));
  std::vector<Filters<T>> sums;
  for (int64_t part = 0; part < parts; ++part) sums.emplace_back(many, inputs);
  for (int64_t first_panel = 0; first_panel < panels; first_panel += many) {
    const int64_t here = std::min(many, panels - first_panel);
    const int64_t shares = std::min<int64_t>(here, (threads + parts - 1) / parts), each = (here + shares - 1) / shares;
    at::parallel_for(0, parts * shares, 1, [&](int64_t begin, int64_t end) {
      Planes<T> seen(block, inputs), told(block, each * panel);
      const std::vector<T> zeros(std::max(inputs, outputs));
      for (int64_t at = begin; at < end; ++at) {
        const int64_t part = at / shares, p0 = at % shares * each, p1 = std::min(here, p0 + each);
        const int64_t c0 = (first_panel + p0) * panel, c1 = std::min(outputs, (first_panel + p1) * panel);
        const int64_t b0 = part * blocks / parts, b1 = (part + 1) * blocks / parts;
        for (int64_t b = b0; b < b1; ++b) {
          const int64_t first = b * block, count = std::min(block, grid.tiles - first);
          spread<Input, 1>(grid, first, count, from, inputs, 0, inputs, zeros.data(), seen);
          spread<Told, 0>(grid, first, count, with, outputs, c0, c1, zeros.data(), told);
          const auto product = b == b0 ? multiply<false, T> : multiply<true, T>;
          for (int64_t term = 0; term < kTerms; ++term) {
            for (int64_t p = p0; p < p1; ++p) {
              product(inputs, seen.at(term), 1, seen.row, told.at(term) + (p - p0) * panel, told.row, count,
                      sums[part].at(term, p), panel);
            }
          }
        }
      }
    });
    gather_filters(sums, first_panel, here, weight);
  }
}

}  // namespace talkface::winograd
