// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// What a step must fulfil before anything is run, as far as it can be seen from its structure.
//
// What lies behind a pointer is the caller's word: that maps are as long as they say, that the
// border of a map of bits is clear, that a splat's table is one that BDC_SPLAT_TABLE wrote.
#ifndef BDC_VALIDATION_H_
#define BDC_VALIDATION_H_

#include <stdint.h>

#include "backend.h"
#include "bdc_kernels.h"

namespace bdc {

enum Error : int32_t {
  kValid = 0,
  kUnknownBackend,
  kUnsupportedBackend,
  kMissingPointer,
  kBadCount,
  kUnknownKind,
  kNotBuilt,
  kBadType,
  kBadSize,
  kBadStride,
  kMisaligned,
  kSizesDiffer,
  kChannelsDiffer,
  kBadKernel,
  kTooManyProducts,
  kMissingSign,
  kDirtyBits,
  kMissingScale,
  kBadRepeat,
  kOverwritesInput,
  kBadFactor,
  kOutOfMemory,
  kNumErrors,
};

const char* error_text(int32_t code);

// Return the first rule that a step breaks.
Error check_step(const Backend& backend, const bdc_step& step);

// The same for the sizes of a convolution's weights, and for weights themselves.
Error check_weight_sizes(int32_t out_channels, int32_t in_channels, int32_t kernel);
Error check_weights(int32_t out_channels, int32_t in_channels, int32_t kernel,
                    const uint32_t* words);

}  // namespace bdc

#endif  // BDC_VALIDATION_H_
