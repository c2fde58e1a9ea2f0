# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Class scores per voxel into one label per voxel."""

from typing import NamedTuple

import torch
from torch import Tensor


class VoxelLabels(NamedTuple):
    """
    One class per voxel.

    :param labels: (..., X, Y, Z) uint8.
    :param confidence: Probability of each label, (..., X, Y, Z) float32, or None.
    """

    labels: Tensor
    confidence: Tensor | None


def decode_labels(logits: Tensor, with_confidence: bool) -> VoxelLabels:
    """
    Choose the most likely class of every voxel.

    :param logits: Class scores, (..., X, Y, Z, K) floating.
    :param with_confidence: Whether to work out the probabilities, which takes several times as
        long as the labels.
    """
    labels = logits.max(dim=-1).indices  # unlike argmax, quick in any memory order
    return VoxelLabels(labels.to(torch.uint8), confidence_of(logits) if with_confidence else None)


def confidence_of(logits: Tensor) -> Tensor:
    """
    Return the probability of the most likely class.

    :param logits: Class scores, (..., K) floating.
    :return: (...) float32.
    """
    logits = logits.float()
    return (logits.amax(dim=-1) - logits.logsumexp(dim=-1)).exp()
