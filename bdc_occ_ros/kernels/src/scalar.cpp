// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Plain C++ with the instruction that counts bits, where the processor has it.
#include "backends.h"
#include "geometry.h"
#include "stream_headers.h"

#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("popcnt")
#endif

namespace bdc {
namespace {

#include "lanes_portable.inl"
#include "streams.inl"
#include "epilogue.inl"
#include "pack.inl"

constexpr int kGroupPixels = 4;
constexpr int kWindowAlignment = 2;

inline uint32_t compare_counts(const uint16_t* counts, const int16_t* low, const int16_t* high) {
  uint32_t word = 0;
  for (int i = 0; i < kWordBits; ++i) {
    word |= uint32_t{(counts[i] > low[i]) != (counts[i] > high[i])} << i;
  }
  return word;
}

#include "windows.inl"


bool is_supported() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("popcnt");
#else
  return true;
#endif
}

int64_t prepared_bytes(int32_t out_channels, int32_t in_channels, int32_t kernel) {
  return out_channels * int64_t{window_words(in_channels, kernel)} * int64_t{sizeof(uint32_t)};
}

void prepare_weights(int32_t out_channels, int32_t in_channels, int32_t kernel,
                     const uint32_t* source, void* out) {
  const int used = kernel * kernel * words(in_channels);
  const int size = window_words(in_channels, kernel);
  uint32_t* row = static_cast<uint32_t*>(out);
  for (int32_t c = 0; c < out_channels; ++c, row += size, source += used) {
    row[size - 1] = 0;
    memcpy(row, source, size_t(used) * sizeof(uint32_t));
  }
}

// Two words are counted at a time.
inline uint64_t load_pair(const uint32_t* words) {
  uint64_t pair;
  memcpy(&pair, words, sizeof(pair));
  return pair;
}

// Count the windows of a group against some rows of weights.
void count_bits(const uint32_t* weights, const Windows& windows, int channels, Counts* counts) {
  for (int c = 0; c < channels; ++c, weights += windows.size) {
    int sums[kGroupPixels] = {};
    for (int i = 0; i < windows.size; i += 2) {
      const uint64_t weight = load_pair(weights + i);
      for (int p = 0; p < kGroupPixels; ++p) {
        sums[p] += __builtin_popcountll(weight ^ load_pair(windows.start[p] + i));
      }
    }
    for (int p = 0; p < kGroupPixels; ++p) counts[p][c] = uint16_t(sums[p]);
  }
}

void convolution(const bdc_convolution& op, int32_t first_row, int32_t last_row) {
  const uint32_t* weights = static_cast<const uint32_t*>(op.weights);
  convolve_windows(op, first_row, last_row, [weights](
      const Windows& windows, int, int channel, int channels, Counts* counts) {
    count_bits(weights + int64_t{channel} * windows.size, windows, channels, counts);
  });
}

}  // namespace

const Backend kScalar = {
    "scalar", is_supported, prepared_bytes, prepare_weights, convolution, pack, real_convolution,
    gate, combine, affine, average_pool, upsample, splat, labels};

}  // namespace bdc

#if defined(__x86_64__)
#pragma GCC pop_options
#endif
