# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the depth distributions are told: the bin of the nearest surface in every feature cell."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from bdc_occ_ros.geometry.frustum import DepthConfig

# Next to 1 the gradient of a wrong bin is all rounding error, and as large as 10^5.
SUREST = 1 - 1e-6


def depth_bins(depths_m: Tensor, config: DepthConfig, behind_m: float) -> Tensor:
    """
    Return the bin that lies nearest to half a voxel behind every surface.

    The lift puts the features of a bin at its depth, and what is seen there belongs to the voxel
    behind the surface. The authors round down (arXiv:2405.17037, code), which puts it on average
    half a bin in front, among voxels that are free.

    :param depths_m: Along the optical axis, any shape, float32; 0 where nothing is known.
    :param behind_m: How far behind the surface, metres: half a voxel.
    :return: Index of the bin, int64; -1 where nothing is known or no bin reaches.
    """
    wanted_m = depths_m + behind_m
    if config.spacing == 'uniform':
        bins = (wanted_m - config.start_m) / config.step_m
    else:
        growth = math.log((config.stop_m - 1) / config.start_m) / (config.num_bins - 1)
        bins = (wanted_m / config.start_m).log() / growth
    bins = bins.round()
    is_inside = (depths_m > 0) & (bins >= 0) & (bins < config.num_bins)
    return torch.where(is_inside, bins, -1.0).long()


def depth_loss(probability: Tensor, bins: Tensor) -> Tensor:
    """
    Return the binary cross-entropy of all bins where the depth is known, summed.

    :param probability: Of every bin, (B, N, D, h, w) floating, sums to 1 over D.
    :param bins: From `depth_bins`, (B, N, h, w).
    """
    is_known = bins >= 0
    chosen = probability.float().movedim(2, -1)[is_known]  # (M, D)
    target = functional.one_hot(bins[is_known], chosen.shape[-1]).float()
    with torch.autocast(chosen.device.type, enabled=False):
        return functional.binary_cross_entropy(chosen.clamp(max=SUREST), target, reduction='sum')
