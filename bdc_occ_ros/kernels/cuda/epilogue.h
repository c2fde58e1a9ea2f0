// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// From an exact integer to what is stored: thresholds, scale, activation, gate, shortcut.
#ifndef BDC_CUDA_EPILOGUE_H_
#define BDC_CUDA_EPILOGUE_H_

#include "convolve_tile.h"

namespace bdc {

BDC_HOST_DEVICE bool bit_of(const uint32_t* words, uint32_t channel) {
  return words[channel / kWordBits] >> channel % kWordBits & 1;
}

BDC_HOST_DEVICE float at(const float* values, uint32_t channel, float otherwise) {
  return values ? values[channel] : otherwise;
}

// Parameters of one output channel.
struct Channel {
  uint32_t index, shortcut;
  int32_t base, ones;  // of a window inside the image; set bits of the weights
  int32_t low, high;
  bool integer_flip, flip;
  float scale, offset, before, slope, after, shortcut_scale, shortcut_offset, threshold;
};

template <Product kProduct>
BDC_HOST_DEVICE Channel channel_of(const bdc_convolution& op, uint32_t index) {
  Channel channel = {};
  channel.index = index;
  channel.ones = kProduct == Product::kXor ? 0 : weight_ones(op, index);
  channel.base = base_of<kProduct>(op.base[index], channel.ones);
  if (op.integer_sign.low) {
    channel.low = op.integer_sign.low[index];
    channel.high = op.integer_sign.high[index];
    channel.integer_flip = bit_of(op.integer_sign.flip, index);
  }
  channel.scale = at(op.scale, index, 0);
  channel.offset = at(op.offset, index, 0);
  channel.before = at(op.activation.before, index, 0);
  channel.slope = at(op.activation.slope, index, 0);
  channel.after = at(op.activation.after, index, 0);
  if (op.shortcut.data) channel.shortcut = index % op.shortcut.channels;
  channel.shortcut_scale = at(op.shortcut_scale, index, 0);
  channel.shortcut_offset = at(op.shortcut_offset, index, 0);
  if (op.sign.threshold) {
    channel.threshold = op.sign.threshold[index];
    channel.flip = bit_of(op.sign.flip, index);
  }
  return channel;
}

BDC_HOST_DEVICE bool is_integer_set(const Channel& channel, int32_t d) {
  return ((d >= channel.low) != (d >= channel.high)) != channel.integer_flip;
}

BDC_HOST_DEVICE void write_integer(const bdc_map& map, uint32_t pixel, uint32_t channel,
                                   int32_t d) {
  if (!map.data) return;
  static_cast<int16_t*>(map.data)[uint64_t{pixel} * map.stride + channel] =
      static_cast<int16_t>(d);
}

// Everything that follows when there are parameters of the real number; returns its bit.
// Memory reads and writes single elements of real maps.
template <class Memory>
BDC_HOST_DEVICE bool finish_real(const bdc_convolution& op, const Channel& channel, int32_t d,
                                 uint32_t pixel, uint32_t image) {
  const uint64_t place = pixel;
  float y = channel.scale * static_cast<float>(d);
  y = y + channel.offset;
  if (op.activation.slope) {
    y = y + channel.before;
    y = y < 0 ? y * channel.slope : y;
    y = y + channel.after;
  }
  if (op.gate) y = y * op.gate[image * op.out_channels + channel.index];
  if (op.shortcut.data) {
    float s = Memory::read(op.shortcut.data, op.shortcut.type,
                           place * op.shortcut.stride + channel.shortcut);
    if (op.shortcut_scale) {
      s = s * channel.shortcut_scale;
      s = s + channel.shortcut_offset;
    }
    y = y + s;
  }
  if (op.out.data) Memory::write(op.out, place * op.out.stride + channel.index, y);
  return (y >= channel.threshold) != channel.flip;
}

// The exact integer of a pixel and channel.
template <Product kProduct>
BDC_HOST_DEVICE int32_t integer_of(const bdc_convolution& op, const Channel& channel,
                                   uint32_t missing, int32_t product) {
  if (missing == 0) return channel.base + product;
  const int32_t base = op.base[missing * op.out_channels + channel.index];
  return base_of<kProduct>(base, channel.ones) + product;
}

// Sum of a channel over an output row, from left to right, as it was written to a float map.
BDC_HOST_DEVICE float row_sum(const bdc_convolution& op, uint32_t line, uint32_t channel) {
  const uint64_t width = op.out.width, stride = op.out.stride;
  const float* value = static_cast<const float*>(op.out.data) + line * width * stride + channel;
  float sum = 0;
  for (uint32_t x = 0; x < width; ++x) sum = sum + value[x * stride];
  return sum;
}

// Store a whole word of a map of bits; maps that are missing are left out.
BDC_HOST_DEVICE void write_word(const bdc_map& map, const Row& row, uint32_t word,
                                uint32_t value) {
  if (!map.data) return;
  static_cast<uint32_t*>(map.data)[uint64_t{row.bordered} * map.stride + word] = value;
}

}  // namespace bdc

#endif  // BDC_CUDA_EPILOGUE_H_
