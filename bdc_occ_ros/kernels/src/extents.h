// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// How many items an operation has, and roughly how long one takes: what chunks are cut by.
#ifndef BDC_EXTENTS_H_
#define BDC_EXTENTS_H_

#include "bdc_kernels.h"
#include "geometry.h"

namespace bdc {

struct Extent {
  int32_t items;
  double item_us;
};

constexpr double kProductsPerUs = 1e6;  // a fast core's binary products
constexpr double kRealProductsPerUs = 2e4;
constexpr double kElementsPerUs = 4e3;  // read, bent and written

inline Extent rows_of(const bdc_map& map, double elements_per_pixel) {
  return {map.batch * map.height, map.width * elements_per_pixel / kElementsPerUs};
}

inline Extent extent(const bdc_pack& op) { return rows_of(op.in, op.in.channels); }

inline Extent extent(const bdc_convolution& op) {
  const double outputs = double(out_width(op)) * op.out_channels;
  const double products = double(op.in.channels) * op.kernel * op.kernel;
  const bool is_real = op.scale != nullptr;
  return {op.in.batch * out_height(op),
          outputs * (products / kProductsPerUs + (is_real ? 1.0 / kElementsPerUs : 0.0))};
}

inline Extent extent(const bdc_real_convolution& op) {
  const double products = double(op.in.channels) * op.out_channels;
  Extent result = rows_of(op.in, op.in.channels + op.out_channels);
  result.item_us += op.in.width * products / kRealProductsPerUs;
  return result;
}

inline Extent extent(const bdc_gate& op) {
  const double products = double(op.num_layers) * op.channels * op.channels;
  return {op.batch,
          double(op.rows) * op.channels / kElementsPerUs + products / kRealProductsPerUs};
}

inline Extent extent(const bdc_combine& op) { return rows_of(op.left, 2.0 * op.left.channels); }

inline Extent extent(const bdc_affine& op) {
  Extent result = rows_of(op.in, op.in.channels);
  result.items /= op.factor;
  result.item_us *= op.factor;
  return result;
}

inline Extent extent(const bdc_average_pool& op) { return rows_of(op.out, 4.0 * op.out.channels); }

inline Extent extent(const bdc_upsample& op) { return rows_of(op.out, 2.0 * op.out.channels); }

inline Extent extent(const bdc_splat& op) {
  const int64_t cells = int64_t{op.out.height} * op.out.width;
  const double elements = double(op.starts[cells] + cells) * op.out.channels;
  return {op.out.height, elements / op.out.height / kElementsPerUs};
}

inline Extent extent(const bdc_labels& op) { return rows_of(op.in, op.in.channels); }

}  // namespace bdc

#endif  // BDC_EXTENTS_H_
