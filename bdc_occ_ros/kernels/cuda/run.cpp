// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// The C interface: put every step on the stream.

#include "launch.h"

namespace {

void launch(const bdc_step& step, cudaStream_t stream) {
  if (step.kind == BDC_PACK) {
    const auto& op = *static_cast<const bdc_pack*>(step.operation);
    if (op.in.batch) bdc::launch_pack(op, stream);
  } else if (step.kind == BDC_CONVOLUTION) {
    const auto& op = *static_cast<const bdc_convolution*>(step.operation);
    if (op.in.batch) bdc::launch_convolution(op, stream);
  } else {
    bdc::launch_splat(*static_cast<const bdc_splat*>(step.operation), stream);
  }
}

}  // namespace

int32_t bdc_cuda_abi_version() { return BDC_ABI_VERSION; }

const char* bdc_cuda_build_identity() { return BDC_BUILD_IDENTITY; }

int32_t bdc_cuda_run(const bdc_step* steps, int32_t count, int32_t device, void* stream) {
  const cudaError_t error = cudaSetDevice(device);
  if (error) return error;
  for (int32_t i = 0; i < count; ++i) launch(steps[i], static_cast<cudaStream_t>(stream));
  return cudaGetLastError();
}

int32_t bdc_cuda_count(const bdc_convolution* op, const uint32_t* words, int32_t* out,
                       int32_t device, void* stream) {
  const cudaError_t error = cudaSetDevice(device);
  if (error) return error;
  if (op->in.batch) bdc::launch_count(*op, words, out, static_cast<cudaStream_t>(stream));
  return cudaGetLastError();
}

const char* bdc_cuda_error_text(int32_t code) {
  return cudaGetErrorString(static_cast<cudaError_t>(code));
}
