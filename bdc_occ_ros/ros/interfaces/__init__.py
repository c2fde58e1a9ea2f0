# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Field lists of the standard interfaces that the ROS wheels lack, and the builder for them.

An installed ROS has tf2_msgs and vision_msgs of its own, and nothing here is used there.
"""
