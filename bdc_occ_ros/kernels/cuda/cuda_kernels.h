// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// The C interface of the kernels for NVIDIA GPUs: the operations of ../src/bdc_kernels.h with
// pointers into the memory of one GPU.
//
// Nothing here allocates, synchronizes or keeps a pointer, so that calls can be captured into a
// CUDA graph.
#ifndef BDC_CUDA_KERNELS_H_
#define BDC_CUDA_KERNELS_H_

#include "../src/bdc_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

int32_t bdc_cuda_abi_version(void);

// Put steps on a stream, one behind the other: packing, binary convolutions (with row sums where
// the float result is written as well, without gate and shortcut), and splats. Weights are
// prepared as tile.h says. Nothing is checked here; ../cuda_backend.py says what must hold beyond
// ../lowering.py. Returns 0, or a code of bdc_cuda_error_text.
int32_t bdc_cuda_run(const bdc_step* steps, int32_t count, int32_t device, void* stream);

// The integers of a convolution by plain bit counting, tap after tap, without tensor cores, base
// table or prepared weights: [batch][out height][out width][out_channels] from
// [out_channels][kernel][kernel][words] plain packed bits. For tests.
int32_t bdc_cuda_count(const bdc_convolution* op, const uint32_t* words, int32_t* out,
                       int32_t device, void* stream);

// What a code other than 0 means.
const char* bdc_cuda_error_text(int32_t code);

// The hash of the sources that the library was built of.
const char* bdc_cuda_build_identity(void);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif  // BDC_CUDA_KERNELS_H_
