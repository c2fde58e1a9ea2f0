// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Backend for every aarch64: counted bits are added as bytes, and bytes as often as they may.
#if defined(__aarch64__)

#include "backends.h"
#include "geometry.h"
#include "stream_headers.h"

namespace bdc {
namespace {

#include "lanes_neon.inl"
#include "streams.inl"
#include "epilogue.inl"
#include "pack.inl"

typedef uint8x16_t Sums;
constexpr int kChunkVectors = 31;  // x 8 bits: the most that a byte counts

inline Sums add_counted(Sums sums, uint8x16_t counted) { return vaddq_u8(sums, counted); }

inline uint16x4_t total(const Sums* sums) {
  const uint16x8_t first = vpaddq_u16(vpaddlq_u8(sums[0]), vpaddlq_u8(sums[1]));
  const uint16x8_t second = vpaddq_u16(vpaddlq_u8(sums[2]), vpaddlq_u8(sums[3]));
  const uint16x8_t pairs = vpaddq_u16(first, second);
  return vget_low_u16(vpaddq_u16(pairs, pairs));
}

#include "neon.inl"

bool is_supported() { return true; }

}  // namespace

const Backend kNeon = {
    "neon", is_supported, prepared_bytes, prepare_weights, convolution, pack, real_convolution,
    gate, combine, affine, average_pool, upsample, splat, labels};

}  // namespace bdc

#endif  // defined(__aarch64__)
