# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Binarized multi-camera occupancy for ROS 2; importing this loads nothing heavy."""

__version__ = '0.1.0'
