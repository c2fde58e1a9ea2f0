# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draw frames, grids and boxes into pictures and Rerun recordings, without a window or ROS."""
