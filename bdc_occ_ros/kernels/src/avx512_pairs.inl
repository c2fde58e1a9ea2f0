// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// The 32 channels of a block at one pixel, as floats, from and to the types of real maps.

// The channels of a block at one pixel.
struct FloatPair {
  Floats of[kVectors];
};

template <class T>
inline FloatPair load_pair(const T* in) {
  return {{load(in), load(in + kLanes)}};
}

template <class T>
inline void store_pair(const FloatPair& values, T* out) {
  store(values.of[0], out);
  store(values.of[1], out + kLanes);
}

// 32 neighbouring halves of words at once; the others are 0.
inline __m512i every_second(int first, int step) {
  alignas(64) int16_t places[2 * kLanes];
  for (int i = 0; i < 2 * kLanes; ++i) places[i] = int16_t(first + i * step / 2);
  return _mm512_load_si512(places);
}

inline FloatPair load_pair(const Bfloat16* in) {
  constexpr __mmask32 kUpper = 0xaaaaaaaa;
  const __m512i halves = _mm512_loadu_si512(in);
  return {{Floats(_mm512_maskz_permutexvar_epi16(kUpper, every_second(0, 1), halves)),
           Floats(_mm512_maskz_permutexvar_epi16(kUpper, every_second(kLanes, 1), halves))}};
}

// Rounded as store(Floats, Bfloat16*) does; the result is in the upper half of each word.
inline __m512i round_upper_half(Floats values) {
  const Words bits = Words(values);
  const Words rounded = bits + 0x7fffu + ((bits >> 16) & 1);
  const __mmask16 is_nan = _mm512_cmp_ps_mask(__m512(values), __m512(values), _CMP_UNORD_Q);
  return _mm512_mask_mov_epi32(__m512i(rounded), is_nan, _mm512_set1_epi32(0x7fc00000));
}

inline void store_pair(const FloatPair& values, Bfloat16* out) {
  const __m512i halves =
      _mm512_permutex2var_epi16(round_upper_half(values.of[0]), every_second(1, 4),
                                round_upper_half(values.of[1]));
  _mm512_storeu_si512(out, halves);
}
