// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Where everything lies while one block of threads computes one tile of a binary convolution.
//
// The convolution is a matrix product: rows are output pixels, columns output channels, and the
// inner dimension is the words of a window, tap after tap, in steps of 256 bits. A block of four
// warps computes 128 pixels x 64 channels; a warp computes 32 of the pixels and all the channels.
// Everything here is plain index arithmetic for host and device, so that a program without a GPU
// can run it over whole convolutions.
#ifndef BDC_CUDA_TILE_H_
#define BDC_CUDA_TILE_H_

#include <stdint.h>

#include "../src/bdc_kernels.h"

#ifdef __CUDACC__
#define BDC_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define BDC_HOST_DEVICE inline
#endif

#ifdef __CUDA_ARCH__
#define BDC_UNROLL _Pragma("unroll")
#define BDC_UNROLL_BY_4 _Pragma("unroll 4")
#else
#define BDC_UNROLL
#define BDC_UNROLL_BY_4
#endif

namespace bdc {

constexpr int kWordBits = 32;
constexpr int kLanes = 32;
constexpr int kWarps = 4;
constexpr int kThreads = kWarps * kLanes;
constexpr int kWarpPixels = 32;
constexpr int kTilePixels = kWarps * kWarpPixels;
constexpr int kTileChannels = 64;
constexpr int kTileWords = kTileChannels / kWordBits;

// One instruction multiplies 16 pixels x 8 channels x one step.
constexpr int kPixelFragments = kWarpPixels / 16;
constexpr int kChannelFragments = kTileChannels / 8;
constexpr int kStepWords = 8;

// Stages of two steps go round through three slots of shared memory.
constexpr int kStageSteps = 2;
constexpr int kStageWords = kStageSteps * kStepWords;
constexpr int kChunkWords = 4;  // 16 bytes
constexpr int kSlots = 3;
constexpr int kSlotWords = (kTilePixels + kTileChannels) * kStageWords;
constexpr int kSharedWords = kSlots * kSlotWords;

// The products take the place of the slots in the end; 8 words between rows keep banks apart.
constexpr int kProductStride = kTileChannels + 8;
static_assert(kTilePixels * kProductStride <= kSharedWords, "products fit into the slots");

BDC_HOST_DEVICE uint32_t divide_up(uint32_t a, uint32_t b) { return (a + b - 1) / b; }

BDC_HOST_DEVICE uint32_t words_of(uint32_t channels) { return divide_up(channels, kWordBits); }

// Words of a whole window, steps and stages that they take.
BDC_HOST_DEVICE uint32_t window_words(const bdc_convolution& op) {
  return op.kernel * op.kernel * words_of(op.in.channels);
}

BDC_HOST_DEVICE uint32_t num_steps(const bdc_convolution& op) {
  return divide_up(window_words(op), kStepWords);
}

BDC_HOST_DEVICE uint32_t num_stages(const bdc_convolution& op) {
  return divide_up(window_words(op), kStageWords);
}

BDC_HOST_DEVICE uint32_t out_edge(uint32_t edge, uint32_t stride) {
  return divide_up(edge, stride);
}

BDC_HOST_DEVICE uint32_t num_out_pixels(const bdc_convolution& op) {
  return op.in.batch * out_edge(op.in.height, op.stride) * out_edge(op.in.width, op.stride);
}

// Index of a pixel in a map of bits, whose border counts, from its place in image order.
BDC_HOST_DEVICE uint32_t bordered_pixel(uint32_t image, uint32_t y, uint32_t x, uint32_t height,
                                        uint32_t width) {
  return (image * (height + 2) + y + 1) * (width + 2) + x + 1;
}

// What an output pixel needs to be read and written.
struct alignas(16) Row {
  uint32_t window;    // first word of its window in the input
  uint32_t bordered;  // its index in a map of bits
  uint32_t missing;   // number of its padding class
  uint32_t image;
};

BDC_HOST_DEVICE Row row_of(const bdc_convolution& op, uint32_t pixel) {
  const uint32_t stride = op.stride, height = op.in.height, width = op.in.width;
  const uint32_t out_height = out_edge(height, stride), out_width = out_edge(width, stride);
  const uint32_t line = pixel / out_width, x = pixel - line * out_width;
  const uint32_t image = line / out_height, y = line - image * out_height;
  const uint32_t reach = op.kernel / 2;
  Row row;
  row.window = bordered_pixel(image, y * stride, x * stride, height, width);
  row.window = (row.window - reach * (width + 3)) * op.in.stride;
  row.bordered = bordered_pixel(image, y, x, out_height, out_width);
  row.missing = reach == 0 ? 0 : (y == 0) + 2 * (y * stride + 1 >= height) + 4 * (x == 0) +
                                     8 * (x * stride + 1 >= width);
  row.image = image;
  return row;
}

// Offset of the k-th word of a window from its first one.
BDC_HOST_DEVICE uint32_t window_word(const bdc_convolution& op, uint32_t k) {
  const uint32_t words = words_of(op.in.channels);
  const uint32_t tap = k / words;
  const uint32_t line = op.kernel == 3 ? tap / 3 : 0;
  const uint32_t pixel = line * (op.in.width + 2) + tap - line * op.kernel;
  return pixel * op.in.stride + k - tap * words;
}

// How many words one copy may take: what neither taps nor pixels nor the address cut.
BDC_HOST_DEVICE uint32_t copy_words(const bdc_convolution& op) {
  const uint64_t cuts = reinterpret_cast<uint64_t>(op.in.data) / 4 | uint64_t(op.in.stride) |
                        words_of(op.in.channels);
  return cuts % 4 == 0 ? 4 : cuts % 2 == 0 ? 2 : 1;
}

// Prepared weights: words [channels up to a tile][words up to a stage], then per channel the
// number of its set bits; what is beyond channels and words is clear.
BDC_HOST_DEVICE uint32_t padded_channels(const bdc_convolution& op) {
  return divide_up(op.out_channels, kTileChannels) * kTileChannels;
}

BDC_HOST_DEVICE uint32_t padded_words(const bdc_convolution& op) {
  return num_stages(op) * kStageWords;
}

BDC_HOST_DEVICE const uint32_t* weight_words(const bdc_convolution& op) {
  return static_cast<const uint32_t*>(op.weights);
}

BDC_HOST_DEVICE int32_t weight_ones(const bdc_convolution& op, uint32_t channel) {
  const uint32_t place = padded_channels(op) * padded_words(op) + channel;
  return static_cast<int32_t>(weight_words(op)[place]);
}

// Place of a word of a stage in its slot. Eight rows of the same 16 bytes lie in different banks.
BDC_HOST_DEVICE uint32_t slot_word(uint32_t row, uint32_t word) {
  const uint32_t chunk = (word / kChunkWords) ^ (row / 2 % 4);
  return row * kStageWords + chunk * kChunkWords + word % kChunkWords;
}

// The 16 bytes that a lane points ldmatrix.x4 at, as places in a slot: a fragment of 16 pixels,
// and two neighbouring fragments of 8 channels each.
BDC_HOST_DEVICE uint32_t pixel_fragment_word(uint32_t warp, uint32_t fragment, uint32_t step,
                                             uint32_t lane) {
  const uint32_t row = warp * kWarpPixels + fragment * 16 + lane % 16;
  return slot_word(row, step * kStepWords + lane / 16 * kChunkWords);
}

BDC_HOST_DEVICE uint32_t channel_fragments_word(uint32_t pair, uint32_t step, uint32_t lane) {
  const uint32_t row = kTilePixels + pair * 16 + lane / 16 * 8 + lane % 8;
  return slot_word(row, step * kStepWords + lane / 8 % 2 * kChunkWords);
}

// Place of an accumulator among the products: registers 0, 1 are neighbours, 2, 3 lie 8 below.
BDC_HOST_DEVICE uint32_t product_word(uint32_t warp, uint32_t pixel_fragment,
                                      uint32_t channel_fragment, uint32_t lane, uint32_t i) {
  const uint32_t row = warp * kWarpPixels + pixel_fragment * 16 + lane / 4 + i / 2 * 8;
  return row * kProductStride + channel_fragment * 8 + lane % 4 * 2 + i % 2;
}

}  // namespace bdc

#endif  // BDC_CUDA_TILE_H_
