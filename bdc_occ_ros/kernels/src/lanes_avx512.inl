// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Vectors of 16 floats; needs avx512f. The intrinsics have a mask of all lanes, since of those
// without a mask g++ 12 says that they use what was never set.
#include "stream_numbers.inl"

constexpr int kLanes = 16;
constexpr __mmask16 kAll = 0xffff;
typedef float Floats __attribute__((vector_size(4 * kLanes)));
typedef uint32_t Words __attribute__((vector_size(4 * kLanes)));

inline Floats load(const float* in) { return Floats(_mm512_loadu_ps(in)); }

inline Floats load(const Bfloat16* in) {
  const __m512i bits = _mm512_maskz_cvtepu16_epi32(kAll, _mm256_loadu_si256((const __m256i*)in));
  return Floats(_mm512_maskz_slli_epi32(kAll, bits, 16));
}

inline Floats load(const Float16* in) {
  return Floats(_mm512_maskz_cvtph_ps(kAll, _mm256_loadu_si256((const __m256i*)in)));
}

inline void store(Floats values, float* out) { _mm512_storeu_ps(out, __m512(values)); }

inline void store(Floats values, Float16* out) {
  const __m256i halves =
      _mm512_maskz_cvtps_ph(kAll, __m512(values), _MM_FROUND_TO_NEAREST_INT);
  _mm256_storeu_si256((__m256i*)out, halves);
}

// Store the lower halves.
inline void store_halves(Words words, uint16_t* out) {
  _mm256_storeu_si256((__m256i*)out, _mm512_maskz_cvtepi32_epi16(kAll, __m512i(words)));
}

// sum + value * sign, where the product is exact
inline Floats add_exact_product(Floats sum, float value, Floats sign) {
  return Floats(_mm512_fmadd_ps(_mm512_set1_ps(value), __m512(sign), __m512(sum)));
}

// One bit per lane.
inline uint32_t bits_at_least(Floats left, Floats right) {
  return _mm512_cmp_ps_mask(__m512(left), __m512(right), _CMP_GE_OQ);
}

inline uint32_t bits_equal(Floats left, Floats right) {
  return _mm512_cmp_ps_mask(__m512(left), __m512(right), _CMP_EQ_OQ);
}
