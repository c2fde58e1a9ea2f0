// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// How fast bits could be compared and counted if nothing else had to be done: the step that the
// convolution of a backend repeats, in registers alone, with sums enough to keep all pipes busy.
#include <stdint.h>
#include <string.h>

#include "bdc_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace bdc {
namespace {

constexpr int kSums = 10;
constexpr int64_t kStepsOfRound = 64;

struct Roofline {
  const char* backend;
  void (*count)(int64_t rounds);
  int64_t products;  // of a step of one sum
};

#if defined(__x86_64__)

#pragma GCC push_options
#pragma GCC target("popcnt")
namespace scalar {
#define BDC_REGISTER "r"
using Vector = uint64_t;
inline Vector next(Vector sum, Vector input) {
  return sum + uint64_t(__builtin_popcountll(input ^ 3));
}
#include "roofline_count.inl"
#undef BDC_REGISTER
}  // namespace scalar
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2")
namespace avx2 {
#define BDC_REGISTER "x"
using Vector = __m256i;
inline Vector next(Vector sum, Vector input) {
  return _mm256_add_epi8(sum, _mm256_shuffle_epi8(_mm256_set1_epi8(2), input));
}
#include "roofline_count.inl"
#undef BDC_REGISTER
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512vpopcntdq")
namespace avx512 {
#define BDC_REGISTER "v"
using Vector = __m512i;
inline Vector next(Vector sum, Vector input) {
  const Vector differing = _mm512_xor_si512(input, _mm512_set1_epi32(3));
  return _mm512_add_epi32(sum, _mm512_popcnt_epi32(differing));
}
#include "roofline_count.inl"
#undef BDC_REGISTER
}  // namespace avx512
#pragma GCC pop_options

constexpr Roofline kRooflines[] = {
    {"scalar", scalar::count, 64}, {"avx2", avx2::count, 128}, {"avx512", avx512::count, 512}};

#elif defined(__aarch64__)

namespace neon {
#define BDC_REGISTER "w"
using Vector = uint8x16_t;
inline Vector next(Vector sum, Vector input) {
  return vaddq_u8(sum, vcntq_u8(veorq_u8(input, vdupq_n_u8(3))));
}
#include "roofline_count.inl"
}  // namespace neon

#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+dotprod")
namespace neon_dotprod {
using Vector = uint32x4_t;
inline Vector next(Vector sum, Vector input) {
  const uint8x16_t differing = veorq_u8(vreinterpretq_u8_u32(input), vdupq_n_u8(3));
  return vdotq_u32(sum, vcntq_u8(differing), vdupq_n_u8(1));
}
#include "roofline_count.inl"
#undef BDC_REGISTER
}  // namespace neon_dotprod
#pragma GCC pop_options

constexpr Roofline kRooflines[] = {
    {"neon", neon::count, 128}, {"neon_dotprod", neon_dotprod::count, 128}};

#else

constexpr Roofline kRooflines[] = {{"", nullptr, 0}};

#endif

}  // namespace
}  // namespace bdc

int64_t bdc_roofline(const char* backend, int64_t rounds) {
  if (bdc_backend_is_supported(backend) != 1) return 0;
  for (const bdc::Roofline& roofline : bdc::kRooflines) {
    if (strcmp(roofline.backend, backend) != 0) continue;
    roofline.count(rounds);
    return rounds * bdc::kStepsOfRound * bdc::kSums * roofline.products;
  }
  return 0;
}
