# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Find mistakes in a nuScenes data set before training; nothing is repaired."""
