# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Binarized layers, the BDC unit and what is built of it; parameter names are the authors'."""
