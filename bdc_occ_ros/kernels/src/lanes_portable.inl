// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Vectors of 4 floats as the compiler makes them for any processor.
constexpr int kLanes = 4;
typedef float Floats __attribute__((vector_size(4 * kLanes)));
typedef uint32_t Words __attribute__((vector_size(4 * kLanes)));
typedef uint16_t Halves __attribute__((vector_size(2 * kLanes)));

inline Words bits_of(Floats values) { return Words(values); }

inline Floats float_of(Words bits) { return Floats(bits); }

#include "stream_numbers.inl"

inline Floats load(const float* in) {
  Floats values;
  memcpy(&values, in, sizeof(values));
  return values;
}

inline Words load_halves(const uint16_t* in) {
  Halves halves;
  memcpy(&halves, in, sizeof(halves));
  return __builtin_convertvector(halves, Words);
}

inline Floats load(const Bfloat16* in) { return Floats(load_halves((const uint16_t*)in) << 16); }

inline Floats load(const Float16* in) {
  return Floats(widen_half(load_halves((const uint16_t*)in)));
}

// Store the lower halves.
inline void store_halves(Words words, uint16_t* out) {
  const Halves halves = __builtin_convertvector(words, Halves);
  memcpy(out, &halves, sizeof(halves));
}

inline void store(Floats values, float* out) { memcpy(out, &values, sizeof(values)); }

inline void store(Floats values, Float16* out) {
  store_halves(narrow_half(Words(values)), (uint16_t*)out);
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
