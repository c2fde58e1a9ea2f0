# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The mean over classes of intersection over union, against sets of voxels counted one by one."""

import math

import numpy as np
import pytest

from bdc_occ_ros.classes import FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.errors import InvalidGridError
from bdc_occ_ros.evaluation.voxel_iou import ConfusionMatrix, score_sets
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

CLASSES, FREE = 18, 17
GRID = VoxelGrid(shape=(4, 1, 1))
BUS, CAR = (OCCUPANCY_CLASS_NAMES.index(name) for name in ('bus', 'car'))


def iou_by_sets(frames, label):
    """Return the score of one class from sets of voxels."""
    said, true = (
        {(number, *voxel) for number, frame in enumerate(frames)
         for voxel in np.argwhere((frame[side] == label) & frame[2]).tolist()} for side in (0, 1))
    return len(said & true) / len(said | true) if said | true else None


def assert_equal_to_sets(frames):
    matrix = ConfusionMatrix(CLASSES)
    for predicted, truth, mask in frames:
        matrix.add(predicted, truth, mask)
    expected = [iou_by_sets(frames, label) for label in range(CLASSES)]
    for label, score in enumerate(expected):
        if score is None:
            assert np.isnan(matrix.iou()[label])
        else:
            assert matrix.iou()[label] == pytest.approx(score, abs=1e-12)
    occurring = [score for score in expected[:FREE] if score is not None]
    assert matrix.mean_iou(FREE) == pytest.approx(np.mean(occurring), abs=1e-12)


def test_random_frames_score_as_sets_do():
    rng = np.random.default_rng(5)
    frames = []
    for _ in range(3):
        truth = rng.integers(0, CLASSES, (12, 10, 4))
        truth[truth == 6] = 5  # a class that does not occur
        predicted = np.where(rng.random(truth.shape) < 0.4, truth, rng.permuted(truth))
        frames.append((predicted, truth, rng.random(truth.shape) < 0.7))
    assert_equal_to_sets(frames)


@pytest.mark.data
def test_the_real_label_scores_as_sets_do(occ3d_label):
    truth, mask = occ3d_label['semantics'], occ3d_label['mask_camera'].astype(bool)
    rng = np.random.default_rng(6)
    predicted = np.where(rng.random(truth.shape) < 0.2, np.roll(truth, 1, axis=0), truth)
    assert_equal_to_sets([(predicted, truth, mask)])
    matrix = ConfusionMatrix(CLASSES)
    matrix.add(truth, truth, mask)
    assert matrix.mean_iou(FREE) == 1.0


def test_counts_are_added_before_anything_is_divided():
    ones = np.ones((4,), dtype=bool)
    first, second, whole = (ConfusionMatrix(2) for _ in range(3))
    first.add(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]), ones)
    second.add(np.array([1, 1, 1, 0]), np.array([0, 1, 1, 1]), ones)
    whole.add(np.array([0, 0, 0, 1, 1, 1, 1, 0]), np.array([0, 0, 0, 0, 0, 1, 1, 1]),
              np.ones(8, dtype=bool))
    first.merge(second)
    assert np.array_equal(first.counts, whole.counts)
    assert first.mean_iou(free_label=1) == pytest.approx(3 / 6)


def test_free_space_counts_against_a_class_but_has_no_score_of_its_own():
    matrix = ConfusionMatrix(3)
    matrix.add(np.array([0, 2, 2, 1]), np.array([0, 0, 2, 2]), np.ones(4, dtype=bool))
    assert matrix.mean_iou(free_label=2) == pytest.approx((1 / 2 + 0) / 2)
    assert np.isnan(ConfusionMatrix(3).mean_iou(2))


@pytest.mark.parametrize('predicted, mask, message', [
    (np.zeros(3, int), np.ones(4, bool), 'one shape'),
    (np.full(4, 9), np.ones(4, bool), 'prediction: labels go from 0 to 2; got 9'),
    (np.full(4, -1), np.ones(4, bool), 'got -1'),
])
def test_impossible_labels_are_refused(predicted, mask, message):
    with pytest.raises(InvalidGridError, match=message):
        ConfusionMatrix(3).add(predicted, np.zeros(4, int), mask)


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
