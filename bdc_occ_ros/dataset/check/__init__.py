# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Find mistakes in a nuScenes data set before anyone trains on it; nothing is repaired.

==== ================= ==================================================================
step file              what is looked at
==== ================= ==================================================================
1    tables.py         whether rows find the rows that they name
2    files.py          whether files are there, and have the size that the tables say
3    rigs.py           whether cameras are where cameras are, and look where their names say
4    poses.py          whether the vehicle moves as vehicles do
5    labels.py         whether a camera can observe what a label says it observes
6    agreement.py      whether boxes, voxels and LiDAR points are in one place
==== ================= ==================================================================

check_dataset.py does all of it and gathers the issues.
"""
