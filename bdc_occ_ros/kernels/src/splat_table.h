// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Which ray points fall into which cell of the grid.
#ifndef BDC_SPLAT_TABLE_H_
#define BDC_SPLAT_TABLE_H_

#include "bdc_kernels.h"

namespace bdc {

// Fill starts, points and pixels of a table; points lie in increasing order within a cell.
void build_splat_table(const bdc_splat_table& op);

}  // namespace bdc

#endif  // BDC_SPLAT_TABLE_H_
