# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Write, read and summarize rosbag2 bags without ROS, and imitate what public converters write."""

ODOM_FRAME = 'odom'
BASE_FRAME = 'base_link'
CALIBRATION_FILE = 'calibration.yaml'  # beside the storage file, where the bag itself has none
TRUTH_FILE = 'truth.npz'
