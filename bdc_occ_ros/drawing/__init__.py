# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of frames, grids and boxes: arrays of pixels, no window and no ROS."""
