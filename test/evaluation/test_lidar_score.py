# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Returns of a LiDAR against predictions whose score can be worked out by hand."""

import numpy as np
import pytest

from bdc_occ_ros.classes import DETECTION_CLASS_NAMES, FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.datatypes import Boxes, LidarSweep, Occupancy
from bdc_occ_ros.errors import InvalidFrameError
from bdc_occ_ros.evaluation.controls import flat_world
from bdc_occ_ros.evaluation.lidar_score import LidarScore, Outcome, owner_of
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.predictor import Prediction

GRID = VoxelGrid()
SENSOR_M = (0.0, 0.0, 1.8)
WALL, CAR = OCCUPANCY_CLASS_NAMES.index('manmade'), OCCUPANCY_CLASS_NAMES.index('car')


def said(labels, boxes=None, observed=True):
    return Prediction(Occupancy(GRID, labels, np.full(GRID.shape, observed), OCCUPANCY_CLASS_NAMES,
                                FREE_LABEL, 0), boxes)


def wall_at(x_m, label=WALL):
    """Return a wall of voxels whose near face lies ahead."""
    labels = np.full(GRID.shape, FREE_LABEL, np.uint8)
    labels[round((x_m + 40) / 0.4), :, :] = label
    return labels


def boxes_at(x_m, name):
    return Boxes([[x_m, 0, 1.8]], [[2, 2, 2]], [0], [[0, 0]], [1.0],
                 [DETECTION_CLASS_NAMES.index(name)], DETECTION_CLASS_NAMES, 0)


def scored(prediction, *points_m, boxes=None):
    score = LidarScore()
    returns = score.add(prediction, LidarSweep(np.array(points_m), SENSOR_M), boxes)
    return score.report(), returns


@pytest.mark.parametrize('wall_m, within, outcome', (
    (20.0, (1, 1, 1), Outcome.RIGHT),    # the return is at 20.3 m
    (18.8, (0, 1, 1), Outcome.RIGHT),
    (22.8, (0, 0, 1), Outcome.RIGHT),
    (16.0, (0, 0, 0), Outcome.EARLY),    # 4.3 m before
    (24.4, (0, 0, 0), Outcome.MISSED)))  # 4.1 m behind
def test_one_ray_at_one_wall(wall_m, within, outcome):
    report, returns = scored(said(wall_at(wall_m)), (20.3, 0.0, 1.8))
    assert report['other']['returns'] == 1 and tuple(returns.outcomes) == (outcome,)
    assert tuple(report['other']['within_m'].values()) == within
    assert report['other']['score'] == np.mean(within)
    assert report['other']['early'] == (outcome == Outcome.EARLY)
    assert report['other']['missed'] == (outcome == Outcome.MISSED)


def test_nothing_is_met_in_an_empty_world_nor_counted_where_no_camera_looks():
    empty = np.full(GRID.shape, FREE_LABEL, np.uint8)
    assert scored(said(empty), (20.3, 0, 1.8))[0]['other']['missed'] == 1
    unseen = scored(said(wall_at(20), observed=False), (20.3, 0, 1.8))[0]
    assert unseen['other'] == {'returns': 0, 'score': None, 'early': None, 'missed': None,
                               'within_m': {'1.0': None, '2.0': None, '4.0': None}}
    assert scored(said(wall_at(20)), (60.0, 0, 1.8))[0]['other']['returns'] == 0


def test_a_flat_world_meets_flat_ground_and_no_wall():
    # a ray comes into the layer of the ground 0.2 / 1.8 of its way before it meets z = 0
    ground = [(reach_m, 0.0, 0.0) for reach_m in (5.0, 8.0, 12.0, 30.0)]
    report, returns = scored(said(flat_world(GRID)), *ground, (20.0, 5.0, 3.0))
    assert report['ground']['returns'] == len(ground) and report['other']['returns'] == 1
    assert list(report['ground']['within_m'].values()) == [0.5, 0.75, 1.0]
    assert report['ground']['score'] == 0.75 and report['other']['score'] == 0
    assert report['ground']['called_flat'] == report['ground']['called_road'] == 1
    assert report['ground']['early'] == 0 and report['other']['missed'] == 1
    assert returns.is_ground.sum() == len(ground)


def test_returns_on_boxes_are_called_and_boxes_found():
    point, box = (20.1, 0.0, 1.8), boxes_at(20.4, 'car')
    found, _ = scored(said(wall_at(20, CAR), boxes_at(21.9, 'car')), point, boxes=box)
    assert found['boxes'] == {'returns': 1, 'boxes': 1, 'called_by_class': 1, 'found': 1}
    for wrong in (boxes_at(22.6, 'car'), boxes_at(20.4, 'truck')):
        report, _ = scored(said(wall_at(20), wrong), point, boxes=box)
        assert report['boxes'] == {'returns': 1, 'boxes': 1, 'called_by_class': 0, 'found': 0}


def test_boxes_may_turn():
    turned = Boxes([[5, 0, 1]], [[4, 2, 2]], [np.pi / 2], [[0, 0]], [1.0], [0],
                   DETECTION_CLASS_NAMES, 0)
    assert owner_of(np.array([[5, 1.9, 1], [6.9, 0, 1], [5, 0, 2.1]]), turned).tolist() == [
        0, -1, -1]


def test_a_sweep_needs_an_origin_per_point_and_finite_numbers():
    for points_m, origins_m in ((np.zeros((2, 3)), np.zeros((3, 3))), (np.zeros(3), SENSOR_M),
                                (np.full((1, 3), np.nan), SENSOR_M)):
        with pytest.raises(InvalidFrameError):
            LidarSweep(points_m, origins_m)
