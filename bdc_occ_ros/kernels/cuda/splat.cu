// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Context features along their rays, summed per cell: a lane is a channel of a cell, so that every
// sum is added in the order of the table and nothing is added atomically.

#include "instructions.cuh"
#include "launch.h"
#include "splat_cell.h"

namespace bdc {
namespace {

constexpr int kCellsPerBlock = kThreads / kLanes;

__global__ void __launch_bounds__(kThreads) splat_kernel(const __grid_constant__ bdc_splat op) {
  const uint32_t cell = blockIdx.x * kCellsPerBlock + threadIdx.x / kLanes;
  const uint32_t channel = blockIdx.y * kLanes + threadIdx.x % kLanes;
  if (cell >= op.out.height * op.out.width || channel >= op.out.channels) return;
  splat_cell<GlobalMemory>(op, cell, channel);
}

}  // namespace

void launch_splat(const bdc_splat& op, cudaStream_t stream) {
  const dim3 grid(divide_up(op.out.height * op.out.width, kCellsPerBlock),
                  divide_up(op.out.channels, kLanes));
  splat_kernel<<<grid, kThreads, 0, stream>>>(op);
}

}  // namespace bdc
