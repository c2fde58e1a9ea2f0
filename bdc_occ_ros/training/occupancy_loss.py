# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the occupancy head is told: the class of every observed voxel, and a teacher's opinion."""

import torch
from torch import Tensor
from torch.nn import functional

from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.network.config import OccupancyHeadConfig

IGNORED_LABEL = 255


def learned_voxels(semantics: Tensor, observed: Tensor) -> Tensor:
    """
    Return which voxels count.

    :param semantics: Class per voxel, uint8; IGNORED_LABEL where it is not known.
    :param observed: Which a camera observes, bool, the same shape.
    """
    return observed & (semantics != IGNORED_LABEL)


def class_weights(config: OccupancyHeadConfig, power: float) -> Tensor | None:
    """
    Return how much a voxel of every class counts: mildly more where the class is rare.

    :param config: Classes and how often each occurs.
    :param power: Weight is frequency to the power of minus this.
    :return: (K,) float32, 1 on average over the voxels; None for power 0.
    :raises InvalidConfigError: if the counts are not known.
    """
    if not power:
        return None
    if config.class_counts is None:
        raise InvalidConfigError('losses: class_power needs occupancy.class_counts in the config')
    counts = torch.tensor(config.class_counts, dtype=torch.float64)
    weights = counts ** -power
    return (weights * (counts.sum() / (weights * counts).sum())).float()


def occupancy_loss(logits: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
    """
    Return the cross-entropy, summed.

    :param logits: Scores of the voxels that count, (M, K) floating.
    :param labels: Their classes, (M,) int64.
    :param weights: Per class, (K,) float32, or None.
    """
    return functional.cross_entropy(logits.float(), labels, weights, reduction='sum')


def distillation_loss(logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """
    Return the cross-entropy to a teacher's probabilities, summed (Hinton et al., 1503.02531).

    The teacher's entropy is taken off, so that a perfect pupil has a loss of 0.

    :param logits: Scores of the voxels that count, (M, K) floating.
    :param teacher_logits: The teacher's, (M, K) floating, without gradient.
    :param temperature: What both are divided by; the loss is multiplied by its square.
    """
    pupil = (logits.float() / temperature).log_softmax(dim=-1)
    teacher = (teacher_logits.float() / temperature).log_softmax(dim=-1)
    divergence = functional.kl_div(pupil, teacher, reduction='sum', log_target=True)
    return temperature ** 2 * divergence
