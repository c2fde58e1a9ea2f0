# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Define the layers that several stages are made of."""

from torch import nn, Tensor
from torch.nn.functional import interpolate

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.blocks import ChannelReduction
from bdc_occ_ros.binary.config import UnitConfig


class ConvBlock(nn.Module):
    """
    Apply a convolution, then batch normalization or a bias, then ReLU or nothing.

    :param kernel_size: Odd size of the square kernel.
    :param has_bn: Batch normalization instead of a bias.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, *,
                 has_bn: bool, has_relu: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2,
                              bias=not has_bn)
        self.bn = nn.BatchNorm2d(out_channels) if has_bn else nn.Identity()
        self.activate = nn.ReLU(inplace=True) if has_relu else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, Ci, H, W) to (B, Co, H, W)."""
        return self.activate(self.bn(self.conv(x)))


class HalvingChain(nn.Module):
    """
    Halve the channels in a row, until the channels wanted are left.

    :param out_channels: Channels of the result: in_channels halved some times.
    :param prefix: Name of the modules, which are numbered from 0.
    """

    def __init__(self, in_channels: int, out_channels: int, prefix: str,
                 config: UnitConfig) -> None:
        super().__init__()
        for index in range((in_channels // out_channels).bit_length() - 1):
            self.add_module(f'{prefix}_{index}', ChannelReduction(in_channels >> index, config))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, Ci, H, W) to (B, Co, H, W)."""
        for reduction in self.children():
            x = reduction(x)
        return x


class LevelFusion(nn.Module):
    """
    Join a fine and a coarse map with 1x1 convolutions.

    It equals upsampling, concatenating and one 1x1 convolution, but the convolution comes first:
    both are linear, and so the coarse half is convolved on a quarter of the cells.
    """

    def __init__(self, fine_channels: int, coarse_channels: int, out_channels: int) -> None:
        super().__init__()
        self.fine = nn.Conv2d(fine_channels, out_channels, 1, bias=False)
        self.coarse = nn.Conv2d(coarse_channels, out_channels, 1, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, levels: tuple[Tensor, Tensor]) -> Tensor:
        """
        Join the levels.

        :param levels: (B, C1, H, W) and (B, C2, H/2, W/2).
        :return: (B, C, H, W), normalized and not yet bent.
        """
        fine, coarse = self.fine(levels[0]), self.coarse(levels[1])
        return self.bn(fine + interpolate(coarse, size=fine.shape[-2:], mode='bilinear'))


def unit_chain(in_channels: int, out_channels: int, count: int, config: UnitConfig,
               stride: int = 1) -> nn.Sequential:
    """
    Make units in a row, the first of which strides and widens.

    :param out_channels: As many as in_channels, or twice as many.
    :param count: Number of units, at least 1.
    :param stride: 1 or 2, of the first unit.
    """
    return nn.Sequential(BdcUnit(in_channels, out_channels, config, stride),
                         *(BdcUnit(out_channels, out_channels, config) for _ in range(count - 1)))
