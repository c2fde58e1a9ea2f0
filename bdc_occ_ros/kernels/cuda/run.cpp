// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// The C interface: check every step, then put them on the stream.

#include "checks.h"
#include "launch.h"

namespace {

// Codes of the runtime lie behind ours.
constexpr int32_t kFirstRuntimeCode = 1000;

int32_t code_of(cudaError_t error) {
  return error == cudaSuccess ? 0 : kFirstRuntimeCode + static_cast<int32_t>(error);
}

bdc::Refusal check(const bdc_step& step) {
  switch (step.kind) {
    case BDC_PACK:
      return bdc::check(*static_cast<const bdc_pack*>(step.operation));
    case BDC_CONVOLUTION:
      return bdc::check(*static_cast<const bdc_convolution*>(step.operation));
    case BDC_SPLAT:
      return bdc::check(*static_cast<const bdc_splat*>(step.operation));
    default:
      return bdc::kUnsupportedOperation;
  }
}

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
  for (int32_t i = 0; i < count; ++i) {
    const bdc::Refusal refusal = check(steps[i]);
    if (refusal) return refusal;
  }
  const cudaError_t error = cudaSetDevice(device);
  if (error) return code_of(error);
  for (int32_t i = 0; i < count; ++i) launch(steps[i], static_cast<cudaStream_t>(stream));
  return code_of(cudaGetLastError());
}

int32_t bdc_cuda_count(const bdc_convolution* op, const uint32_t* words, int32_t* out,
                       int32_t device, void* stream) {
  const bdc::Refusal refusal = bdc::check(*op);
  if (refusal) return refusal;
  const cudaError_t error = cudaSetDevice(device);
  if (error) return code_of(error);
  if (op->in.batch) bdc::launch_count(*op, words, out, static_cast<cudaStream_t>(stream));
  return code_of(cudaGetLastError());
}

const char* bdc_cuda_error_text(int32_t code) {
  if (code >= kFirstRuntimeCode) {
    return cudaGetErrorString(static_cast<cudaError_t>(code - kFirstRuntimeCode));
  }
  return code >= 0 && code < bdc::kNumRefusals ? bdc::refusal_text(code) : "unknown code";
}
