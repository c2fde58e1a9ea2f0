# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""LiDAR points lie on what there is, know their object, and observe what their rays pass."""

import numpy as np
from plain_world import open_scene, solids_of, state_of
import pytest
import torch

from bdc_occ_ros.classes import FREE_LABEL
from bdc_occ_ros.world.lidar import (
    lidar_observed,
    NUM_AZIMUTHS,
    NUM_BEAMS,
    points_per_object,
    simulate_sweep,
)
from bdc_occ_ros.world.sensor_timing import ego_from_lidar, LIDAR_TRANSLATION_M, SensorTiming
from bdc_occ_ros.world.voxelization import voxelize

WALL_M = 12.0


@pytest.fixture(scope='module')
def timing(nuscenes_rig):
    return SensorTiming(open_scene(), nuscenes_rig, 1.0)


@pytest.fixture(scope='module')
def state(timing):
    """Return a wall ahead of the vehicle with a car before it, and a car behind the wall."""
    pose = timing.world_from_lidar_ego
    yaw = float(np.arctan2(pose[1, 0], pose[0, 0]))
    rows = [(tuple((pose @ (x_m, y_m, z_m, 1.0))[:3]), half_m, yaw, 0, label, instance)
            for x_m, y_m, z_m, half_m, label, instance in (
                (WALL_M + 0.5, 0.0, 2.0, (0.5, 15.0, 2.0), 15, -1),
                (8.0, 3.0, 0.8, (2.0, 0.9, 0.8), 4, 5), (16.0, 0.0, 0.8, (2.0, 0.9, 0.8), 4, 6))]
    return state_of(solids_of(*rows))


@pytest.fixture(scope='module')
def sweep(timing, state):
    return simulate_sweep(timing, state, 11)


def in_ego(sweep):
    mount = ego_from_lidar()
    return sweep.points[:, :3] @ mount[:3, :3].T + mount[:3, 3]


def test_points_lie_on_ground_and_solids(sweep):
    points_m = in_ego(sweep)
    assert sweep.points.dtype == np.float32 and sweep.points.shape[1] == 5
    assert 15_000 < len(points_m) < NUM_BEAMS * NUM_AZIMUTHS
    on_ground = np.abs(points_m[:, 2]) < 0.1
    on_wall = (np.abs(points_m[:, 0] - WALL_M) < 0.1) & (np.abs(points_m[:, 1]) < 15.1)
    on_car = sweep.instance == 5
    assert (on_ground | on_wall | on_car).all()
    assert on_wall.sum() > 1000 and on_car.sum() > 300
    assert np.abs(points_m[on_car] - (8.0, 3.0, 0.8)).max(axis=0) == pytest.approx(
        (2.0, 0.9, 0.8), abs=0.15)
    assert 0.005 < np.std(points_m[on_wall & ~on_ground & (np.abs(points_m[:, 1]) < 3), 0]) < 0.04


def test_beams_are_numbered_from_below_and_echoes_have_a_brightness(sweep):
    elevation = np.arctan2(sweep.points[:, 2], np.hypot(*sweep.points[:, :2].T))
    assert np.rad2deg(elevation) == pytest.approx(-30.67 + sweep.points[:, 4] * 41.34 / 31,
                                                  abs=1e-3)
    assert set(sweep.points[:, 4]) <= set(range(NUM_BEAMS)) and sweep.points[:, 4].max() == 31
    assert (sweep.points[:, 3] >= 0).all() and (sweep.points[:, 3] <= 255).all()
    assert sweep.points[sweep.instance == 5, 3] == pytest.approx(127.5)


def test_the_lidar_looks_along_its_second_axis():
    assert ego_from_lidar() @ (1.0, 10.0, 0.0, 1.0) == pytest.approx((10.94, -1.0, 1.84, 1.0))


def test_points_are_counted_per_object(sweep):
    counts = points_per_object(sweep, np.array([6, 5, 3]))
    assert counts.tolist() == [0, (sweep.instance == 5).sum(), 0] and counts[1] > 300


def test_equal_seeds_give_equal_sweeps(timing, state, sweep):
    assert np.array_equal(simulate_sweep(timing, state, 11).points, sweep.points)
    assert not np.array_equal(simulate_sweep(timing, state, 12).points[:1000], sweep.points[:1000])


def test_rays_observe_what_they_pass_and_where_they_end(timing, state, sweep):
    ego_from_world = torch.from_numpy(np.linalg.inv(timing.world_from_lidar_ego))
    classes = voxelize([state], ego_from_world[None])[0]
    observed = lidar_observed(classes, sweep).numpy()
    x = round((WALL_M + 40) / 0.4)
    height = int((LIDAR_TRANSLATION_M[2] + 1) / 0.4)
    assert observed[105:x, 100, height].all()
    assert not observed[x + 2:, 90:110, 2:8].any()
    wall = (classes == 15).numpy()
    assert observed[x, 90:110][wall[x, 90:110]].mean() > 0.4
    assert not observed[:, :, :2].any()
    free = observed & (classes.numpy() == FREE_LABEL)
    assert 0.01 < free.mean() < 0.2
