# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Binarize layers, BDC units and blocks, and fold them into bits; names are the authors'."""
