// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// The backends of this architecture, best last.
#ifndef BDC_BACKENDS_H_
#define BDC_BACKENDS_H_

#include "backend.h"

namespace bdc {

extern const Backend kScalar;

#if defined(__x86_64__)
extern const Backend kAvx2;
extern const Backend kAvx512;
constexpr const Backend* kBackends[] = {&kScalar, &kAvx2, &kAvx512};
#elif defined(__aarch64__)
extern const Backend kNeon;
extern const Backend kNeonDotprod;
constexpr const Backend* kBackends[] = {&kScalar, &kNeon, &kNeonDotprod};
#else
constexpr const Backend* kBackends[] = {&kScalar};
#endif

}  // namespace bdc

#endif  // BDC_BACKENDS_H_
