// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// The words of a map of bits in the order in which warps make them.
#ifndef BDC_CUDA_PACK_ITEMS_H_
#define BDC_CUDA_PACK_ITEMS_H_

#include "tile.h"

namespace bdc {

struct PackItem {
  uint32_t pixel, word;
};

BDC_HOST_DEVICE uint32_t num_items(const bdc_pack& op) {
  return op.in.batch * op.in.height * op.in.width * words_of(op.in.channels);
}

BDC_HOST_DEVICE PackItem item_of(const bdc_pack& op, uint32_t index) {
  const uint32_t words = words_of(op.in.channels);
  return {index / words, index % words};
}

BDC_HOST_DEVICE PackItem next_item(const bdc_pack& op, PackItem item) {
  const bool is_last = item.word + 1 == words_of(op.in.channels);
  return {item.pixel + is_last, is_last ? 0 : item.word + 1};
}

// Where an item's word lies in the output.
BDC_HOST_DEVICE uint64_t item_place(const bdc_pack& op, PackItem item) {
  const uint32_t width = op.in.width, height = op.in.height;
  const uint32_t line = item.pixel / width;
  const uint32_t pixel =
      bordered_pixel(line / height, line % height, item.pixel % width, height, width);
  return uint64_t{pixel} * op.out.stride + item.word;
}

}  // namespace bdc

#endif  // BDC_CUDA_PACK_ITEMS_H_
