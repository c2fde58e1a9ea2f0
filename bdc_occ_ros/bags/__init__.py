# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Bags in the format of rosbag2, written and read without ROS.

A rig's bag holds camera/<name>/image/compressed, camera/<name>/camera_info, /tf (odom ->
base_link at every exposure) and /tf_static (mounts); beside the storage file may lie
calibration.yaml (when the bag itself carries no calibration) and truth.npz (the right answers).
"""

ODOM_FRAME = 'odom'
BASE_FRAME = 'base_link'
CALIBRATION_FILE = 'calibration.yaml'
TRUTH_FILE = 'truth.npz'
