// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Vectors of 4 floats on aarch64.
#include "stream_numbers.inl"

constexpr int kLanes = 4;
typedef float Floats __attribute__((vector_size(4 * kLanes)));
typedef uint32_t Words __attribute__((vector_size(4 * kLanes)));

inline Floats load(const float* in) { return Floats(vld1q_f32(in)); }

inline Floats load(const Bfloat16* in) {
  return Floats(vshll_n_u16(vld1_u16((const uint16_t*)in), 16));
}

inline Floats load(const Float16* in) {
  return Floats(vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16((const uint16_t*)in))));
}

inline void store(Floats values, float* out) { vst1q_f32(out, float32x4_t(values)); }

inline void store(Floats values, Float16* out) {
  vst1_u16((uint16_t*)out, vreinterpret_u16_f16(vcvt_f16_f32(float32x4_t(values))));
}

// Store the lower halves.
inline void store_halves(Words words, uint16_t* out) {
  vst1_u16(out, vmovn_u32(uint32x4_t(words)));
}

// sum + value * sign, where the product is exact
inline Floats add_exact_product(Floats sum, float value, Floats sign) {
  return Floats(vfmaq_n_f32(float32x4_t(sum), float32x4_t(sign), value));
}

// One bit per lane.
inline uint32_t bits_of_lanes(uint32x4_t is_set) {
  constexpr uint32x4_t kBits = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(is_set, kBits));
}

inline uint32_t bits_at_least(Floats left, Floats right) {
  return bits_of_lanes(vcgeq_f32(float32x4_t(left), float32x4_t(right)));
}

inline uint32_t bits_equal(Floats left, Floats right) {
  return bits_of_lanes(vceqq_f32(float32x4_t(left), float32x4_t(right)));
}
