# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
One file per verb of the command line.

Each has a docstring, which is its help, add_arguments(parser) and run(args), which returns the
exit status. Whatever is heavy, and whatever needs ROS, is imported inside run.
"""
