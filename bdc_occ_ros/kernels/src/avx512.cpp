// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Backend for x86 with AVX-512 and VPOPCNTDQ, which counts the bits of 16 words at once.
//
// Lanes are output channels: weights of 16 channels against one word of a pixel, no sums across
// lanes. Blocks of 32 channels are the outer loop, so that their weights stay in the first cache.
#if defined(__x86_64__)

#include "backends.h"
#include "geometry.h"
#include "stream_headers.h"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,fma,f16c,popcnt,bmi2")
#pragma GCC target("prefer-vector-width=512")

namespace bdc {
namespace {

#include "lanes_avx512.inl"
#include "streams.inl"
#include "pack.inl"
#include "avx512_counts.inl"
#include "avx512_pairs.inl"
#include "avx512_ending.inl"

int32_t blocks_of(int32_t channels) { return (channels + kBlockChannels - 1) / kBlockChannels; }

int64_t prepared_bytes(int32_t out_channels, int32_t in_channels, int32_t kernel) {
  const int64_t window = int64_t{kernel} * kernel * words(in_channels);
  return blocks_of(out_channels) * window * kBlockChannels * int64_t{sizeof(uint32_t)};
}

// [block][word of the window][channel of the block]; lanes without a channel are 0.
void prepare_weights(int32_t out_channels, int32_t in_channels, int32_t kernel,
                     const uint32_t* source, void* out) {
  const int64_t window = int64_t{kernel} * kernel * words(in_channels);
  memset(out, 0, size_t(prepared_bytes(out_channels, in_channels, kernel)));
  for (int64_t c = 0; c < out_channels; ++c) {
    const int64_t first = c / kBlockChannels * window * kBlockChannels + c % kBlockChannels;
    uint32_t* lane = static_cast<uint32_t*>(out) + first;
    for (int64_t i = 0; i < window; ++i) lane[i * kBlockChannels] = source[c * window + i];
  }
}

// A row of a block of channels.
struct RowOfBlock {
  const Runs& runs;
  const uint32_t* inputs;  // of the first window
  int64_t step;            // from one window to the next
  const uint32_t* weights;
  Ending& ending;
};

template <int kPixels>
void convolve_tiles(const RowOfBlock& row, const PaddingTable& padding, int column, int tiles) {
  const uint32_t* inputs = row.inputs + column * row.step;
  for (; tiles > 0; --tiles, column += kPixels, inputs += kPixels * row.step) {
    row.ending.prefetch<kPixels>(column + kPixels);
    row.ending.finish(padding, column,
                      count_tile<kPixels>(row.runs, inputs, row.step, row.weights));
  }
}

// Pixels among which the same taps lie outside.
void convolve_span(const RowOfBlock& row, int first, int last) {
  if (first >= last) return;
  const PaddingTable& padding = row.ending.table(first);
  const int tiles = (last - first) / kMaxPixels;
  const int rest = first + tiles * kMaxPixels;
  convolve_tiles<kMaxPixels>(row, padding, first, tiles);
  switch (last - rest) {
    case 1: return convolve_tiles<1>(row, padding, rest, 1);
    case 2: return convolve_tiles<2>(row, padding, rest, 1);
    case 3: return convolve_tiles<3>(row, padding, rest, 1);
    case 4: return convolve_tiles<4>(row, padding, rest, 1);
  }
}

void convolve_row(const bdc_convolution& op, const Runs& runs, const uint32_t* weights,
                  Ending& ending, int32_t row) {
  const int height = out_height(op), width = out_width(op), border = op.kernel / 2;
  const uint32_t* inputs =
      bordered_pixel(op.in, row / height, row % height * op.stride - border, -border);
  const RowOfBlock of_block = {runs, inputs, int64_t{op.stride} * op.in.stride, weights, ending};
  const bool has_left = padding_class(op, 1, 0) >> 2 != 0;
  const bool has_right = width > 1 && padding_class(op, 1, width - 1) >> 2 != 0;
  ending.begin_row(row);
  convolve_span(of_block, 0, has_left);
  convolve_span(of_block, has_left, width - has_right);
  convolve_span(of_block, width - has_right, width);
  ending.end_row();
}

void convolution(const bdc_convolution& op, int32_t first_row, int32_t last_row) {
  const Runs runs = runs_of(op);
  const int64_t window = int64_t{runs.count} * runs.length;
  for (int channel = 0; channel < op.out_channels; channel += kBlockChannels) {
    const uint32_t* weights = static_cast<const uint32_t*>(op.weights) + channel * window;
    Ending ending(op, channel);
    for (int32_t row = first_row; row < last_row; ++row) {
      convolve_row(op, runs, weights, ending, row);
    }
  }
}

}  // namespace
}  // namespace bdc

#pragma GCC pop_options

namespace bdc {
namespace {

// Compiled for every processor: it is what is asked first.
bool is_supported() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi2");
}

}  // namespace

const Backend kAvx512 = {
    "avx512", is_supported, prepared_bytes, prepare_weights, convolution, pack, real_convolution,
    gate, combine, affine, average_pool, upsample, splat, labels};

}  // namespace bdc

#endif  // defined(__x86_64__)
