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
5    solid_voxels.py          the class of every voxel
6    occupancy_truth.py       which of them a camera observes
7    lidar.py                 a sweep of points and the voxels that it observes
8    moments.py               when the sensors of a keyframe fire, and where they are then
9    keyframes.py             images, label and boxes of keyframes, in batches
10   world_source.py          keyframes straight into training, on the device
11   dataroot_making.py       keyframes as a nuScenes data set with Occ3D labels
==== ======================== =========================================================

A scene is made part by part, each with draws of its own (chance.py), so that a change of one
leaves the others as they are. city.py says in which order: road_network.py, blocks.py with what
zones.py and open_zones.py build on their sites, ground_drawing.py, streets.py, works.py,
junctions.py and traffic.py. stage.py collects the things; buildings.py, plants.py,
street_furniture.py, cars.py, vehicles.py, cycles.py, people.py and construction.py say what they
look like, actors.py where they are at any time.

Everything is PyTorch and runs on any device; equal seeds give equal worlds.
"""
