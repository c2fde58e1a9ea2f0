// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// What puts each operation on a stream; the operations fit and are not empty.
#ifndef BDC_CUDA_LAUNCH_H_
#define BDC_CUDA_LAUNCH_H_

#include <cuda_runtime.h>

#include "cuda_kernels.h"

namespace bdc {

void launch_convolution(const bdc_convolution& op, cudaStream_t stream);
void launch_count(const bdc_convolution& op, const uint32_t* words, int32_t* out,
                  cudaStream_t stream);
void launch_pack(const bdc_pack& op, cudaStream_t stream);
void launch_splat(const bdc_splat& op, cudaStream_t stream);

}  // namespace bdc

#endif  // BDC_CUDA_LAUNCH_H_
