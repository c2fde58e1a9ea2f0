// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Convolution for aarch64: lanes are 128 inputs, four channels of four pixels are counted at once.
//
// What differs is whether the cores can sum bytes into words. A backend brings
//   Sums                     sums of counted bits
//   kChunkVectors            how many vectors they can take
//   add_counted(sums, bits)  add the number of bits of every byte
//   total(sums)              the sums of four channels, side by side

constexpr int kGroupPixels = 16;
constexpr int kWindowAlignment = 4;
constexpr int kVectorWords = 4;
constexpr int kTile = 4;  // pixels, and channels

// One word of 32 pairs of thresholds: byte i of a vector becomes bit i of its half of the word.
inline uint32_t compare_counts(const uint16_t* counts, const int16_t* low, const int16_t* high) {
  static const uint8_t kBits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  uint8x16_t is_set[2];
  for (int i = 0; i < 2; ++i) {
    uint8x8_t halves[2];
    for (int j = 0; j < 2; ++j) {
      const int at = 16 * i + 8 * j;
      const int16x8_t count = vreinterpretq_s16_u16(vld1q_u16(counts + at));
      halves[j] = vmovn_u16(veorq_u16(vcgtq_s16(count, vld1q_s16(low + at)),
                                      vcgtq_s16(count, vld1q_s16(high + at))));
    }
    is_set[i] = vandq_u8(vcombine_u8(halves[0], halves[1]), vld1q_u8(kBits));
  }
  const uint8x16_t pairs = vpaddq_u8(is_set[0], is_set[1]);
  const uint8x16_t fours = vpaddq_u8(pairs, pairs);
  return vgetq_lane_u32(vreinterpretq_u32_u8(vpaddq_u8(fours, fours)), 0);
}

#include "windows.inl"

inline uint8x16_t load_bytes(const uint32_t* words) {
  return vreinterpretq_u8_u32(vld1q_u32(words));
}

// Count what differs in some vectors of four windows and of the weights of four channels.
inline void count_tile(const uint32_t* weights, const uint32_t* const* windows, int first,
                       int last, uint16_t* counts) {
  Sums sums[kTile][kTile];
#pragma GCC unroll 4
  for (int p = 0; p < kTile; ++p) {
#pragma GCC unroll 4
    for (int c = 0; c < kTile; ++c) sums[p][c] = Sums{};
  }
#pragma GCC unroll 1
  for (int v = first; v < last; ++v) {
    uint8x16_t weight[kTile];
#pragma GCC unroll 4
    for (int c = 0; c < kTile; ++c) {
      weight[c] = load_bytes(weights + (v * kTile + c) * kVectorWords);
    }
#pragma GCC unroll 4
    for (int p = 0; p < kTile; ++p) {
      const uint8x16_t window = load_bytes(windows[p] + v * kVectorWords);
#pragma GCC unroll 4
      for (int c = 0; c < kTile; ++c) {
        sums[p][c] = add_counted(sums[p][c], vcntq_u8(veorq_u8(weight[c], window)));
      }
      asm volatile("");  // keeps g++ from starting all pixels at once, which takes more registers
    }
  }
#pragma GCC unroll 4
  for (int p = 0; p < kTile; ++p) {
    uint16_t* out = counts + p * kBlock;
    vst1_u16(out, vadd_u16(vld1_u16(out), total(sums[p])));
  }
}

void count_bits(const uint32_t* weights, const Windows& windows, int pixels, int channels,
                Counts* counts) {
  const int vectors = windows.size / kVectorWords;
  memset(counts, 0, sizeof(*counts) * kGroupPixels);
  for (int c = 0; c < channels; c += kTile, weights += kTile * windows.size) {
    for (int p = 0; p < pixels; p += kTile) {
      for (int first = 0; first < vectors; first += kChunkVectors) {
        const int last = std::min(vectors, first + kChunkVectors);
        count_tile(weights, windows.start + p, first, last, counts[p] + c);
      }
    }
  }
}

void convolution(const bdc_convolution& op, int32_t first_row, int32_t last_row) {
  const uint32_t* weights = static_cast<const uint32_t*>(op.weights);
  convolve_windows(op, first_row, last_row, [weights](
      const Windows& windows, int pixels, int channel, int channels, Counts* counts) {
    count_bits(weights + int64_t{channel} * windows.size, windows, pixels, channels, counts);
  });
}

int64_t prepared_bytes(int32_t out_channels, int32_t in_channels, int32_t kernel) {
  const int64_t channels = (out_channels + kTile - 1) / kTile * kTile;
  return channels * window_words(in_channels, kernel) * int64_t{sizeof(uint32_t)};
}

// For each four channels: vectors of four words, of one channel after the other.
void prepare_weights(int32_t out_channels, int32_t in_channels, int32_t kernel,
                     const uint32_t* source, void* out) {
  const int size = words(in_channels) * kernel * kernel;
  const int filled = window_words(in_channels, kernel);
  memset(out, 0, size_t(prepared_bytes(out_channels, in_channels, kernel)));
  for (int channel = 0; channel < out_channels; ++channel) {
    uint32_t* tile = (uint32_t*)out + int64_t{channel / kTile} * kTile * filled;
    for (int i = 0; i < size; ++i) {
      const int row = i / kVectorWords * kTile + channel % kTile;
      tile[row * kVectorWords + i % kVectorWords] = source[int64_t{channel} * size + i];
    }
  }
}
