# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Run the ROS 2 node: receive images, form sets, decode, predict, publish, and report health."""
