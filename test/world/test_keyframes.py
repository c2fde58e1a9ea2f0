# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sensors fire when they do on nuScenes, and what hides an object counts."""

from types import SimpleNamespace

import numpy as np
from plain_world import open_scene, solids_of, state_of
import pytest
import torch

from bdc_occ_ros.world.keyframes import KeyframeBatch, visibility_grade
from bdc_occ_ros.world.scene import WorldObject
from bdc_occ_ros.world.sensor_timing import SensorTiming

CPU = torch.device('cpu')


@pytest.fixture(scope='module')
def timing(nuscenes_rig):
    return SensorTiming(open_scene(), nuscenes_rig, 4.0)


def test_cameras_fire_one_after_another_before_the_sweep_ends(timing):
    times = [timing.exposure_s(name) for name in (
        'CAM_FRONT_LEFT', 'CAM_FRONT', 'CAM_FRONT_RIGHT', 'CAM_BACK_RIGHT', 'CAM_BACK',
        'CAM_BACK_LEFT')]
    assert times == sorted(set(times))
    assert times[0] == 4.0 and times[-1] < timing.lidar_time_s < 4.05
    assert timing.exposure_s('CAM_OF_ANOTHER_RIG') == 4.0


def test_every_camera_has_the_pose_of_its_own_exposure(timing):
    poses = timing.world_from_cameras
    for camera, pose in zip(timing.rig.cameras, poses):
        ego = timing.scene.world_from_ego(timing.exposure_s(camera.name))
        assert np.allclose(pose, ego @ camera.ego_from_camera)
    driven_m = np.linalg.norm((timing.world_from_lidar_ego - timing.world_from_key_ego)[:2, 3])
    speed_mps = np.linalg.norm((timing.scene.world_from_ego(4.5) - timing.scene.world_from_ego(
        4.0))[:2, 3]) / 0.5
    assert driven_m == pytest.approx(0.0431 * speed_mps, rel=0.2, abs=1e-3)


def seen_of_a_car(timing, *, wall_from_m, wall_to_m):
    """Return what is seen of a car 12 m ahead with a wall before it from one side to another."""
    pose = timing.world_from_lidar_ego
    yaw = float(np.arctan2(pose[1, 0], pose[0, 0]))
    middle, half = (wall_from_m + wall_to_m) / 2, max((wall_to_m - wall_from_m) / 2, 0.01)
    rows = [(tuple((pose @ (x_m, y_m, z_m, 1.0))[:3]), half_m, yaw, 0, label, instance)
            for x_m, y_m, z_m, half_m, label, instance in (
                (14.0, 0.0, 0.8, (2.0, 1.0, 0.8), 4, 3),
                (8.0, middle, 2.0, (0.1, half, 2.0), 15, -1))]
    state = state_of(solids_of(*rows))
    world_from_box = pose.copy()
    world_from_box[:3, 3] = rows[0][0]
    objects = [WorldObject(3, 'car', world_from_box, (4.0, 2.0, 1.6), np.zeros(2))]
    scene = SimpleNamespace(world_from_ego=timing.scene.world_from_ego,
                            objects_at=lambda time_s: objects)
    batch = KeyframeBatch([SensorTiming(scene, timing.rig, timing.time_s)], [state])
    truth = batch.truth(pose[None])
    assert len(truth.objects[0]) == 1 and truth.objects[0].label.tolist() == [0]
    return truth.seen[0][0]


def test_what_hides_an_object_counts(timing):
    assert seen_of_a_car(timing, wall_from_m=20.0, wall_to_m=21.0) > 0.97
    assert seen_of_a_car(timing, wall_from_m=-5.0, wall_to_m=5.0) == 0.0
    assert 0.25 < seen_of_a_car(timing, wall_from_m=-5.0, wall_to_m=0.0) < 0.75


@pytest.mark.parametrize('seen, grade', ((0.0, 1), (0.4, 1), (0.5, 2), (0.7, 3), (0.81, 4)))
def test_grades_are_those_of_nuscenes(seen, grade):
    assert visibility_grade(seen) == grade


def test_a_batch_of_keyframes_is_labelled_like_each_alone(timing):
    timings = [timing, SensorTiming(timing.scene, timing.rig, 9.0)]
    poses = np.stack([m.world_from_key_ego for m in timings])
    both = KeyframeBatch.of(timings, CPU).truth(poses)
    for row in (0, 1):
        alone = KeyframeBatch.of(timings[row:row + 1], CPU).truth(poses[row:row + 1])
        assert torch.equal(alone.classes[0], both.classes[row])
        assert (alone.observed[0] != both.observed[row]).float().mean() < 1e-4
        assert np.allclose(alone.seen[0], both.seen[row])
    assert 0.03 < both.observed.float().mean() < 0.25
