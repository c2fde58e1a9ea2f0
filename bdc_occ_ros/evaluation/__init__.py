# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Score predictions of occupancy and boxes against the truth, and compare scores."""
