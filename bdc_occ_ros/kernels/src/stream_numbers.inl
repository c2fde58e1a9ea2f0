// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// The types of real maps other than float.

struct Bfloat16 {
  uint16_t bits;
};

struct Float16 {
  uint16_t bits;
};

inline uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

inline float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

inline float widen(float value) { return value; }

inline float widen(Bfloat16 value) { return float_of(uint32_t{value.bits} << 16); }

// The bits of floats from those of float16, one in each word. Exponents differ by 112; a denormal
// is the difference of two normal numbers.
template <class Bits>
Bits widen_half(Bits half) {
  const Bits magnitude = (half & 0x7fffu) << 13;
  const auto smallest = float_of(Bits{} + (113u << 23));
  const Bits denormal = bits_of(float_of(magnitude + (113u << 23)) - smallest);
  const Bits finite = magnitude < (1u << 23) ? denormal : magnitude + (112u << 23);
  const Bits number = magnitude < (31u << 23) ? finite : magnitude | 0x7f800000u;
  return number | (half & 0x8000u) << 16;
}

inline float widen(Float16 value) { return float_of(widen_half(uint32_t{value.bits})); }

inline void narrow(float value, float* out) { *out = value; }

inline void narrow(float value, Bfloat16* out) {
  const uint32_t bits = bits_of(value);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1)) >> 16;
  const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
  out->bits = uint16_t(is_nan ? 0x7fc0u : rounded);
}

// The bits of float16 from those of floats. Numbers below the smallest normal one are rounded by
// adding 1/2, whose last place is theirs.
template <class Bits>
Bits narrow_half(Bits bits) {
  const Bits magnitude = bits & 0x7fffffffu;
  const Bits normal = (magnitude + 0xfffu + ((magnitude >> 13) & 1) - (112u << 23)) >> 13;
  const Bits half = Bits{} + bits_of(0.5f);
  const Bits denormal = bits_of(float_of(magnitude) + float_of(half)) - half;
  const Bits special = magnitude > 0x7f800000u ? Bits{} + 0x7e00u : Bits{} + 0x7c00u;
  const Bits finite = magnitude < (113u << 23) ? denormal : normal;
  return (magnitude < (143u << 23) ? finite : special) | ((bits >> 16) & 0x8000u);
}

inline void narrow(float value, Float16* out) {
  out->bits = uint16_t(narrow_half(bits_of(value)));
}
