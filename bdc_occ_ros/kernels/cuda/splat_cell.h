// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// One cell and channel of the splat: its points in the order of the table.
#ifndef BDC_CUDA_SPLAT_CELL_H_
#define BDC_CUDA_SPLAT_CELL_H_

#include "tile.h"

namespace bdc {

// Memory reads and writes single elements of real maps.
template <class Memory>
BDC_HOST_DEVICE void splat_cell(const bdc_splat& op, uint32_t cell, uint32_t channel) {
  const int32_t last = op.starts[cell + 1];
  float sum = 0;
  BDC_UNROLL_BY_4
  for (int32_t i = op.starts[cell]; i < last; ++i) {
    const float p = Memory::read(op.probability, op.probability_type, op.points[i]);
    const uint64_t place = uint64_t(op.pixels[i]) * op.context.stride + channel;
    const float product = p * Memory::read(op.context.data, op.context.type, place);
    sum = sum + product;
  }
  Memory::write(op.out, uint64_t{cell} * op.out.stride + channel, sum);
}

}  // namespace bdc

#endif  // BDC_CUDA_SPLAT_CELL_H_
