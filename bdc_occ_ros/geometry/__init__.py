# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Describe calibrated cameras, frames and grids, and map pixels to rays and cells."""
