// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// How a block of threads computes its tile, written once for the GPU and for its emulation.
//
// Block is what differs: registers, copies, instructions, barriers.
#ifndef BDC_CUDA_CONVOLVE_TILE_H_
#define BDC_CUDA_CONVOLVE_TILE_H_

#include "tile.h"

namespace bdc {

// What the tensor cores count: bits that differ, or bits that are set in both.
enum class Product { kXor, kAnd };

// d = base - 2 popc(a ^ w) and d = base - 2 popc(w) - 2 popc(a) + 4 popc(a & w): the part that
// depends on the pixel. The border's words are clear, so popc(a) counts inside the image only.
template <Product kProduct>
BDC_HOST_DEVICE int32_t product_of(int32_t count, int32_t ones_of_window) {
  return kProduct == Product::kXor ? -2 * count : 4 * count - 2 * ones_of_window;
}

// The part of d that belongs to the channel, from an entry of the base table.
template <Product kProduct>
BDC_HOST_DEVICE int32_t base_of(int32_t base, int32_t ones_of_weights) {
  return kProduct == Product::kXor ? base : base - 2 * ones_of_weights;
}

// A thread's part of a stage: words of windows, kCopyWords at a time, and 16 bytes of weights.
// Words behind the last one of a window become clear, like those of the weights.
template <int kCopyWords, class Copy>
BDC_HOST_DEVICE void fetch_stage(const bdc_convolution& op, const Row* rows,
                                 uint32_t first_channel, uint32_t stage, uint32_t thread,
                                 uint32_t* slot, const Copy& copy) {
  constexpr uint32_t kPerRow = kStageWords / kCopyWords, kRowsAtOnce = kThreads / kPerRow;
  const uint32_t* input = static_cast<const uint32_t*>(op.in.data);
  const uint32_t word = thread % kPerRow * kCopyWords;
  const uint32_t k = stage * kStageWords + word;
  const bool is_inside = k < window_words(op);
  const uint32_t offset = is_inside ? window_word(op, k) : 0;
  BDC_UNROLL
  for (uint32_t i = 0; i < kTilePixels / kRowsAtOnce; ++i) {
    const uint32_t row = thread / kPerRow + i * kRowsAtOnce;
    copy.template run<kCopyWords>(slot + slot_word(row, word), input + rows[row].window + offset,
                                  is_inside);
  }
  constexpr uint32_t kChunks = kStageWords / kChunkWords, kChannelsAtOnce = kThreads / kChunks;
  const uint32_t chunk = thread % kChunks * kChunkWords;
  const uint32_t* weights = weight_words(op) + stage * kStageWords + chunk;
  BDC_UNROLL
  for (uint32_t i = 0; i < kTileChannels / kChannelsAtOnce; ++i) {
    const uint32_t row = thread / kChunks + i * kChannelsAtOnce;
    copy.template run<kChunkWords>(slot + slot_word(kTilePixels + row, chunk),
                                   weights + (first_channel + row) * padded_words(op), true);
  }
}

// One step of a warp: fragments from a slot, then every product of them.
template <Product kProduct, class Warp>
BDC_HOST_DEVICE void multiply_step(Warp& warp, const uint32_t* slot, uint32_t step) {
  BDC_UNROLL
  for (int m = 0; m < kPixelFragments; ++m) {
    warp.load(slot, warp.pixels[m], [&](uint32_t lane) {
      return pixel_fragment_word(warp.index, m, step, lane);
    });
    if (kProduct == Product::kAnd) warp.count_ones(m);
  }
  BDC_UNROLL
  for (int pair = 0; pair < kChannelFragments / 2; ++pair) {
    warp.load(slot, warp.channels, [&](uint32_t lane) {
      return channel_fragments_word(pair, step, lane);
    });
    BDC_UNROLL
    for (int m = 0; m < kPixelFragments; ++m) {
      warp.multiply(m, 2 * pair, 0);
      warp.multiply(m, 2 * pair + 1, 2);
    }
  }
}

// The pipeline: copies run two stages ahead of the products; one barrier per stage.
template <class Block>
BDC_HOST_DEVICE void convolve_tile(Block& block, uint32_t steps) {
  const uint32_t stages = divide_up(steps, kStageSteps);
  for (uint32_t stage = 0; stage < kSlots - 1; ++stage) block.fetch(stage, stage < stages);
  for (uint32_t stage = 0; stage < stages; ++stage) {
    block.arrive();
    block.fetch(stage + kSlots - 1, stage + kSlots - 1 < stages);
    block.multiply(stage, 0);
    if (stage * kStageSteps + 1 < steps) block.multiply(stage, 1);
  }
  block.finish();
}

}  // namespace bdc

#endif  // BDC_CUDA_CONVOLVE_TILE_H_
