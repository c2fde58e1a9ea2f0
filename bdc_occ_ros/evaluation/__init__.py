# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How right a prediction is: scores of occupancy grids against the truth."""
