// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Vectors of floats, and floats from and to the types of real maps.

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float Floats __attribute__((vector_size(4 * kLanes)));
typedef uint32_t Words __attribute__((vector_size(4 * kLanes)));

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

// kLanes values as floats.
inline Floats load(const float* in) {
  Floats values;
  memcpy(&values, in, sizeof(values));
  return values;
}

inline void store(Floats values, float* out) { memcpy(out, &values, sizeof(values)); }

#if defined(__AVX512F__)

inline Floats load(const Bfloat16* in) {
  const __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)in));
  return Floats(_mm512_slli_epi32(bits, 16));
}

inline Floats load(const Float16* in) {
  return Floats(_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)in)));
}

inline void store(Floats values, Float16* out) {
  _mm256_storeu_si256((__m256i*)out, _mm512_cvtps_ph(__m512(values), _MM_FROUND_TO_NEAREST_INT));
}

#elif defined(__AVX2__) && defined(__F16C__)

inline Floats load(const Bfloat16* in) {
  const __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)in));
  return Floats(_mm256_slli_epi32(bits, 16));
}

inline Floats load(const Float16* in) {
  return Floats(_mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)in)));
}

inline void store(Floats values, Float16* out) {
  _mm_storeu_si128((__m128i*)out, _mm256_cvtps_ph(__m256(values), _MM_FROUND_TO_NEAREST_INT));
}

#elif defined(__aarch64__)

inline Floats load(const Bfloat16* in) {
  return Floats(vshll_n_u16(vld1_u16((const uint16_t*)in), 16));
}

inline Floats load(const Float16* in) {
  return Floats(vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16((const uint16_t*)in))));
}

inline void store(Floats values, Float16* out) {
  vst1_u16((uint16_t*)out, vreinterpret_u16_f16(vcvt_f16_f32(float32x4_t(values))));
}

#else

template <class T>
Floats load(const T* in) {
  Floats values;
  for (int i = 0; i < kLanes; ++i) values[i] = widen(in[i]);
  return values;
}

inline void store(Floats values, Float16* out) {
  for (int i = 0; i < kLanes; ++i) narrow(values[i], &out[i]);
}

#endif

template <class T>
void widen_all(const T* in, int count, float* out) {
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) store(load(in + i), out + i);
  for (; i < count; ++i) out[i] = widen(in[i]);
}

inline void narrow_all(const float* in, int count, Bfloat16* out) {
  for (int i = 0; i < count; ++i) narrow(in[i], &out[i]);
}

inline void narrow_all(const float* in, int count, Float16* out) {
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) store(load(in + i), out + i);
  for (; i < count; ++i) narrow(in[i], &out[i]);
}

// One bit per value, up to 32: value >= threshold.
inline uint32_t compare(const float* values, const float* thresholds, int count) {
#if defined(__AVX512F__)
  if (count == 32) {
    const __mmask16 low = _mm512_cmp_ps_mask(__m512(load(values)), __m512(load(thresholds)),
                                             _CMP_GE_OQ);
    const __mmask16 high = _mm512_cmp_ps_mask(
        __m512(load(values + 16)), __m512(load(thresholds + 16)), _CMP_GE_OQ);
    return uint32_t{low} | uint32_t{high} << 16;
  }
#elif defined(__AVX2__)
  if (count == 32) {
    uint32_t word = 0;
    for (int i = 0; i < 32; i += 8) {
      const __m256 is_set = _mm256_cmp_ps(__m256(load(values + i)), __m256(load(thresholds + i)),
                                          _CMP_GE_OQ);
      word |= uint32_t(_mm256_movemask_ps(is_set)) << i;
    }
    return word;
  }
#endif
  uint32_t word = 0;
  for (int i = 0; i < count; ++i) word |= uint32_t{values[i] >= thresholds[i]} << i;
  return word;
}
