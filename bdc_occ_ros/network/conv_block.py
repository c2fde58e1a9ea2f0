# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A convolution with its normalization and activation."""

from torch import nn, Tensor


class ConvBlock(nn.Module):
    """
    Convolution, then batch normalization or a bias, then ReLU or nothing.

    :param in_channels: Channels of the input.
    :param out_channels: Channels of the output.
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
        """
        Apply the block.

        :param x: (B, Ci, H, W).
        :return: (B, Co, H, W).
        """
        return self.activate(self.bn(self.conv(x)))
