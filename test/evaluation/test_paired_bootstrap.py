# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Intervals of mean IoU: against draws one by one, and how often they cover the truth."""

import numpy as np
import pytest

from bdc_occ_ros.evaluation.paired_bootstrap import PairedBootstrap
from bdc_occ_ros.evaluation.voxel_iou import ConfusionMatrix

FREE = 3


def random_counts(seed, num_samples=12, right=20):
    """Make confusion matrices of four classes, the diagonal stronger."""
    generator = np.random.default_rng(seed)
    return generator.integers(0, 10, (num_samples, 4, 4)) + right * np.eye(4, dtype=int)


def mean_iou_one_by_one(counts, chosen):
    """Add the chosen samples and divide class by class."""
    whole = sum(counts[index] for index in chosen)
    scores = [whole[c, c] / (whole[c].sum() + whole[:, c].sum() - whole[c, c])
              for c in range(4) if c != FREE and whole[c].sum() + whole[:, c].sum()]
    return sum(scores) / len(scores)


def draws_one_by_one(num_samples, draws, seed):
    times = np.random.default_rng(seed).multinomial(
        num_samples, [1 / num_samples] * num_samples, size=draws)
    return [np.repeat(np.arange(num_samples), row) for row in times]


def test_intervals_are_those_of_draws_one_by_one():
    ours, other = random_counts(0, right=30), random_counts(1)
    ours[:, 1] = ours[:, :, 1] = 0  # a class that occurs nowhere
    bootstrap = PairedBootstrap(12, FREE, draws=200, seed=5)
    chosen = draws_one_by_one(12, 200, 5)
    scores, others = ([mean_iou_one_by_one(counts, drawn) for drawn in chosen]
                      for counts in (ours, other))
    everything = range(12)
    expected = [mean_iou_one_by_one(ours, everything), *np.quantile(scores, (0.025, 0.975))]
    assert list(bootstrap.interval([ours])) == pytest.approx(expected, abs=1e-12)
    gains = np.subtract(scores, others)
    assert list(bootstrap.difference([ours], [other])) == pytest.approx(
        [expected[0] - mean_iou_one_by_one(other, everything),
         *np.quantile(gains, (0.025, 0.975))], abs=1e-12)


def test_the_score_is_that_of_the_evaluation_and_a_mean_over_trainings():
    trainings = [random_counts(seed) for seed in range(3)]
    scores = []
    for counts in trainings:
        whole = ConfusionMatrix(4)
        whole.counts += counts.sum(axis=0)
        scores.append(whole.mean_iou(FREE))
    bootstrap = PairedBootstrap(12, FREE)
    assert bootstrap.interval(trainings[:1]).value == pytest.approx(scores[0], abs=1e-12)
    assert bootstrap.interval(trainings).value == pytest.approx(np.mean(scores), abs=1e-12)


def test_pairs_share_their_luck():
    reference = random_counts(0, right=5)
    better = reference + np.eye(4, dtype=int)  # by about as much in every sample
    bootstrap = PairedBootstrap(12, FREE)
    gain, alone = bootstrap.difference([better], [reference]), bootstrap.interval([better])
    assert 0 < gain.low <= gain.value <= gain.high
    assert gain.high - gain.low < 0.25 * (alone.high - alone.low)
    assert bootstrap.difference([reference], [reference]) == (0, 0, 0)
    assert bootstrap.interval([better]) == PairedBootstrap(12, FREE).interval([better])


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    generator = np.random.default_rng(0)
    truth = np.array([[0.6, 0.2, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1], [0.2, 0.1, 0.5, 0.2],
                      [0.1, 0.1, 0.1, 0.7]]) / 4
    target = mean_iou_one_by_one(truth[None], [0])
    covered = 0
    for trial in range(200):
        counts = generator.multinomial(80, truth.flatten(), size=60).reshape(60, 4, 4)
        interval = PairedBootstrap(60, FREE, draws=300, seed=trial).interval([counts])
        covered += interval.low <= target <= interval.high
    assert 0.90 <= covered / 200 <= 0.99
