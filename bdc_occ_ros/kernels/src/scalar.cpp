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

#include "streams.inl"
#include "epilogue.inl"
#include "pack.inl"
#include "windows.inl"

constexpr int kPixels = 4;
constexpr int kWindowWords = (kMaxWindowWords + 1) / 2 * 2;

bool is_supported() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("popcnt");
#else
  return true;
#endif
}

// Two words are counted at a time; the last may stand alone.
int64_t row_words(int32_t in_channels, int32_t kernel) {
  return (kernel * kernel * words(in_channels) + 1) / 2;
}

int64_t prepared_bytes(int32_t out_channels, int32_t in_channels, int32_t kernel) {
  return out_channels * row_words(in_channels, kernel) * int64_t{sizeof(uint64_t)};
}

void prepare_weights(int32_t out_channels, int32_t in_channels, int32_t kernel,
                     const uint32_t* source, void* out) {
  const size_t used = size_t(kernel) * kernel * words(in_channels) * sizeof(uint32_t);
  uint64_t* rows = static_cast<uint64_t*>(out);
  for (int32_t c = 0; c < out_channels; ++c) {
    uint64_t* row = rows + c * row_words(in_channels, kernel);
    row[row_words(in_channels, kernel) - 1] = 0;
    memcpy(row, source + c * (used / sizeof(uint32_t)), used);
  }
}

// Count kPixels windows against `channels` rows of weights of `length` double words.
void count_bits(const uint64_t* weights, int length, const uint32_t* windows, int channels,
                int32_t* pops) {
  uint64_t pixels[kPixels][kWindowWords / 2];
  for (int p = 0; p < kPixels; ++p) {
    memcpy(pixels[p], windows + p * kWindowWords, size_t(length) * sizeof(uint64_t));
  }
  for (int c = 0; c < channels; ++c, weights += length) {
    int32_t counts[kPixels] = {};
    for (int i = 0; i < length; ++i) {
      for (int p = 0; p < kPixels; ++p) {
        counts[p] += __builtin_popcountll(weights[i] ^ pixels[p][i]);
      }
    }
    for (int p = 0; p < kPixels; ++p) pops[p * kBlock + c] = counts[p];
  }
}

void convolution(const bdc_convolution& op, int32_t first_row, int32_t last_row) {
  const int64_t length = row_words(op.in.channels, op.kernel);
  const auto counter = [length](const void* weights, const uint32_t* windows, int channel,
                                int channels, int32_t* pops) {
    const uint64_t* rows = static_cast<const uint64_t*>(weights) + channel * length;
    count_bits(rows, int(length), windows, channels, pops);
  };
  convolve_windows<kPixels, kWindowWords, int32_t>(op, first_row, last_row, counter);
}

}  // namespace

const Backend kScalar = {
    "scalar", is_supported, prepared_bytes, prepare_weights, convolution, pack, real_convolution,
    gate, combine, affine, average_pool, upsample, splat, labels};

}  // namespace bdc

#if defined(__x86_64__)
#pragma GCC pop_options
#endif
