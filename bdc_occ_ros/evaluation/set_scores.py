# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Mean IoU of single sets of images and of all of them, over the cells that a camera observes."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.evaluation.voxel_iou import ConfusionMatrix


class SetScores(NamedTuple):
    """
    How right predictions are.

    :param by_stamp: Mean IoU of every set with truth and prediction, 0 to 1, over the classes
        that occur in it.
    :param mean_iou: Over all those sets, counted together; nan if there are none.
    """

    by_stamp: Mapping[int, float]
    mean_iou: float


def score_sets(predictions: Mapping[int, Occupancy], truths: Iterable[Occupancy]) -> SetScores:
    """
    Compare predictions with the truth where there are both.

    :param predictions: Grids by stamp; cells that they leave out count as free.
    :param truths: Grids with the same classes; only their observed cells count.
    """
    by_stamp, whole, free_label = {}, None, 0
    for truth in truths:
        if truth.stamp_ns not in predictions:
            continue
        counts, free_label = ConfusionMatrix(len(truth.class_names)), truth.free_label
        counts.add(predictions[truth.stamp_ns].labels, truth.labels, truth.observed)
        by_stamp[truth.stamp_ns] = counts.mean_iou(free_label)
        if whole is None:
            whole = ConfusionMatrix(len(truth.class_names))
        whole.merge(counts)
    return SetScores(by_stamp, float('nan') if whole is None else whole.mean_iou(free_label))
