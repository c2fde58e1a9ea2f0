// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Where pixels lie in maps. Rows are counted through the whole batch.
#ifndef BDC_GEOMETRY_H_
#define BDC_GEOMETRY_H_

#include <stdint.h>

#include "bdc_kernels.h"

namespace bdc {

constexpr int32_t kWordBits = 32;
constexpr int32_t kMaxProducts = 32767;  // of a window, so that every result fits 16 bits
constexpr int32_t kMaxWindowWords = kMaxProducts / kWordBits + 9;

static inline int32_t words(int32_t channels) { return (channels + kWordBits - 1) / kWordBits; }

static inline int32_t out_size(int32_t in_size, int32_t stride) {
  return (in_size + stride - 1) / stride;
}

static inline int32_t out_height(const bdc_convolution& op) {
  return out_size(op.in.height, op.stride);
}

static inline int32_t out_width(const bdc_convolution& op) {
  return out_size(op.in.width, op.stride);
}

// The words of a pixel of a map of bits; row and column count its border, from -1 on.
static inline uint32_t* bordered_pixel(const bdc_map& map, int32_t image, int32_t row,
                                       int32_t column) {
  const int64_t bordered_row = int64_t{image} * (map.height + 2) + row + 1;
  const int64_t pixel = bordered_row * (map.width + 2) + column + 1;
  return static_cast<uint32_t*>(map.data) + pixel * map.stride;
}

// Which taps of a 3x3 lie outside, as conventions.py numbers them, for one edge pair.
static inline int32_t missing_taps(int32_t center, int32_t size, int32_t before, int32_t after) {
  return (center == 0 ? before : 0) | (center + 1 == size ? after : 0);
}

// The row of op.base that belongs to an output pixel of an image.
static inline int32_t padding_class(const bdc_convolution& op, int32_t row, int32_t column) {
  if (op.kernel == 1) return 0;
  return missing_taps(row * op.stride, op.in.height, 1, 2) |
         missing_taps(column * op.stride, op.in.width, 4, 8);
}

}  // namespace bdc

#endif  // BDC_GEOMETRY_H_
