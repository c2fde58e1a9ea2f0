// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// The same convolution by plain bit counting: slow, obvious, and right where tensor cores are not.

#include "instructions.cuh"
#include "launch.h"

namespace bdc {
namespace {

__global__ void count_kernel(const __grid_constant__ bdc_convolution op, const uint32_t* weights,
                             int32_t* out) {
  const uint32_t pixel = blockIdx.x;
  const int32_t height = out_edge(op.in.height, op.stride);
  const int32_t width = out_edge(op.in.width, op.stride);
  const int32_t x = pixel % width, y = pixel / width % height, image = pixel / width / height;
  const uint32_t words = words_of(op.in.channels);
  const uint32_t* input = static_cast<const uint32_t*>(op.in.data);
  for (uint32_t channel = threadIdx.x; channel < op.out_channels; channel += blockDim.x) {
    int32_t sum = 0;
    for (int32_t tap = 0; tap < op.kernel * op.kernel; ++tap) {
      const int32_t row = y * op.stride + tap / op.kernel - op.kernel / 2;
      const int32_t column = x * op.stride + tap % op.kernel - op.kernel / 2;
      if (row < 0 || row >= op.in.height || column < 0 || column >= op.in.width) continue;
      const uint32_t place = bordered_pixel(image, row, column, op.in.height, op.in.width);
      const uint32_t* a = input + uint64_t{place} * op.in.stride;
      const uint32_t* w = weights + (channel * op.kernel * op.kernel + tap) * words;
      sum += op.in.channels;
      for (uint32_t word = 0; word < words; ++word) sum -= 2 * __popc(a[word] ^ w[word]);
    }
    out[uint64_t{pixel} * op.out_channels + channel] = sum;
  }
}

}  // namespace

void launch_count(const bdc_convolution& op, const uint32_t* words, int32_t* out,
                  cudaStream_t stream) {
  count_kernel<<<num_out_pixels(op), kThreads, 0, stream>>>(op, words, out);
}

}  // namespace bdc
