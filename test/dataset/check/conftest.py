# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A small data set in which everything fits: a road, three vehicles, points on all of it."""

import cv2
from made_scenes import PERIOD_US, pose, START_US, VERSION, world_from_ego
import numpy as np
import pytest

from bdc_occ_ros.dataset.dataroot import assemble_dataroot
from bdc_occ_ros.dataset.occ3d_label import label_path, Occ3dLabel, save_label
from bdc_occ_ros.dataset.scene_writer import (
    Annotation,
    SampleRecord,
    SceneDescription,
    SceneWriter,
    SensorReading,
)
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

# Class, label, place in the ego frame of the first sample, size: nothing is symmetric.
VEHICLES = (('car', 4, (12.0, 4.0, 0.8), (4.4, 1.9, 1.6)),
            ('truck', 10, (7.0, -9.0, 1.6), (8.0, 2.6, 3.2)),
            ('bus', 3, (-11.0, 5.0, 1.6), (11.0, 2.8, 3.2)))
NUM_SAMPLES = 3
MOUNT = pose(0.9, 0.0, 1.8, -np.pi / 2)
GROUND_M = -0.2


def vehicle_poses(stamp_us):
    """Return where the standing vehicles are in the ego frame."""
    ego_from_start = np.linalg.inv(world_from_ego(stamp_us)) @ world_from_ego(START_US)
    return [ego_from_start @ pose(*place) for _, _, place, _ in VEHICLES]


def label_at(stamp_us, rig):
    """Return vehicles and ground as voxels, observed where a camera sees them near by."""
    grid, near = VoxelGrid(), np.s_[55:145, 55:145, 2:11]  # 18 m around, from -0.2 m to 3.4 m
    semantics, observed = np.full(grid.shape, 17, np.uint8), np.zeros(grid.shape, bool)
    semantics[:, :, 2] = 11
    centers_m = grid.centers_m(np.moveaxis(np.indices(grid.shape)[(slice(None), *near)], 0, -1))
    for (_, label, _, size), ego_from_box in zip(VEHICLES, vehicle_poses(stamp_us)):
        local = (centers_m - ego_from_box[:3, 3]) @ ego_from_box[:3, :3]
        semantics[near][(2 * np.abs(local) <= size).all(axis=-1) & (centers_m[..., 2] > 0.2)] = (
            label)
    for camera in rig.cameras:
        camera_from_ego = np.linalg.inv(camera.ego_from_camera)
        pixels = (centers_m @ camera_from_ego[:3, :3].T + camera_from_ego[:3, 3]
                  ) @ camera.intrinsics.T
        u, v = np.moveaxis(pixels[..., :2] / np.maximum(pixels[..., 2:], 1e-6), -1, 0)
        observed[near] |= ((pixels[..., 2] > 0.5) & (u > 5) & (u < camera.width_px - 5) & (v > 5)
                           & (v < camera.height_px - 5))
    return Occ3dLabel(semantics, np.zeros(grid.shape, bool), observed)


def sweep_at(stamp_us, rng):
    """Return points on the ground and on the sides of the vehicles, in the LiDAR frame."""
    parts = [np.column_stack([rng.uniform(-30, 30, (4000, 2)), np.full(4000, GROUND_M)])]
    for (_, _, _, size), ego_from_box in zip(VEHICLES, vehicle_poses(stamp_us)):
        local = rng.uniform(-0.45, 0.45, (200, 3)) * size
        local[:, 1] = np.sign(local[:, 1]) * 0.48 * size[1]
        parts.append(local @ ego_from_box[:3, :3].T + ego_from_box[:3, 3])
    points = np.concatenate(parts)
    local = (points - MOUNT[:3, 3]) @ MOUNT[:3, :3]
    return np.column_stack([local, np.zeros((len(local), 2))]).astype(np.float32)


@pytest.fixture(scope='session')
def plain_dataroot(small_rig, tmp_path_factory):
    """Return a folder in which nothing is wrong."""
    dataroot, rng = tmp_path_factory.mktemp('plain'), np.random.default_rng(0)
    writer = SceneWriter(dataroot, VERSION, SceneDescription(
        'scene-0001', 'a road', small_rig, MOUNT, 'made', 'nowhere'))
    for number in range(NUM_SAMPLES):
        stamp_us = START_US + number * PERIOD_US
        images = {}
        for place, camera in enumerate(small_rig.cameras):
            image_us = stamp_us - 43_000 + 7_000 * place
            pixels = rng.integers(0, 255, (camera.height_px, camera.width_px, 3), np.uint8)
            images[camera.name] = SensorReading(
                image_us, cv2.imencode('.jpg', pixels)[1].tobytes(), world_from_ego(image_us))
        vehicles = [Annotation(name, name, world_from_ego(stamp_us) @ ego_from_box, size, 0.0, 200)
                    for (name, _, _, size), ego_from_box in zip(VEHICLES, vehicle_poses(stamp_us))]
        key = writer.write_sample(SampleRecord(stamp_us, images, SensorReading(
            stamp_us, sweep_at(stamp_us, rng), world_from_ego(stamp_us)), vehicles))
        save_label(label_path(dataroot, 'scene-0001', key), label_at(stamp_us, small_rig))
    writer.close()
    assemble_dataroot(dataroot, VERSION, {'learn': ['scene-0001']})
    return dataroot
