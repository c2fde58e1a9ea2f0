# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
A world of our own: procedural drives, seen by six cameras and a LiDAR, with every voxel known.

From a seed to what a network learns from, in the order of the flow:

==== ======================== =========================================================
step file                     result
==== ======================== =========================================================
1    scene.py                 a scene from a seed: roads, buildings, plants, traffic, light
2    snapshot.py              the solids, the ground and the light at one instant
3    ray_casting.py           what every ray meets first
4    rendering.py             images and inverse depth of many cameras at once
5    occupancy_truth.py       the class of every voxel, and which of them a camera observes
6    lidar.py                 a sweep of points and the voxels that it observes
7    keyframes.py             images, label, boxes and poses of samples, in batches
8    world_source.py          keyframes straight into training, on the device
9    dataroot_making.py       keyframes as a nuScenes data set with Occ3D labels
==== ======================== =========================================================

Everything is PyTorch and runs on any device; equal seeds give equal worlds.
"""
