# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Changing size and channels with units that keep both: two units side by side do the work.

The basic module of the paper is one BdcUnit; these are its other three.
"""

from torch import cat, nn, Tensor
from torch.nn.functional import interpolate

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.config import UnitConfig


class DownSampling(nn.Module):
    """Halve a map and double its channels: average, then two units side by side."""

    def __init__(self, channels: int, config: UnitConfig) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(2)
        self.biconv_1 = BdcUnit(channels, channels, config)
        self.biconv_2 = BdcUnit(channels, channels, config)

    def forward(self, x: Tensor) -> Tensor:
        """
        Halve the size, double the channels.

        :param x: (B, C, H, W) with even H and W.
        :return: (B, 2C, H/2, W/2).
        """
        pooled = self.pool(x)
        return cat((self.biconv_1(pooled), self.biconv_2(pooled)), dim=1)


class UpSampling(nn.Module):
    """(B, C, H, W) to (B, C, 2H, 2W): bilinear, then one unit for each half of the channels."""

    def __init__(self, channels: int, config: UnitConfig) -> None:
        super().__init__()
        self.biconv_1 = BdcUnit(channels // 2, channels // 2, config)
        self.biconv_2 = BdcUnit(channels // 2, channels // 2, config)

    def forward(self, x: Tensor) -> Tensor:
        """
        Double the size.

        :param x: (B, C, H, W).
        :return: (B, C, 2H, 2W).
        """
        larger = interpolate(x, scale_factor=2, mode='bilinear', align_corners=False)
        first, second = larger.chunk(2, dim=1)
        return cat((self.biconv_1(first), self.biconv_2(second)), dim=1)


class ChannelReduction(nn.Module):
    """(B, C, H, W) to (B, C/2, H, W): one unit for each half of the channels, then their mean."""

    def __init__(self, channels: int, config: UnitConfig) -> None:
        super().__init__()
        self.biconv_1 = BdcUnit(channels // 2, channels // 2, config)
        self.biconv_2 = BdcUnit(channels // 2, channels // 2, config)

    def forward(self, x: Tensor) -> Tensor:
        """
        Halve the channels.

        :param x: (B, C, H, W).
        :return: (B, C/2, H, W).
        """
        first, second = x.chunk(2, dim=1)
        return (self.biconv_1(first) + self.biconv_2(second)) / 2
