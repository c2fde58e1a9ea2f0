# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
A made-up street that needs no data set: six cameras drive down it, and the truth is known.

street (what stands where, and the ego path) -> camera_renderer (image and depth per camera)
-> ground_truth (Occupancy and Boxes in the ego frame). Everything follows from one seed.
World frame: x along the road, y left, z up, the road at z = 0.
"""
