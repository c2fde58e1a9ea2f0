// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Of which sources the library was built; build.py passes the hash.
#include "bdc_kernels.h"

const char* bdc_build_identity(void) { return BDC_BUILD_IDENTITY; }
