// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Real maps to bits: lanes are channels, a ballot is a word.

#include "instructions.cuh"
#include "launch.h"
#include "pack_items.h"

namespace bdc {
namespace {

// A warp makes 32 words and writes them at once; lane i keeps the i-th.
template <int kType>
__device__ __forceinline__ uint32_t pack_words(const bdc_pack& op, PackItem item, uint32_t left,
                                               uint32_t lane) {
  uint32_t mine = 0;
#pragma unroll 8
  for (uint32_t i = 0; i < kLanes; ++i) {
    const uint32_t channel = item.word * kWordBits + lane;
    bool bit = false;
    if (i < left && channel < op.in.channels) {
      const uint64_t place = uint64_t{item.pixel} * op.in.stride + channel;
      const float x = GlobalMemory::read(op.in.data, kType, place);
      const bool flip = op.sign.flip[item.word] >> lane & 1;
      bit = (x >= op.sign.threshold[channel]) != flip;
    }
    const uint32_t word = __ballot_sync(~0u, bit);
    if (i == lane) mine = word;
    item = next_item(op, item);
  }
  return mine;
}

template <int kType>
__global__ void __launch_bounds__(kThreads) pack_kernel(const __grid_constant__ bdc_pack op) {
  const uint32_t lane = threadIdx.x % kLanes;
  const uint32_t first = (blockIdx.x * kThreads + threadIdx.x) / kLanes * kLanes;
  const uint32_t count = num_items(op);
  if (first >= count) return;
  const uint32_t word = pack_words<kType>(op, item_of(op, first), count - first, lane);
  if (first + lane < count) {
    static_cast<uint32_t*>(op.out.data)[item_place(op, item_of(op, first + lane))] = word;
  }
}

}  // namespace

void launch_pack(const bdc_pack& op, cudaStream_t stream) {
  const uint32_t blocks = divide_up(num_items(op), kThreads);
  if (op.in.type == BDC_F32) {
    pack_kernel<BDC_F32><<<blocks, kThreads, 0, stream>>>(op);
  } else if (op.in.type == BDC_BF16) {
    pack_kernel<BDC_BF16><<<blocks, kThreads, 0, stream>>>(op);
  } else {
    pack_kernel<BDC_F16><<<blocks, kThreads, 0, stream>>>(op);
  }
}

}  // namespace bdc
