// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Numbers of differing bits for some pixels and a block of 32 channels, in registers.

// Arrays stay in registers where loops over them are unrolled early.
#define BDC_UNROLLED _Pragma("GCC unroll 8")

constexpr int kVectors = 2;    // of a block, whose bits are one word
constexpr int kMaxPixels = 5;  // of a tile; with 10 sums both pipes are busy at every size
constexpr int kBlockChannels = kVectors * kLanes;

// Counts of the channels of a block at each pixel of a tile.
template <int kPixels>
struct Counts {
  __m512i of[kPixels][kVectors];
};

// A window as runs of neighbouring words: rows of the kernel, or single taps of a slice.
struct Runs {
  int count, length;
  int64_t offsets[9];
};

inline Runs runs_of(const bdc_convolution& op) {
  const int tap_words = words(op.in.channels);
  const bool is_dense = op.in.stride == tap_words;
  const int64_t row = int64_t{op.in.width + 2} * op.in.stride;
  Runs runs = {0, is_dense ? op.kernel * tap_words : tap_words, {}};
  for (int y = 0; y < op.kernel; ++y) {
    for (int x = 0; x < (is_dense ? 1 : op.kernel); ++x) {
      runs.offsets[runs.count++] = y * row + int64_t{x} * op.in.stride;
    }
  }
  return runs;
}

// Compare one word of each pixel, `step` apart, with the weights of the block.
template <bool kIsFirst, int kPixels>
inline void count_word(const uint32_t* inputs, int64_t step, const uint32_t* weights,
                       Counts<kPixels>& counts) {
  __m512i weight[kVectors];
  BDC_UNROLLED for (int v = 0; v < kVectors; ++v) {
    weight[v] = _mm512_load_si512(weights + v * kLanes);
  }
  BDC_UNROLLED for (int p = 0; p < kPixels; ++p) {
    const __m512i input = _mm512_set1_epi32(int(inputs[p * step]));
    BDC_UNROLLED for (int v = 0; v < kVectors; ++v) {
      __m512i& sum = counts.of[p][v];
      const __m512i differing = _mm512_popcnt_epi32(_mm512_xor_si512(input, weight[v]));
      sum = kIsFirst ? differing : _mm512_add_epi32(sum, differing);
    }
  }
}

// Count over whole windows; weights lie as [words of a window][kVectors][16].
template <int kPixels>
inline Counts<kPixels> count_tile(const Runs& runs, const uint32_t* inputs, int64_t step,
                                  const uint32_t* weights) {
  Counts<kPixels> counts;
  count_word<true>(inputs, step, weights, counts);
  int first = 1;
  for (int run = 0; run < runs.count; ++run, first = 0) {
    const uint32_t* input = inputs + runs.offsets[run];
#pragma GCC unroll 1
    for (int i = first; i < runs.length; ++i) {
      weights += kBlockChannels;
      count_word<false>(input + i, step, weights, counts);
    }
  }
  return counts;
}
