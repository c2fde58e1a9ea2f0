// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Context features along their rays, summed per cell: a lane is a channel of a cell, so that every
// sum is added in the order of the table and nothing is added atomically.

#include "instructions.cuh"
#include "launch.h"

namespace bdc {
namespace {

constexpr int kCellsPerBlock = kThreads / kLanes;

__global__ void __launch_bounds__(kThreads) splat_kernel(const __grid_constant__ bdc_splat op) {
  const uint32_t cell = blockIdx.x * kCellsPerBlock + threadIdx.x / kLanes;
  const uint32_t channel = blockIdx.y * kLanes + threadIdx.x % kLanes;
  if (cell >= op.out.height * op.out.width || channel >= op.out.channels) return;
  const int32_t last = op.starts[cell + 1];
  float sum = 0;
#pragma unroll 4
  for (int32_t i = op.starts[cell]; i < last; ++i) {
    const float p = GlobalMemory::read(op.probability, op.probability_type, op.points[i]);
    const uint64_t place = uint64_t(op.pixels[i]) * op.context.stride + channel;
    const float product = p * GlobalMemory::read(op.context, place);
    sum = sum + product;
  }
  GlobalMemory::write(op.out, uint64_t{cell} * op.out.stride + channel, sum);
}

}  // namespace

void launch_splat(const bdc_splat& op, cudaStream_t stream) {
  const dim3 grid(divide_up(op.out.height * op.out.width, kCellsPerBlock),
                  divide_up(op.out.channels, kLanes));
  splat_kernel<<<grid, kThreads, 0, stream>>>(op);
}

}  // namespace bdc
