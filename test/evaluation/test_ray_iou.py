# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rays through voxels against every voxel's own slabs, and the score made of them."""

import math

import numpy as np
import pytest
import torch

from bdc_occ_ros.errors import InvalidGridError
from bdc_occ_ros.evaluation.ray_iou import cast_rays, choose_origins, lidar_directions, RayIou
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

GRID = VoxelGrid((-2.0, -2.4, -0.5), (0.4, 0.4, 0.5), (10, 12, 4))
FREE = 3


def first_by_slabs(occupied, origin, direction):
    """Return the first occupied voxel and its distance by intersecting the ray with each."""
    voxels = np.argwhere(occupied)
    lower = np.array(GRID.lower_m) + voxels * GRID.cell_size_m
    with np.errstate(divide='ignore', invalid='ignore'):
        at_lower = (lower - origin) / direction
        at_upper = (lower + GRID.cell_size_m - origin) / direction
    near = np.fmin(at_lower, at_upper).max(axis=1)
    far = np.fmax(at_lower, at_upper).min(axis=1)
    met = np.flatnonzero(far > np.maximum(near, 0.0) + 1e-9)
    if not met.size:
        return None
    first = met[near[met].argmin()]
    return tuple(voxels[first]), max(near[first], 0.0)


def random_rays(rng, count):
    lower, upper = np.array(GRID.lower_m), np.array(GRID.upper_m)
    origins = lower + (upper - lower) * rng.uniform(0.05, 0.95, (count, 3))
    directions = rng.normal(size=(count, 3))
    directions[:count // 10, 2] = 0.0  # level rays
    directions[:count // 20, 1] = 0.0  # along an axis
    return origins, directions / np.linalg.norm(directions, axis=1, keepdims=True)


@pytest.mark.parametrize('share', [0.02, 0.2, 0.0])
def test_rays_end_in_the_first_occupied_voxel(share):
    rng = np.random.default_rng(7)
    occupied = rng.random(GRID.shape) < share
    origins, directions = random_rays(rng, 400)
    hits = cast_rays(torch.from_numpy(occupied), GRID, torch.from_numpy(origins),
                     torch.from_numpy(directions))
    num_hits = 0
    for ray, (origin, direction) in enumerate(zip(origins, directions)):
        expected = first_by_slabs(occupied, origin, direction)
        if expected is None:
            assert hits.voxels[ray] == -1
            continue
        num_hits += 1
        assert np.unravel_index(int(hits.voxels[ray]), GRID.shape) == expected[0]
        assert float(hits.distances_m[ray]) == pytest.approx(expected[1], abs=1e-9)
    assert (num_hits > 10) == (share > 0)


def test_a_ray_without_a_hit_ends_at_the_edge_of_the_grid():
    hits = cast_rays(torch.zeros(GRID.shape, dtype=torch.bool), GRID,
                     torch.tensor([[0.1, 0.0, 0.0]]), torch.tensor([[1.0, 0.0, 0.0]]))
    assert hits.voxels.tolist() == [-1]
    assert float(hits.distances_m) == pytest.approx(1.9)


def test_an_origin_outside_is_refused():
    with pytest.raises(InvalidGridError, match='origin'):
        cast_rays(torch.zeros(GRID.shape, dtype=torch.bool), GRID, torch.tensor([[9.0, 0, 0]]),
                  torch.tensor([[1.0, 0.0, 0.0]]))


def test_the_lidar_looks_down_at_equal_steps_and_up_to_its_limit():
    directions = lidar_directions()
    assert torch.allclose(directions.norm(dim=1), torch.ones(len(directions), dtype=torch.float64))
    pitches = directions[::360, 2].asin()
    assert len(directions) == 360 * len(pitches)
    ranges = -1 / torch.tan(pitches[:10])  # where they meet the ground one metre below
    assert torch.allclose(ranges, torch.arange(1.0, 11.0, dtype=torch.float64))
    steps = pitches[9:].diff()
    assert torch.allclose(steps, steps[0].expand_as(steps))
    assert pitches[-2] < 0.21 <= pitches[-1]
    azimuths = torch.atan2(directions[:360, 1], directions[:360, 0])
    assert math.degrees(azimuths[1] - azimuths[0]) == pytest.approx(1.0)


def test_origins_are_near_and_evenly_thinned_out():
    track = np.stack([np.linspace(-60, 60, 41), np.zeros(41), np.full(41, 1.8)], axis=1)
    chosen = choose_origins(track)
    assert len(chosen) == 8 and np.abs(chosen[:, 0]).max() < 39.0
    assert np.ptp(np.diff(chosen[:, 0])) <= 3.0 + 1e-9  # one step of the track
    assert np.array_equal(choose_origins(track[18:23]), track[18:23])


def wall_at(voxel_x, label):
    labels = np.full(GRID.shape, FREE)
    labels[voxel_x] = label
    return labels


@pytest.mark.parametrize('predicted, right', [
    (wall_at(8, 1), (True, True, True)),
    (wall_at(8, 2), (False, False, False)),   # wrong class
    (wall_at(6, 1), (True, True, True)),      # 0.8 m too near
    (wall_at(5, 1), (False, True, True)),     # 1.2 m too near
])
def test_distance_and_class_decide(predicted, right):
    score = RayIou(4, FREE, GRID)
    score.add(predicted, wall_at(8, 1), np.array([[-0.5, 0.0, 0.2]]))
    assert score.num_true[1] > 0 and score.num_true[[0, 2]].sum() == 0
    level = score.iou()[:, 1]
    assert (level > 0.3).tolist() == list(right)
    if predicted[8, 0, 0] == 1:
        assert score.mean_iou() == 1.0


def test_a_ray_that_meets_nothing_in_the_truth_is_left_out():
    score = RayIou(4, FREE, GRID)
    score.add(wall_at(8, 1), np.full(GRID.shape, FREE), np.array([[0.0, 0.0, 0.2]]))
    assert score.num_predicted.sum() == 0 and math.isnan(score.mean_iou())


def test_counts_of_two_parts_add_up():
    parts, whole = [RayIou(4, FREE, GRID) for _ in range(2)], RayIou(4, FREE, GRID)
    origin = np.array([[0.0, 0.0, 0.2]])
    for part, predicted in zip(parts, (wall_at(8, 1), wall_at(1, 2))):
        for score in (part, whole):
            score.add(predicted, wall_at(8, 1), origin)
    parts[0].merge(parts[1])
    assert np.array_equal(parts[0].iou(), whole.iou(), equal_nan=True)
    with pytest.raises(InvalidGridError, match='must be'):
        whole.add(np.zeros((1, 1, 1), int), wall_at(8, 1), origin)
