# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that knows ROS: messages to frames, results to messages, the node, the bags."""
