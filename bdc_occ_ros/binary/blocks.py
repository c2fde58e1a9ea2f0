# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The residual blocks of the binary BEV backbone."""

from dataclasses import replace

from torch import nn, Tensor

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.binary.layers import RPReLU
from bdc_occ_ros.binary.resampling import DownSampling


class BinaryBlock(nn.Module):
    """
    RPReLU of two modules in a row plus a shortcut.

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
        """
        Apply the block.

        :param x: (B, Ci, H, W).
        :return: (B, C, H', W').
        """
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(self.conv2(self.conv1(x)) + shortcut)


def same_block(channels: int, config: UnitConfig) -> BinaryBlock:
    """
    Make a block that keeps size and channels.

    :param channels: Channels in and out.
    """
    return BinaryBlock(BdcUnit(channels, channels, config), BdcUnit(channels, channels, config),
                       None, channels)


def strided_block(in_channels: int, out_channels: int, config: UnitConfig) -> BinaryBlock:
    """
    Make a block that halves the size with strided units.

    As in the authors' code its shortcut never has batch normalization.

    :param out_channels: As many, or twice as many.
    """
    bare = replace(config, with_bn=False, with_identity_bn=False)
    return BinaryBlock(BdcUnit(in_channels, out_channels, config, stride=2),
                       BdcUnit(out_channels, out_channels, config),
                       BdcUnit(in_channels, out_channels, bare, stride=2), out_channels)


def down_block(in_channels: int, config: UnitConfig) -> BinaryBlock:
    """
    Make a block that halves the size and doubles the channels with down-sampling modules.

    As in the authors' code its shortcut never has batch normalization.
    """
    bare = replace(config, with_bn=False, with_identity_bn=False)
    channels = 2 * in_channels
    return BinaryBlock(DownSampling(in_channels, config), BdcUnit(channels, channels, config),
                       DownSampling(in_channels, bare), channels)
