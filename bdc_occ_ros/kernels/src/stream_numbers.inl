// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// The types of real maps other than float, one number at a time.

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

// Exponents differ by 112. A denormal is the difference of two normal numbers.
inline float widen(Float16 value) {
  const uint32_t magnitude = uint32_t(value.bits & 0x7fff) << 13;
  const uint32_t sign = uint32_t(value.bits & 0x8000) << 16;
  const uint32_t normal = magnitude + (112u << 23);
  const uint32_t special = magnitude | 0x7f800000u;
  const float smallest = float_of(113u << 23);
  const uint32_t denormal = bits_of(float_of(magnitude + (113u << 23)) - smallest);
  const uint32_t finite = magnitude < (1u << 23) ? denormal : normal;
  return float_of((magnitude < (31u << 23) ? finite : special) | sign);
}

inline void narrow(float value, float* out) { *out = value; }

inline void narrow(float value, Bfloat16* out) {
  const uint32_t bits = bits_of(value);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1)) >> 16;
  const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
  out->bits = uint16_t(is_nan ? 0x7fc0u : rounded);
}

// Numbers below the smallest normal one are rounded by adding 1/2, whose last place is theirs.
inline void narrow(float value, Float16* out) {
  const uint32_t magnitude = bits_of(value) & 0x7fffffffu;
  const uint32_t normal = (magnitude + 0xfffu + ((magnitude >> 13) & 1) - (112u << 23)) >> 13;
  const uint32_t denormal = bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f);
  const uint32_t special = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
  const uint32_t finite = magnitude < (113u << 23) ? denormal : normal;
  const uint32_t sign = (bits_of(value) >> 16) & 0x8000u;
  out->bits = uint16_t((magnitude < (143u << 23) ? finite : special) | sign);
}
