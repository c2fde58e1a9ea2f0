// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Vectors of 4 floats as the compiler makes them for any processor.
#include "stream_numbers.inl"

constexpr int kLanes = 4;
typedef float Floats __attribute__((vector_size(4 * kLanes)));
typedef uint32_t Words __attribute__((vector_size(4 * kLanes)));

template <class T>
Floats load(const T* in) {
  return Floats{widen(in[0]), widen(in[1]), widen(in[2]), widen(in[3])};
}

template <class T>
void store(Floats values, T* out) {
  for (int i = 0; i < kLanes; ++i) narrow(values[i], &out[i]);
}

// Store the lower halves.
inline void store_halves(Words words, uint16_t* out) {
  for (int i = 0; i < kLanes; ++i) out[i] = uint16_t(words[i]);
}

// sum + value * sign, where the product is exact
inline Floats add_exact_product(Floats sum, float value, Floats sign) {
  return sum + value * sign;
}

// One bit per lane.
inline uint32_t bits_of_lanes(Words is_set) {
  const Words bits = is_set & Words{1, 2, 4, 8};
  return (bits[0] | bits[1]) | (bits[2] | bits[3]);
}

inline uint32_t bits_at_least(Floats left, Floats right) {
  return bits_of_lanes(Words(left >= right));
}

inline uint32_t bits_equal(Floats left, Floats right) {
  return bits_of_lanes(Words(left == right));
}
