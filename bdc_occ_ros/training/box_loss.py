# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How far the box maps are from their targets."""

import torch
from torch import Tensor

from bdc_occ_ros.network.bev_to_boxes import BoxMaps
from bdc_occ_ros.training.box_targets import BoxTargets

SMALLEST_PROBABILITY = 1e-4
ALPHA = 2  # how much less a cell counts the better it is
GAMMA = 4  # how much less a cell counts the nearer it is to a centre


def heatmap_loss(logits: Tensor, target: Tensor) -> Tensor:
    """
    Return the Gaussian focal loss, summed (CornerNet, arXiv:1808.01244, Eq. 1).

    :param logits: (B, C, Y, X) floating.
    :param target: The same shape, float32; 1 at centres.
    """
    limits = (SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    probability = logits.float().sigmoid().clamp(*limits)
    at_centers = probability.log() * (1 - probability) ** ALPHA
    elsewhere = (1 - probability).log() * probability ** ALPHA * (1 - target) ** GAMMA
    return -torch.where(target == 1, at_centers, elsewhere).sum()


def attribute_loss(maps: BoxMaps, targets: BoxTargets, velocity_weight: float) -> Tensor:
    """
    Return the absolute errors of all attributes at the centres, summed.

    :param maps: From the box head.
    :param targets: From `box_targets`; unknown velocities do not count.
    :param velocity_weight: Factor of the velocity's errors.
    """
    stacked = torch.cat((maps.reg, maps.height, maps.dim, maps.rot, maps.vel), dim=1).float()
    said = stacked.flatten(2)[targets.samples, :, targets.cells]  # (M, 10)
    is_known = ~targets.attributes.isnan()
    errors = (said - targets.attributes.nan_to_num()).abs() * is_known
    return errors[:, :8].sum() + velocity_weight * errors[:, 8:].sum()
