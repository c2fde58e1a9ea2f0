# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Compute mean average precision of boxes by nuScenes' rules, without its tables or devkit.

A box is right if its centre lies near that of a true one of its class that no stronger box has
taken, for four limits of distance; precision counts where recall exceeds a tenth, and only what
exceeds a tenth of it (nuScenes: Caesar et al., arXiv:1903.11027, Sec. 3.1). For samples that come
from memory; results on data sets on disk are the devkit's, see detection_scores.py.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bdc_occ_ros.datatypes import Boxes

LIMITS_M = (0.5, 1.0, 2.0, 4.0)
LOWEST = 0.1
RECALLS = np.linspace(0.0, 1.0, 101)
REACH_M = {'car': 50.0, 'truck': 50.0, 'bus': 50.0, 'trailer': 50.0, 'construction_vehicle': 50.0,
           'pedestrian': 40.0, 'motorcycle': 40.0, 'bicycle': 40.0, 'traffic_cone': 30.0,
           'barrier': 30.0}


class _Found(NamedTuple):
    """Hold scores (n,), centres (n, 2) and true centres (m, 2) of one class and sample."""

    scores: np.ndarray
    centers_m: np.ndarray
    true_centers_m: np.ndarray


class CenterPrecision:
    """
    Accumulate predicted and true boxes of samples, and compute their average precision.

    Boxes beyond nuScenes' range of their class do not count.
    """

    def __init__(self, class_names: Sequence[str]) -> None:
        self._samples: dict[str, list[_Found]] = {name: [] for name in class_names}

    def add(self, boxes: Boxes, true_centers_m: np.ndarray, true_labels: np.ndarray) -> None:
        """Add one sample; true centres (m, 2) are x y in the frame of the boxes."""
        for label, (name, samples) in enumerate(self._samples.items()):
            reach_m = REACH_M.get(name, np.inf)
            true_m = true_centers_m[true_labels == label]
            chosen = (boxes.labels == label) & (np.hypot(*boxes.centers_m[:, :2].T) < reach_m)
            samples.append(_Found(boxes.scores[chosen], boxes.centers_m[chosen, :2],
                                  true_m[np.hypot(*true_m.T) < reach_m]))

    def average_precisions(self) -> dict[str, float]:
        """Return the mean over the four limits by class, 0 to 1; 0 where none is."""
        return {name: float(np.mean([_average_precision(samples, limit_m)
                                     for limit_m in LIMITS_M]))
                for name, samples in self._samples.items()}

    def mean(self) -> float:
        """Return the mean over the classes."""
        return float(np.mean(list(self.average_precisions().values())))


def _average_precision(samples: Sequence[_Found], limit_m: float) -> float:
    num_true = sum(len(sample.true_centers_m) for sample in samples)
    scores = np.concatenate([sample.scores for sample in samples])
    is_right = np.concatenate([_is_right(sample, limit_m) for sample in samples])
    order = np.argsort(scores, kind='stable')[::-1]
    hits = np.cumsum(is_right[order])
    if not num_true or not hits.size or not hits[-1]:
        return 0.0
    precision = np.interp(RECALLS, hits / num_true, hits / np.arange(1, len(hits) + 1), right=0)
    counted = precision[round(100 * LOWEST) + 1:] - LOWEST
    return float(counted.clip(min=0).mean() / (1 - LOWEST))


def _is_right(sample: _Found, limit_m: float) -> np.ndarray:
    """Match boxes to the nearest true centre left, the strongest first; (n,) bool."""
    is_right = np.zeros(len(sample.scores), bool)
    if not len(sample.true_centers_m):
        return is_right
    offsets = sample.centers_m[:, None].astype(float) - sample.true_centers_m
    distances = np.linalg.norm(offsets, axis=-1)
    for index in np.argsort(sample.scores, kind='stable')[::-1]:
        nearest = distances[index].argmin()
        if distances[index, nearest] < limit_m:
            is_right[index] = True
            distances[:, nearest] = np.inf
    return is_right
