# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Simulate a procedural city seen by six cameras and a LiDAR, with the truth about every voxel."""
