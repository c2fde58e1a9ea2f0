# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Voxels get the class of what holds their centre, as the plain definition says."""

import numpy as np
from plain_world import holds, solids_of, state_of
import pytest
import torch

from bdc_occ_ros.classes import FREE_LABEL, GROUND_LABELS
from bdc_occ_ros.world.voxelization import GRID, ROUNDING_M, voxelize

CAR, CONE, MANMADE, VEGETATION = 4, 8, 15, 16
FIRST_LAYER = 3
CENTERS_M = GRID.centers_m(np.stack(np.indices(GRID.shape), axis=-1).reshape(-1, 3))


def classes_of(solids, ego_from_world=None):
    pose = torch.eye(4, dtype=torch.float64) if ego_from_world is None else ego_from_world
    return voxelize([state_of(solids)], pose[None])[0].numpy()


@pytest.mark.parametrize('shape', range(4), ids=('box', 'ellipsoid', 'cylinder', 'cone'))
def test_a_solid_fills_the_voxels_whose_centres_it_holds(shape):
    solids = solids_of(((11.3, -7.2, 2.9), (3.1, 1.7, 2.3), 0.7, shape, MANMADE, -1))
    expected = holds(solids, 0, CENTERS_M, ROUNDING_M).reshape(GRID.shape)
    filled = classes_of(solids) == MANMADE
    assert expected.sum() > 100
    near_axis = np.hypot(CENTERS_M[:, 0] - 11.3, CENTERS_M[:, 1] + 7.2).reshape(GRID.shape) < 0.6
    assert (filled != expected)[~near_axis].sum() <= 2  # centres on the very surface
    assert not (expected & ~filled)[near_axis].any()
    assert shape == 3 or not (filled & ~expected)[near_axis].any()  # tips are as wide as posts


def test_a_turned_and_tilted_vehicle_sees_the_same_solids_elsewhere():
    solids = solids_of(((30.0, 12.0, 2.0), (2.0, 1.0, 1.5), 0.4, 0, CAR, 7))
    yaw, pitch = 0.9, 0.03
    turn = torch.tensor([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    tilt = torch.tensor([[np.cos(pitch), 0, np.sin(pitch)], [0, 1, 0],
                         [-np.sin(pitch), 0, np.cos(pitch)]])
    pose = torch.eye(4, dtype=torch.float64)
    pose[:3, :3], pose[:3, 3] = turn @ tilt, torch.tensor([25.0, 3.0, 0.1])
    world_m = CENTERS_M @ pose[:3, :3].numpy().T + pose[:3, 3].numpy()
    expected = holds(solids, 0, world_m, ROUNDING_M).reshape(GRID.shape)
    filled = classes_of(solids, torch.linalg.inv(pose)) == CAR
    assert expected.sum() > 100 and (filled != expected).sum() <= 2


def test_posts_and_cones_exist_wherever_they_stand():
    rng = np.random.default_rng(0)
    for _ in range(40):
        x_m, y_m = rng.uniform(-39, 39, 2)
        post = solids_of(((x_m, y_m, 2.0), (0.05, 0.05, 2.0), rng.uniform(0, 3), 2, MANMADE, -1))
        cone = solids_of(((x_m, y_m, 0.35), (0.15, 0.15, 0.35), rng.uniform(0, 3), 3, CONE, 1))
        layers = (classes_of(post) == MANMADE).any(axis=(0, 1))
        assert layers[2:12].all() and not layers[13:].any()
        assert (classes_of(cone) == CONE)[:, :, FIRST_LAYER].any()


def test_things_win_over_stuff_and_later_over_earlier():
    place = ((5.1, 5.1, 1.0), (1.0, 1.0, 1.0), 0.0, 0)
    for labels, winner in (((CAR, VEGETATION), CAR), ((VEGETATION, MANMADE), MANMADE),
                           ((MANMADE, VEGETATION), VEGETATION), ((CAR, CONE), CONE),
                           ((CONE, VEGETATION, CAR, MANMADE), CAR)):
        solids = solids_of(*((*place, label, -1) for label in labels))
        index = GRID.indices_of(np.array(place[0]))[0]
        assert classes_of(solids)[tuple(index)] == winner


def test_the_ground_lies_where_its_plane_passes():
    solids = solids_of(((900.0, 0.0, 1.0), (1.0, 1.0, 1.0), 0.0, 0, CAR, 1))
    level = classes_of(solids)
    assert np.isin(level[:, :, 2], GROUND_LABELS).all()
    assert (np.delete(level, 2, axis=2) == FREE_LABEL).all()
    pitch = 0.02
    pose = torch.eye(4, dtype=torch.float64)
    pose[0, 0] = pose[2, 2] = np.cos(pitch)
    pose[0, 2], pose[2, 0] = np.sin(pitch), -np.sin(pitch)  # ego from world: z falls ahead
    tilted = classes_of(solids, pose)
    x_m = GRID.lower_m[0] + 0.4 * (np.arange(200) + 0.5)
    layer = np.floor((-np.tan(pitch) * x_m + 1.0) / 0.4).astype(int)
    ground = np.isin(tilted, GROUND_LABELS)
    assert (ground.sum(axis=2) == 1).all() and len(set(layer)) > 3
    assert (ground.argmax(axis=2) == layer[:, None]).all()


def test_labels_of_a_batch_are_those_of_its_parts():
    worlds = [solids_of(((x, 2.0, 1.0), (2.0, 1.0, 1.0), x, 0, label, 0),
                        ((-x, -9.0, 3.0), (2.0, 2.0, 2.0), 0.0, 1, VEGETATION, -1))
              for x, label in ((7.0, CAR), (-3.0, MANMADE))]
    poses = torch.eye(4, dtype=torch.float64).repeat(2, 1, 1)
    poses[1, 0, 3] = 4.0
    both = voxelize([state_of(world) for world in worlds], poses)
    for world, pose, labels in zip(worlds, poses, both.numpy()):
        assert (labels == classes_of(world, pose)).all()
