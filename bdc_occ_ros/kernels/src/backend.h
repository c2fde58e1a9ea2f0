// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// What a backend is: one function per operation, each working on a range of the operation's items.
//
// An item is a unit of work that no other item writes into: an output row of an image, or, where
// the comment says so, something else. The dispatcher (dispatch.cpp) spreads items over threads.
#ifndef BDC_BACKEND_H_
#define BDC_BACKEND_H_

#include <stdint.h>

#include "bdc_kernels.h"

namespace bdc {

struct Backend {
  const char* name;
  bool (*is_supported)();
  int64_t (*prepared_bytes)(int32_t out_channels, int32_t in_channels, int32_t kernel);
  void (*prepare_weights)(int32_t out_channels, int32_t in_channels, int32_t kernel,
                          const uint32_t* words, void* out);
  void (*convolution)(const bdc_convolution& op, int32_t first_row, int32_t last_row);
  void (*pack)(const bdc_pack& op, int32_t first_row, int32_t last_row);
  void (*real_convolution)(const bdc_real_convolution& op, int32_t first_row, int32_t last_row);
  void (*gate)(const bdc_gate& op, int32_t first_image, int32_t last_image);
  void (*combine)(const bdc_combine& op, int32_t first_row, int32_t last_row);
  void (*affine)(const bdc_affine& op, int32_t first_row, int32_t last_row);
  void (*average_pool)(const bdc_average_pool& op, int32_t first_row, int32_t last_row);
  void (*upsample)(const bdc_upsample& op, int32_t first_row, int32_t last_row);
  void (*splat)(const bdc_splat& op, int32_t first_row, int32_t last_row);
  void (*labels)(const bdc_labels& op, int32_t first_row, int32_t last_row);
};

}  // namespace bdc

#endif  // BDC_BACKEND_H_
