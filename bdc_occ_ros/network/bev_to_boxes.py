# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Turn bird's-eye features into maps of centres and attributes (CenterPoint, arXiv:2006.11275)."""

from typing import NamedTuple

import torch
from torch import nn, Tensor

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.network.config import BoxHeadConfig, NetworkConfig
from bdc_occ_ros.network.layers import ConvBlock, HalvingChain

HEATMAP_PRIOR_LOGIT = -2.19  # a tenth: most cells hold no centre


class BoxMaps(NamedTuple):
    """
    Hold the output of the box head at every cell of its map, (B, channels, rows = y, columns = x).

    :param heatmap: Logit per class that a centre lies in the cell.
    :param reg: Offset of the centre from the cell's lower corner, x y, in cells.
    :param height: z of the centre, metres, ego frame.
    :param dim: Logarithm of length, width and height in metres.
    :param rot: Sine and cosine of the yaw.
    :param vel: Velocity x y, metres per second.
    """

    heatmap: Tensor
    reg: Tensor
    height: Tensor
    dim: Tensor
    rot: Tensor
    vel: Tensor


def map_channels(config: BoxHeadConfig) -> dict[str, int]:
    """Return the channels of every map, in the order of the authors' checkpoints."""
    return {'reg': 2, 'height': 1, 'dim': 3, 'rot': 2, 'vel': 2,
            'heatmap': len(config.class_names)}


class CenterHead(nn.Module):
    """
    Compute box maps as published: shared layers, then two layers per map.

    :param unit: Unit of all but the last layers, or None for full precision.
    """

    def __init__(self, in_channels: int, config: BoxHeadConfig, unit: UnitConfig | None) -> None:
        super().__init__()
        shared = config.shared_channels

        def hidden() -> nn.Module:
            if unit is None:
                return ConvBlock(shared, shared, 3, has_bn=True, has_relu=True)
            return BdcUnit(shared, shared, unit)

        self.shared_conv = (
            ConvBlock(in_channels, shared, 3, has_bn=True, has_relu=True) if unit is None
            else HalvingChain(in_channels, shared, 'shared_conv', unit))
        maps = {name: nn.Sequential(hidden(), nn.Conv2d(shared, channels, 3, padding=1))
                for name, channels in map_channels(config).items()}
        nn.init.constant_(maps['heatmap'][-1].bias, HEATMAP_PRIOR_LOGIT)
        self.task_heads = nn.ModuleList([nn.ModuleDict(maps)])

    def forward(self, bev: Tensor) -> BoxMaps:
        """Compute maps of Y by X cells from (B, C, Y, X)."""
        shared = self.shared_conv(bev)
        return BoxMaps(**{name: layers(shared) for name, layers in self.task_heads[0].items()})


class NanoBoxHead(nn.Module):
    """Compute box maps with two 1x1 layers for all maps together."""

    def __init__(self, in_channels: int, hidden_channels: int, config: BoxHeadConfig) -> None:
        super().__init__()
        self.channels = map_channels(config)
        self.hidden = ConvBlock(in_channels, hidden_channels, 1, has_bn=True, has_relu=True)
        self.maps = nn.Conv2d(hidden_channels, sum(self.channels.values()), 1)
        with torch.no_grad():
            self.maps.bias[-self.channels['heatmap']:] = HEATMAP_PRIOR_LOGIT

    def forward(self, bev: Tensor) -> BoxMaps:
        """Compute maps of Y' by X' cells from (B, C, Y', X')."""
        maps = self.maps(self.hidden(bev)).split(list(self.channels.values()), dim=1)
        return BoxMaps(**dict(zip(self.channels, maps)))


def build_box_head(config: NetworkConfig) -> nn.Module | None:
    """Make the box head, or None if the network has none."""
    if config.boxes is None:
        return None
    if config.nano is not None:
        return NanoBoxHead(config.feature_channels, config.nano.box_channels, config.boxes)
    return CenterHead(config.feature_channels, config.boxes, config.published.bev_unit)
