// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Vectors of 8 floats; needs avx2, fma and f16c.
#include "stream_numbers.inl"

constexpr int kLanes = 8;
typedef float Floats __attribute__((vector_size(4 * kLanes)));
typedef uint32_t Words __attribute__((vector_size(4 * kLanes)));

inline Floats load(const float* in) { return Floats(_mm256_loadu_ps(in)); }

inline Floats load(const Bfloat16* in) {
  const __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)in));
  return Floats(_mm256_slli_epi32(bits, 16));
}

inline Floats load(const Float16* in) {
  return Floats(_mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)in)));
}

inline void store(Floats values, float* out) { _mm256_storeu_ps(out, __m256(values)); }

inline void store(Floats values, Float16* out) {
  _mm_storeu_si128((__m128i*)out, _mm256_cvtps_ph(__m256(values), _MM_FROUND_TO_NEAREST_INT));
}

// Store the lower halves; the upper ones are 0.
inline void store_halves(Words words, uint16_t* out) {
  const __m256i packed = _mm256_packus_epi32(__m256i(words), __m256i(words));
  _mm_storeu_si128((__m128i*)out, _mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 0x08)));
}

// sum + value * sign, where the product is exact
inline Floats add_exact_product(Floats sum, float value, Floats sign) {
  return Floats(_mm256_fmadd_ps(_mm256_set1_ps(value), __m256(sign), __m256(sum)));
}

// One bit per lane.
inline uint32_t bits_at_least(Floats left, Floats right) {
  return uint32_t(_mm256_movemask_ps(_mm256_cmp_ps(__m256(left), __m256(right), _CMP_GE_OQ)));
}

inline uint32_t bits_equal(Floats left, Floats right) {
  return uint32_t(_mm256_movemask_ps(_mm256_cmp_ps(__m256(left), __m256(right), _CMP_EQ_OQ)));
}
