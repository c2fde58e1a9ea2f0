# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Predict occupancy from cameras with binarized networks for ROS 2; the import loads nothing heavy.

It sets GOMP_SPINCOUNT to 1000 unless that or OMP_WAIT_POLICY is set. PyTorch's idle threads wait
in a loop for the next piece of work, by default for milliseconds; where other programs want the
same cores, as a node's decoding threads do, each then takes the time that another needs, and one
pass takes ten times as long. A thousand rounds, some ten microseconds, are enough to bridge the
gap between two layers. It has no effect on a PyTorch that was imported before.
"""

import os

__version__ = '0.1.0'

if 'OMP_WAIT_POLICY' not in os.environ:
    os.environ.setdefault('GOMP_SPINCOUNT', '1000')
