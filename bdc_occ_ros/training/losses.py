# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Compute the loss: occupancy, boxes, depth and a teacher, each divided by its number of targets.

What a part is divided by is counted over a whole step, before any of it is in the network; so the
loss of a step does not depend on how it is spread over passes and processes, except through batch
normalization, which sees the samples of one pass alone.
"""

import math
from typing import NamedTuple

import torch
from torch import nn, Tensor
from torch.nn import functional

from bdc_occ_ros.dataset.batch import TrainingBatch
from bdc_occ_ros.errors import InvalidConfigError, InvalidGridError
from bdc_occ_ros.geometry.frustum import DepthConfig
from bdc_occ_ros.network.bev_to_boxes import BoxMaps
from bdc_occ_ros.network.config import NetworkConfig, OccupancyHeadConfig
from bdc_occ_ros.network.network import NetworkOutput
from bdc_occ_ros.training.box_targets import box_targets, BoxTargets
from bdc_occ_ros.training.recipe import LossWeights

IGNORED_LABEL = 255
SMALLEST_PROBABILITY = 1e-4
ALPHA = 2  # how much less a cell of the heatmap counts the better it is
GAMMA = 4  # how much less it counts the nearer it is to a centre
# Next to 1 the gradient of a wrong depth bin is all rounding error, and as large as 10^5.
SUREST = 1 - 1e-6


class Targets(NamedTuple):
    """
    Hold the targets of some samples; None where the network or the data has no such part.

    :param columns: Which columns have voxels that are learned, (B, X, Y) bool.
    :param voxels: Which voxels of these M columns are learned, (M, Z) bool.
    :param depths: Bin of every feature cell, (B, N, h, w) int64, or -1.
    """

    columns: Tensor | None
    voxels: Tensor | None
    labels: Tensor | None
    boxes: BoxTargets | None
    depths: Tensor | None

    def counts(self) -> Tensor:
        """Return the numbers of observed voxels, centers and known depths, (3,) float64."""
        counts = (0 if self.labels is None else len(self.labels),
                  0 if self.boxes is None else len(self.boxes.cells),
                  0 if self.depths is None else int((self.depths >= 0).sum()))
        return torch.tensor(counts, dtype=torch.float64)


class TrainingLoss(nn.Module):
    """
    Compute the parts of the loss by name.

    :param weights: Of the parts; a part of weight 0 is left out.
    """

    def __init__(self, config: NetworkConfig, weights: LossWeights) -> None:
        super().__init__()
        self.config = config
        self.weights = weights
        per_class = None if config.occupancy is None else class_weights(
            config.occupancy, weights.class_power)
        self.register_buffer('class_weights', per_class, persistent=False)

    def targets(self, batch: TrainingBatch) -> Targets:
        """
        Return the targets of a batch.

        :raises InvalidGridError: if they lie on another grid.
        """
        columns = voxels = labels = boxes = depths = None
        if self.config.occupancy is not None:
            shape, found = self.config.voxel_grid().shape, tuple(batch.semantics.shape[1:])
            if found != shape:
                raise InvalidGridError(f'{self.config.name} has {shape} voxels, the samples '
                                       f'{found}; train a network of their grid')
            learned = learned_voxels(batch.semantics, batch.observed)
            columns = learned.any(dim=-1)
            voxels, labels = learned[columns], batch.semantics[learned].long()
        if self.config.boxes is not None:
            boxes = box_targets(batch.boxes, self.config)
        if batch.depths_m is not None and self.weights.depth:
            depths = depth_bins(batch.depths_m, self.config.depth,
                                self.config.bev.cell_size_m[0] / 2)
        return Targets(columns, voxels, labels, boxes, depths)

    def forward(self, output: NetworkOutput, targets: Targets, counts: Tensor,
                teacher: NetworkOutput | None = None) -> dict[str, Tensor]:
        """
        Return the weighted parts, whose sum is this share of the step's loss.

        :param output: Of the network, with depths where there are targets for them.
        :param counts: What Targets.counts returns for the whole step, (3,).
        :param teacher: Output of the teacher for the same samples, or None.
        """
        weights = self.weights
        voxels, centers, depths = counts.clamp(min=1).tolist()
        parts = {}
        if targets.labels is not None:
            logits = output.occupancy_logits[targets.voxels]
            parts['occupancy'] = weights.occupancy / voxels * occupancy_loss(
                logits, targets.labels, self.class_weights)
            if teacher is not None:
                parts['distillation'] = weights.distillation / voxels * distillation_loss(
                    logits, teacher.occupancy_logits[targets.voxels], weights.temperature)
        if targets.boxes is not None:
            maps = output.box_maps
            parts['heatmap'] = weights.heatmap / centers * heatmap_loss(
                maps.heatmap, targets.boxes.heatmap)
            parts['boxes'] = weights.boxes / centers * attribute_loss(
                maps, targets.boxes, weights.velocity)
        if targets.depths is not None:
            parts['depth'] = weights.depth / depths * depth_loss(
                output.depth_probability, targets.depths)
        return parts


def learned_voxels(semantics: Tensor, observed: Tensor) -> Tensor:
    """Return which voxels count: those that a camera observes and whose class is known."""
    return observed & (semantics != IGNORED_LABEL)


def class_weights(config: OccupancyHeadConfig, power: float) -> Tensor | None:
    """
    Return how much a voxel of every class counts: mildly more where the class is rare.

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

    :param targets: From `box_targets`; unknown velocities do not count.
    """
    stacked = torch.cat((maps.reg, maps.height, maps.dim, maps.rot, maps.vel), dim=1).float()
    predicted = stacked.flatten(2)[targets.samples, :, targets.cells]  # (M, 10)
    is_known = ~targets.attributes.isnan()
    errors = (predicted - targets.attributes.nan_to_num()).abs() * is_known
    return errors[:, :8].sum() + velocity_weight * errors[:, 8:].sum()


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
