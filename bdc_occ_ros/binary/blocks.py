# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Change size and channels with units that keep both, and join modules to residual blocks.

The basic module of the paper is one BdcUnit; DownSampling, UpSampling and ChannelReduction are its
other three, two units in parallel each. The blocks are those of the binary BEV backbone.
"""

from dataclasses import replace

from torch import cat, nn, Tensor
from torch.nn.functional import interpolate

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.binary.layers import RPReLU


class DownSampling(nn.Module):
    """Halve a map and double its channels: average, then two units in parallel."""

    def __init__(self, channels: int, config: UnitConfig) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(2)
        self.biconv_1 = BdcUnit(channels, channels, config)
        self.biconv_2 = BdcUnit(channels, channels, config)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the units: (B, C, H, W) of even H and W to (B, 2C, H/2, W/2)."""
        pooled = self.pool(x)
        return cat((self.biconv_1(pooled), self.biconv_2(pooled)), dim=1)


class UpSampling(nn.Module):
    """Double the size of a map: bilinear, then one unit for each half of the channels."""

    def __init__(self, channels: int, config: UnitConfig) -> None:
        super().__init__()
        self.biconv_1 = BdcUnit(channels // 2, channels // 2, config)
        self.biconv_2 = BdcUnit(channels // 2, channels // 2, config)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the units: (B, C, H, W) to (B, C, 2H, 2W)."""
        larger = interpolate(x, scale_factor=2, mode='bilinear', align_corners=False)
        first, second = larger.chunk(2, dim=1)
        return cat((self.biconv_1(first), self.biconv_2(second)), dim=1)


class ChannelReduction(nn.Module):
    """Halve the channels of a map: one unit for each half of them, then their mean."""

    def __init__(self, channels: int, config: UnitConfig) -> None:
        super().__init__()
        self.biconv_1 = BdcUnit(channels // 2, channels // 2, config)
        self.biconv_2 = BdcUnit(channels // 2, channels // 2, config)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the units: (B, C, H, W) to (B, C/2, H, W)."""
        first, second = x.chunk(2, dim=1)
        return (self.biconv_1(first) + self.biconv_2(second)) / 2


class BinaryBlock(nn.Module):
    """
    Add a shortcut to two modules in a row and apply RPReLU: a residual block.

    :param conv1: First module; it may change size and channels.
    :param conv2: Second module; it changes neither.
    :param downsample: Shortcut with the same change, or None where there is none.
    :param channels: Channels of the result.
    """

    def __init__(self, conv1: nn.Module, conv2: nn.Module, downsample: nn.Module | None,
                 channels: int) -> None:
        super().__init__()
        self.conv1 = conv1
        self.conv2 = conv2
        self.downsample = downsample
        self.relu = RPReLU(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block: (B, Ci, H, W) to (B, C, H', W')."""
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(self.conv2(self.conv1(x)) + shortcut)


def same_block(channels: int, config: UnitConfig) -> BinaryBlock:
    """Make a block that keeps size and channels."""
    return BinaryBlock(BdcUnit(channels, channels, config), BdcUnit(channels, channels, config),
                       None, channels)


def strided_block(in_channels: int, out_channels: int, config: UnitConfig) -> BinaryBlock:
    """Make a block that halves the size with strided units; out_channels may be twice as many."""
    return BinaryBlock(BdcUnit(in_channels, out_channels, config, stride=2),
                       BdcUnit(out_channels, out_channels, config),
                       BdcUnit(in_channels, out_channels, _bare(config), stride=2), out_channels)


def down_block(in_channels: int, config: UnitConfig) -> BinaryBlock:
    """Make a block that halves the size and doubles the channels with down-sampling modules."""
    channels = 2 * in_channels
    return BinaryBlock(DownSampling(in_channels, config), BdcUnit(channels, channels, config),
                       DownSampling(in_channels, _bare(config)), channels)


def _bare(config: UnitConfig) -> UnitConfig:
    """Leave out batch normalization, as the authors' code does in shortcuts."""
    return replace(config, with_bn=False, with_identity_bn=False)
