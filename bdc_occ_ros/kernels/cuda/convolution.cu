// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Binary convolution on tensor cores: tile.h lays out, convolve_tile.h orders, epilogue.h ends.

#include "epilogue.h"
#include "instructions.cuh"
#include "launch.h"

namespace bdc {
namespace {

// Registers of one warp, of which this thread holds its part.
struct Warp {
  uint32_t index, lane;
  uint32_t pixels[kPixelFragments][4];
  uint32_t channels[4];
  int32_t sums[kPixelFragments][kChannelFragments][4] = {};
  int32_t ones[kPixelFragments][4] = {};

  template <class Place>
  __device__ __forceinline__ void load(const uint32_t* slot, uint32_t (&out)[4],
                                       const Place& place) {
    load_matrices(slot + place(lane), out);
  }

  __device__ __forceinline__ void multiply(int m, int n, int first) {
    multiply_bits<kNative>(sums[m][n], pixels[m], channels[first], channels[first + 1]);
  }

  // One more column, all of whose weights are set, counts the set bits of the windows.
  __device__ __forceinline__ void count_ones(int m) {
    multiply_bits<kNative>(ones[m], pixels[m], ~0u, ~0u);
  }
};

template <int kCopyWords>
struct Block {
  const bdc_convolution& op;
  uint32_t* slots;
  const Row* rows;
  uint32_t first_channel;
  Warp warp;

  __device__ __forceinline__ void fetch(uint32_t stage, bool is_wanted) {
    if (is_wanted) {
      fetch_stage<kCopyWords>(op, rows, first_channel, stage, threadIdx.x,
                              slots + stage % kSlots * kSlotWords, CopyAsync());
    }
    close_group();
  }

  __device__ __forceinline__ void arrive() {
    wait_for_groups_before<kSlots - 2>();
    __syncthreads();
  }

  __device__ __forceinline__ void multiply(uint32_t stage, uint32_t step) {
    multiply_step<kNative>(warp, slots + stage % kSlots * kSlotWords, step);
  }

  // Every warp is done with the slots: put products there.
  __device__ __forceinline__ void finish() {
    wait_for_groups_before<0>();
    __syncthreads();
    BDC_UNROLL
    for (int m = 0; m < kPixelFragments; ++m) {
      BDC_UNROLL
      for (int n = 0; n < kChannelFragments; ++n) {
        BDC_UNROLL
        for (int i = 0; i < 4; ++i) {
          slots[product_word(warp.index, m, n, warp.lane, i)] =
              product_of<kNative>(warp.sums[m][n][i], warp.ones[m][i]);
        }
      }
    }
    __syncwarp();
  }
};

// A warp writes its pixels: lanes are channels, so that a ballot is a word. What lies behind the
// last pixel or channel is computed like its neighbour and not stored.
template <bool kIsReal>
__device__ __forceinline__ void write_tile(const bdc_convolution& op, const uint32_t* products,
                                           const Row* rows, uint32_t first_pixel,
                                           uint32_t first_channel, uint32_t lane) {
  const uint32_t pixels = num_out_pixels(op);
  for (uint32_t word = 0; word < kTileWords; ++word) {
    const uint32_t first = first_channel + word * kWordBits;
    if (first >= op.out_channels) return;
    const bool is_channel = first + lane < op.out_channels;
    const Channel channel = channel_of<kNative>(op, is_channel ? first + lane : first);
    BDC_UNROLL_BY_4
    for (uint32_t i = 0; i < kWarpPixels; ++i) {
      const Row row = rows[i];
      const uint32_t pixel = first_pixel + i;
      const bool is_pixel = pixel < pixels, is_stored = is_channel && is_pixel;
      const int32_t product = products[i * kProductStride + word * kWordBits + lane];
      const int32_t d = integer_of<kNative>(op, channel, row.missing, product);
      const bool is_set = is_channel && is_integer_set(channel, d);
      const uint32_t of_integers = __ballot_sync(~0u, is_set);
      const bool is_writer = is_pixel && lane == 0;
      if (is_writer) write_word(op.bits_of_integer, row, first / kWordBits, of_integers);
      if (is_stored) write_integer(op.integers, pixel, channel.index, d);
      if (kIsReal) {
        const bool is_real_set =
            is_stored && finish_real<GlobalMemory>(op, channel, d, pixel, row.image);
        const uint32_t of_reals = __ballot_sync(~0u, is_real_set);
        if (is_writer) write_word(op.bits, row, first / kWordBits, of_reals);
      }
    }
  }
}

template <int kCopyWords, bool kIsReal>
__global__ void __launch_bounds__(kThreads, 3)
    convolution_kernel(const __grid_constant__ bdc_convolution op) {
  __shared__ alignas(16) uint32_t slots[kSharedWords];
  __shared__ Row rows[kTilePixels];
  const uint32_t first_pixel = blockIdx.x * kTilePixels;
  const uint32_t first_channel = blockIdx.y * kTileChannels;
  const uint32_t warp = threadIdx.x / kLanes, lane = threadIdx.x % kLanes;
  rows[threadIdx.x] = row_of(op, min(first_pixel + threadIdx.x, num_out_pixels(op) - 1));
  __syncthreads();
  Block<kCopyWords> block = {op, slots, rows, first_channel, {warp, lane}};
  convolve_tile(block, num_steps(op));
  const uint32_t row = warp * kWarpPixels;
  write_tile<kIsReal>(op, slots + row * kProductStride, rows + row, first_pixel + row,
                      first_channel, lane);
}

__global__ void row_sums_kernel(const __grid_constant__ bdc_convolution op) {
  for (uint32_t channel = threadIdx.x; channel < op.out_channels; channel += kThreads) {
    op.sums[uint64_t{blockIdx.x} * op.out_channels + channel] = row_sum(op, blockIdx.x, channel);
  }
}

template <int kCopyWords>
void launch(const bdc_convolution& op, cudaStream_t stream) {
  const dim3 grid(divide_up(num_out_pixels(op), kTilePixels),
                  divide_up(op.out_channels, kTileChannels));
  if (op.scale) {
    convolution_kernel<kCopyWords, true><<<grid, kThreads, 0, stream>>>(op);
  } else {
    convolution_kernel<kCopyWords, false><<<grid, kThreads, 0, stream>>>(op);
  }
  if (op.sums) {
    row_sums_kernel<<<op.out.batch * op.out.height, kThreads, 0, stream>>>(op);
  }
}

}  // namespace

void launch_convolution(const bdc_convolution& op, cudaStream_t stream) {
  switch (copy_words(op)) {
    case 4:
      return launch<4>(op, stream);
    case 2:
      return launch<2>(op, stream);
    default:
      return launch<1>(op, stream);
  }
}

}  // namespace bdc
