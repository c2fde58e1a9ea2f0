// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// The backends of this architecture, best last.
#ifndef BDC_BACKENDS_H_
#define BDC_BACKENDS_H_

#include "backend.h"

namespace bdc {

extern const Backend kScalar;

constexpr const Backend* kBackends[] = {&kScalar};

}  // namespace bdc

#endif  // BDC_BACKENDS_H_
