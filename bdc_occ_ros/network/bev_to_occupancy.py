# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Turn bird's-eye features into class scores or labels per voxel.

This is the one place where the axes turn from (row = y, column = x) to x y z.
"""

from typing import NamedTuple

import torch
from torch import nn, Tensor
from torch.nn.functional import linear, pixel_shuffle

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.network.config import NetworkConfig, OccupancyHeadConfig
from bdc_occ_ros.network.layers import ConvBlock


class VoxelLabels(NamedTuple):
    """
    Hold one class per voxel.

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
    """Return the probability of the most likely class, (...) float32, by logits, (..., K)."""
    logits = logits.float()
    return (logits.amax(dim=-1) - logits.logsumexp(dim=-1)).exp()


class OccupancyHead(nn.Module):
    """
    Score voxels as published: a 3x3 module, then a small perceptron per cell.

    The channels of a cell become its heights and classes, height first (FlashOcc,
    arXiv:2311.12058).

    :param final_conv: Keeps size and channels.
    """

    def __init__(self, final_conv: nn.Module, channels: int, config: OccupancyHeadConfig) -> None:
        super().__init__()
        self.heights_and_classes = (config.num_heights, config.num_classes)
        self.final_conv = final_conv
        self.predicter = nn.Sequential(
            nn.Linear(channels, config.hidden_channels), nn.Softplus(),
            nn.Linear(config.hidden_channels, config.num_heights * config.num_classes))

    def forward(self, bev: Tensor, with_confidence: bool | None = None,
                columns: Tensor | None = None) -> Tensor | VoxelLabels:
        """
        Score every voxel.

        :param bev: (B, C, Y, X).
        :param with_confidence: None for logits; else labels, with their probability or without.
        :param columns: Which columns of voxels are asked for, (B, X, Y) bool; None for all.
        :return: Logits (B, X, Y, Z, K), of M columns (M, Z, K), or labels.
        """
        cells = self.final_conv(bev).permute(0, 3, 2, 1)  # (B, X, Y, C)
        if columns is not None:
            cells = cells[columns]
        logits = self.predicter(cells).unflatten(-1, self.heights_and_classes)
        return logits if with_confidence is None else decode_labels(logits, with_confidence)


class NanoOccupancyHead(nn.Module):
    """
    Score voxels with one 1x1 layer, depth to space and one linear layer.

    :param voxel_channels: Channels per cell before the last layer.
    """

    def __init__(self, in_channels: int, voxel_channels: int, config: OccupancyHeadConfig) -> None:
        super().__init__()
        self.heights_and_classes = (config.num_heights, config.num_classes)
        self.expand = ConvBlock(in_channels, 4 * voxel_channels, 1, has_bn=True, has_relu=True)
        self.predicter = nn.Conv2d(voxel_channels, config.num_heights * config.num_classes, 1)

    def forward(self, bev: Tensor, with_confidence: bool | None = None,
                columns: Tensor | None = None) -> Tensor | VoxelLabels:
        """Score every voxel of (B, C, Y/2, X/2), as `OccupancyHead` does."""
        cells = pixel_shuffle(self.expand(bev), 2).transpose(2, 3)  # (B, c, X, Y)
        if columns is not None:
            return linear(cells.permute(0, 2, 3, 1)[columns], self.predicter.weight.flatten(1),
                          self.predicter.bias).unflatten(-1, self.heights_and_classes)
        scores = self.predicter(cells.contiguous(memory_format=torch.channels_last))
        logits = scores.permute(0, 2, 3, 1).unflatten(-1, self.heights_and_classes)
        return logits if with_confidence is None else decode_labels(logits, with_confidence)


def _start_at_class_frequencies(layer: nn.Linear | nn.Conv2d, config: OccupancyHeadConfig) -> None:
    """
    Set the bias of the last layer to the logarithm of the class frequencies.

    With the usual initialization an untrained head calls nearly every voxel occupied, and the
    first steps of a training only unlearn that. A prior in the bias avoids both (focal loss, Lin
    et al., arXiv:1708.02002, Sec. 3.3, does so for one foreground class).
    """
    counts = torch.tensor(config.class_counts, dtype=torch.float64, device='cpu')
    with torch.no_grad():
        layer.bias.copy_((counts / counts.sum()).log().repeat(config.num_heights))


def build_occupancy_head(config: NetworkConfig) -> nn.Module | None:
    """Make the occupancy head, or None if the network has none."""
    if config.occupancy is None:
        return None
    channels = config.feature_channels
    if config.nano is not None:
        head = NanoOccupancyHead(channels, config.nano.voxel_channels, config.occupancy)
        last = head.predicter
    else:
        unit = config.published.bev_unit
        conv = ConvBlock(channels, channels, 3, has_bn=False, has_relu=True) if unit is None else (
            BdcUnit(channels, channels, unit))
        head = OccupancyHead(conv, channels, config.occupancy)
        last = head.predicter[-1]
    if config.occupancy.class_counts is not None:
        _start_at_class_frequencies(last, config.occupancy)
    return head
