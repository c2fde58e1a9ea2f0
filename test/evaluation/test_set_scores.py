# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scores of single sets and of all of them, by hand."""

import math

import numpy as np
import pytest

from bdc_occ_ros.classes import FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.evaluation.set_scores import score_sets
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

GRID = VoxelGrid(shape=(4, 1, 1))
BUS, CAR = (OCCUPANCY_CLASS_NAMES.index(name) for name in ('bus', 'car'))


def grid_of(stamp_ns, labels, observed=(True, True, True, True)):
    return Occupancy(GRID, np.array(labels, np.uint8).reshape(GRID.shape),
                     np.array(observed).reshape(GRID.shape), OCCUPANCY_CLASS_NAMES, FREE_LABEL,
                     stamp_ns)


def test_sets_are_scored_alone_and_counted_together():
    truths = [grid_of(1, [CAR, CAR, FREE_LABEL, BUS]),
              grid_of(2, [CAR, CAR, CAR, BUS], (True, True, True, False)),
              grid_of(9, [CAR] * 4)]
    predictions = {1: grid_of(1, [CAR, BUS, FREE_LABEL, BUS]),
                   2: grid_of(2, [CAR, CAR, FREE_LABEL, CAR]), 5: grid_of(5, [CAR] * 4)}
    scores = score_sets(predictions, truths)
    assert scores.by_stamp == pytest.approx({1: (1 / 2 + 1 / 2) / 2, 2: 2 / 3})
    assert scores.mean_iou == pytest.approx((3 / 5 + 1 / 2) / 2)


def test_nothing_to_compare_has_no_score():
    scores = score_sets({}, [grid_of(1, [CAR] * 4)])
    assert scores.by_stamp == {} and math.isnan(scores.mean_iou)
