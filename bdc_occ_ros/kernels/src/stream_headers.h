// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// What streams.inl needs from elsewhere. Include it before any target pragma, so that no shared
// function is compiled for a processor that the caller may not have.
#ifndef BDC_STREAM_HEADERS_H_
#define BDC_STREAM_HEADERS_H_

#include <stdint.h>
#include <string.h>

#include <algorithm>
#include <cmath>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "backend.h"
#include "bdc_kernels.h"

#endif  // BDC_STREAM_HEADERS_H_
