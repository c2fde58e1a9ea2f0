# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Compute intersection over union per class and its mean, over voxels that a camera sees (Occ3D).

Counts are added over all frames before anything is divided, as the benchmark does (Tian et al.,
arXiv:2304.14365, Sec. 5); free space takes part in the counts but not in the mean.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.errors import InvalidGridError


class ConfusionMatrix:
    """
    Count how often a voxel of one class was called another.

    :param num_classes: Classes, the free one among them.
    """

    def __init__(self, num_classes: int) -> None:
        self.counts = np.zeros((num_classes, num_classes), dtype=np.int64)  # truth, prediction

    def add(self, predicted: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> None:
        """
        Count one frame.

        :param predicted: Labels, any shape, integer.
        :param truth: Labels of the same shape.
        :param mask: Which voxels count, the same shape, bool.
        :raises InvalidGridError: if shapes differ or a counted label is no class.
        """
        if not predicted.shape == truth.shape == mask.shape:
            raise InvalidGridError(f'prediction, truth and mask must have one shape; got '
                                   f'{predicted.shape}, {truth.shape} and {mask.shape}')
        rows, columns = truth[mask].astype(np.int64), predicted[mask].astype(np.int64)
        size = len(self.counts)
        for name, labels in (('truth', rows), ('prediction', columns)):
            if labels.size and not 0 <= labels.min() <= labels.max() < size:
                raise InvalidGridError(f'{name}: labels go from 0 to {size - 1}; got '
                                       f'{labels.min()} to {labels.max()}')
        self.counts += np.bincount(rows * size + columns, minlength=size * size).reshape(size, -1)

    def merge(self, other: 'ConfusionMatrix') -> None:
        """Add the counts of another part of the data."""
        self.counts += other.counts

    def iou(self) -> np.ndarray:
        """Return the score per class, (num_classes,), 0 to 1; nan where it occurs on no side."""
        both = np.diag(self.counts)
        either = self.counts.sum(axis=0) + self.counts.sum(axis=1) - both
        return np.divide(both, either, out=np.full(len(both), np.nan), where=either > 0)

    def mean_iou(self, free_label: int) -> float:
        """Return the mean over the classes that occur but free, 0 to 1; nan if none does."""
        scores = np.delete(self.iou(), free_label)
        scores = scores[~np.isnan(scores)]
        return float(scores.mean()) if scores.size else float('nan')


class SetScores(NamedTuple):
    """Hold the mean IoU of every set with truth and prediction, and of all; nan without any."""

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
