# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Carry out the verbs of the command line, a file each.

Each has a docstring, which is its help, add_arguments(parser) and run(args), which returns the
exit status: 1 for a result that is a failure, else 0. What is slow to import, and what needs ROS,
is imported inside run.
"""
