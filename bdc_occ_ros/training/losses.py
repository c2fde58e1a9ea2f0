# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The whole loss: occupancy, boxes, depth and a teacher, each divided by how much there was to learn.

What a part is divided by is counted over a whole step, before any of it is in the network; so the
loss of a step does not depend on how it is spread over passes and processes, except through batch
normalization, which sees the samples of one pass alone.
"""

from typing import NamedTuple

import torch
from torch import nn, Tensor

from bdc_occ_ros.dataset.batch import TrainingBatch
from bdc_occ_ros.errors import InvalidGridError
from bdc_occ_ros.network.config import NetworkConfig
from bdc_occ_ros.network.network import NetworkOutput
from bdc_occ_ros.training.box_loss import attribute_loss, heatmap_loss
from bdc_occ_ros.training.box_targets import box_targets, BoxTargets
from bdc_occ_ros.training.depth_loss import depth_bins, depth_loss
from bdc_occ_ros.training.occupancy_loss import (
    class_weights,
    distillation_loss,
    learned_voxels,
    occupancy_loss,
)
from bdc_occ_ros.training.recipe import LossWeights

COUNTS = ('voxels', 'centers', 'depths')  # what parts are divided by


class Targets(NamedTuple):
    """
    What some samples teach; None where the network or the data has no such part.

    :param voxels: Which are learned, (B, X, Y, Z) bool.
    :param labels: Their classes, (M,) int64.
    :param boxes: For the box maps.
    :param depths: Bin of every feature cell, (B, N, h, w) int64, or -1.
    """

    voxels: Tensor | None
    labels: Tensor | None
    boxes: BoxTargets | None
    depths: Tensor | None

    def counts(self) -> Tensor:
        """Return how much there is to learn of COUNTS, (3,) float64."""
        counts = (0 if self.labels is None else len(self.labels),
                  0 if self.boxes is None else len(self.boxes.cells),
                  0 if self.depths is None else int((self.depths >= 0).sum()))
        return torch.tensor(counts, dtype=torch.float64)


class TrainingLoss(nn.Module):
    """
    The parts of the loss by name.

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
        Return what a batch teaches.

        :raises InvalidGridError: if they lie on another grid.
        """
        voxels = labels = boxes = depths = None
        if self.config.occupancy is not None:
            self._require_grid(batch.semantics)
            voxels = learned_voxels(batch.semantics, batch.observed)
            labels = batch.semantics[voxels].long()
        if self.config.boxes is not None:
            boxes = box_targets(batch.boxes, self.config)
        if batch.depths_m is not None and self.weights.depth:
            depths = depth_bins(batch.depths_m, self.config.depth,
                                self.config.bev.cell_size_m[0] / 2)
        return Targets(voxels, labels, boxes, depths)

    def forward(self, output: NetworkOutput, targets: Targets, counts: Tensor,
                teacher: NetworkOutput | None = None) -> dict[str, Tensor]:
        """
        Return the weighted parts, whose sum is this share of the step's loss.

        :param output: Of the network, with depths where they are taught.
        :param targets: What these samples teach.
        :param counts: COUNTS of the whole step, (3,).
        :param teacher: What the teacher says of the same samples, or None.
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

    def _require_grid(self, semantics: Tensor) -> None:
        """Refuse labels of another grid."""
        shape = self.config.voxel_grid().shape
        if tuple(semantics.shape[1:]) != shape:
            raise InvalidGridError(f'{self.config.name} has {shape} voxels, the samples '
                                   f'{tuple(semantics.shape[1:])}; train a network of their grid')
