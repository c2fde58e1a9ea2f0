# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Estimate confidence intervals of a mean IoU, or of the difference of two, by bootstrap.

Two networks that saw the same samples share the luck of which samples those were. Every draw
therefore takes the same samples for both, and what spreads is the difference alone. Samples are
drawn with replacement, counts are added over a draw, and only then divided, as the score itself
does (percentile bootstrap: Efron and Tibshirani 1993, Ch. 13).

What comes from training again with another seed is no part of the interval.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

DRAWS = 2000
COVERED = 0.95


class ConfidenceInterval(NamedTuple):
    """Hold a score and its 95 % confidence interval."""

    value: float
    low: float
    high: float


class PairedBootstrap:
    """Draw samples, the same for all that is compared; the mean leaves the free class out."""

    def __init__(self, num_samples: int, free_label: int, draws: int = DRAWS, seed: int = 0
                 ) -> None:
        self._free_label = free_label
        shares = np.full(num_samples, 1 / num_samples)
        drawn = np.random.default_rng(seed).multinomial(num_samples, shares, size=draws)
        self._times = np.concatenate((np.ones((1, num_samples)), drawn))  # first: all, once each

    def interval(self, counts: Sequence[np.ndarray]) -> ConfidenceInterval:
        """
        Return the mean IoU.

        :param counts: Of every training of one config, its confusion matrices, (samples, classes,
            classes) integer, truth by prediction; the score is the mean over trainings.
        """
        return _interval(self._scores(counts))

    def difference(self, counts: Sequence[np.ndarray], reference: Sequence[np.ndarray]
                   ) -> ConfidenceInterval:
        """Return by how much the mean IoU is higher than another config's on the same samples."""
        return _interval(self._scores(counts) - self._scores(reference))

    def _scores(self, counts: Sequence[np.ndarray]) -> np.ndarray:
        """Return the score of all samples and of every draw, (1 + draws,)."""
        return np.mean([self._mean_iou(one) for one in counts], axis=0)

    def _mean_iou(self, counts: np.ndarray) -> np.ndarray:
        """Return the mean IoU of one training, (1 + draws,)."""
        both = np.diagonal(counts, axis1=1, axis2=2)
        either = counts.sum(axis=1) + counts.sum(axis=2) - both
        hit, extent = (self._times @ np.delete(part, self._free_label, axis=1).astype(float)
                       for part in (both, either))
        occurs = extent > 0
        scores = np.divide(hit, extent, out=np.zeros_like(hit), where=occurs)
        return scores.sum(axis=1) / np.maximum(occurs.sum(axis=1), 1)


def _interval(scores: np.ndarray) -> ConfidenceInterval:
    """Take the first score and the quantiles of the others."""
    low, high = np.quantile(scores[1:], ((1 - COVERED) / 2, (1 + COVERED) / 2))
    return ConfidenceInterval(float(scores[0]), float(low), float(high))
