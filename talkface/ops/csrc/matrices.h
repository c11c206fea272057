// What Winograd's convolution computes with: vectors, the matrices of F(4x4, 3x3), products of matrices.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace talkface::winograd {

constexpr int kOut = 4, kTaps = 3, kIn = kOut + kTaps - 1, kTerms = kIn * kIn;

template <typename T>
struct Lanes {
  typedef T Vector __attribute__((vector_size(32)));
  static constexpr int64_t count = 32 / sizeof(T);
  static constexpr int64_t panel = 2 * count;  // outputs of a product that are summed at once
};

template <typename T>
using Vector = typename Lanes<T>::Vector;

template <typename T>
inline Vector<T> load(const T* from) {
  Vector<T> v;
  std::memcpy(&v, from, sizeof(v));
  return v;
}

template <typename T>
inline void store(T* to, Vector<T> v) {
  std::memcpy(to, &v, sizeof(v));
}

// The first of a vector: what is left at the end of the channels.
template <typename T>
inline Vector<T> load(const T* from, int64_t few) {
  Vector<T> v = {};
  std::memcpy(&v, from, few * sizeof(T));
  return v;
}

template <typename T>
inline void store(T* to, Vector<T> v, int64_t few) {
  std::memcpy(to, &v, few * sizeof(T));
}

inline int64_t up_to(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// Matrices for the points 0, 1, -1, 2, -2 and infinity, applied to what `in` gives, number by number to `out`.
struct Input {  // B'
  static constexpr int kFrom = kIn, kTo = kIn;
  template <typename V, typename In, typename Out>
  static void apply(In in, Out out) {
    const V d0 = in(0), d1 = in(1), d2 = in(2), d3 = in(3), d4 = in(4), d5 = in(5);
    const V one = d4 - 4 * d2, other = d3 - 4 * d1, even = d4 - d2, odd = d3 - d1;
    out(0, d4 + 4 * d0 - 5 * d2);
    out(1, one + other);
    out(2, one - other);
    out(3, even + 2 * odd);
    out(4, even - 2 * odd);
    out(5, d5 + 4 * d1 - 5 * d3);
  }
};

struct Output {  // A'
  static constexpr int kFrom = kIn, kTo = kOut;
  template <typename V, typename In, typename Out>
  static void apply(In in, Out out) {
    const V m0 = in(0), m1 = in(1), m2 = in(2), m3 = in(3), m4 = in(4), m5 = in(5);
    const V even = m1 + m2, odd = m1 - m2, wide = m3 + m4, far = m3 - m4;
    out(0, m0 + even + wide);
    out(1, odd + 2 * far);
    out(2, even + 4 * wide);
    out(3, odd + 8 * far + m5);
  }
};

struct Told {  // A: from the gradient of the output to that of its terms
  static constexpr int kFrom = kOut, kTo = kIn;
  template <typename V, typename In, typename Out>
  static void apply(In in, Out out) {
    const V y0 = in(0), y1 = in(1), y2 = in(2), y3 = in(3);
    const V even = y0 + y2, odd = y1 + y3, wide = y0 + 4 * y2, far = y1 + 4 * y3;
    out(0, y0);
    out(1, even + odd);
    out(2, even - odd);
    out(3, wide + 2 * far);
    out(4, wide - 2 * far);
    out(5, y3);
  }
};

struct Filter {  // G
  static constexpr int kFrom = kTaps, kTo = kIn;
  template <typename V, typename In, typename Out>
  static void apply(In in, Out out) {
    using T = std::decay_t<decltype(V{}[0])>;
    const V g0 = in(0), g1 = in(1), g2 = in(2);
    const V even = (g0 + g2) * T(-1. / 6), odd = g1 * T(-1. / 6);
    const V wide = (g0 + 4 * g2) * T(1. / 24), far = g1 * T(1. / 12);
    out(0, g0 * T(0.25));
    out(1, even + odd);
    out(2, even - odd);
    out(3, wide + far);
    out(4, wide - far);
    out(5, g2);
  }
};

struct Learned {  // G': from the gradient of the terms of a filter to that of the filter
  static constexpr int kFrom = kIn, kTo = kTaps;
  template <typename V, typename In, typename Out>
  static void apply(In in, Out out) {
    using T = std::decay_t<decltype(V{}[0])>;
    const V t0 = in(0), t1 = in(1), t2 = in(2), t3 = in(3), t4 = in(4), t5 = in(5);
    const V even = (t1 + t2) * T(-1. / 6), wide = (t3 + t4) * T(1. / 24);
    out(0, t0 * T(0.25) + even + wide);
    out(1, (t2 - t1) * T(1. / 6) + (t3 - t4) * T(1. / 12));
    out(2, even + 4 * wide + t5);
  }
};

// The matrix on both axes.
template <typename M, typename V, typename In, typename Out>
inline __attribute__((always_inline)) void transform(In in, Out out) {
  V half[M::kTo * M::kFrom];
#pragma GCC unroll 6
  for (int j = 0; j < M::kFrom; ++j) {
    M::template apply<V>([&](int i) { return in(i * M::kFrom + j); }, [&](int i, V v) { half[i * M::kFrom + j] = v; });
  }
#pragma GCC unroll 6
  for (int i = 0; i < M::kTo; ++i) {
    M::template apply<V>([&](int j) { return half[i * M::kFrom + j]; }, [&](int j, V v) { out(i * M::kTo + j, v); });
  }
}

// c[r][0 .. panel) (+)= sum_k a[r][k] b[k][0 .. panel)
template <int R, bool kAdd, typename T>
inline void multiply_rows(const T* a, int64_t a_row, int64_t a_step, const T* b, int64_t b_step, int64_t depth, T* c,
                          int64_t c_row) {
  constexpr int64_t n = Lanes<T>::count;
  Vector<T> left[R], right[R];
  for (int r = 0; r < R; ++r) {
    left[r] = kAdd ? load(c + r * c_row) : Vector<T>{};
    right[r] = kAdd ? load(c + r * c_row + n) : Vector<T>{};
  }
  for (int64_t k = 0; k < depth; ++k, a += a_step, b += b_step) {
    const Vector<T> b0 = load(b), b1 = load(b + n);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
      left[r] += a[r * a_row] * b0;
      right[r] += a[r * a_row] * b1;
    }
  }
  for (int r = 0; r < R; ++r) {
    store(c + r * c_row, left[r]);
    store(c + r * c_row + n, right[r]);
  }
}

constexpr int64_t kRows = 6;  // with two vectors each and two of b, what sixteen registers hold

template <bool kAdd, typename T>
void multiply(int64_t rows, const T* a, int64_t a_row, int64_t a_step, const T* b, int64_t b_step, int64_t depth, T* c,
              int64_t c_row) {
  for (; rows >= kRows; rows -= kRows, a += kRows * a_row, c += kRows * c_row) {
    multiply_rows<kRows, kAdd>(a, a_row, a_step, b, b_step, depth, c, c_row);
  }
  switch (rows) {
    case 1: return multiply_rows<1, kAdd>(a, a_row, a_step, b, b_step, depth, c, c_row);
    case 2: return multiply_rows<2, kAdd>(a, a_row, a_step, b, b_step, depth, c, c_row);
    case 3: return multiply_rows<3, kAdd>(a, a_row, a_step, b, b_step, depth, c, c_row);
    case 4: return multiply_rows<4, kAdd>(a, a_row, a_step, b, b_step, depth, c, c_row);
    case 5: return multiply_rows<5, kAdd>(a, a_row, a_step, b, b_step, depth, c, c_row);
    default: return;
  }
}

}  // namespace talkface::winograd
