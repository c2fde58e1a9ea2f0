// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Backend for aarch64 with dot products (Cortex-A76 and later, also -A55): a dot product with ones
// sums counted bits into words.
#if defined(__aarch64__)

#include <sys/auxv.h>

#include "backends.h"
#include "geometry.h"
#include "stream_headers.h"

#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+dotprod")

namespace bdc {
namespace {

#include "lanes_neon.inl"
#include "streams.inl"
#include "epilogue.inl"
#include "pack.inl"

typedef uint32x4_t Sums;
constexpr int kChunkVectors = 1 << 20;  // as many as there can be

inline Sums add_counted(Sums sums, uint8x16_t counted) {
  return vdotq_u32(sums, counted, vdupq_n_u8(1));
}

inline uint16x4_t total(const Sums* sums) {
  return vmovn_u32(vpaddq_u32(vpaddq_u32(sums[0], sums[1]), vpaddq_u32(sums[2], sums[3])));
}

#include "neon.inl"

}  // namespace
}  // namespace bdc

#pragma GCC pop_options

namespace bdc {
namespace {

bool is_supported() { return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0; }

}  // namespace

const Backend kNeonDotprod = {
    "neon_dotprod", is_supported, prepared_bytes, prepare_weights, convolution, pack,
    real_convolution, gate, combine, affine, average_pool, upsample, splat, labels};

}  // namespace bdc

#endif  // defined(__aarch64__)
