# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The layers between which a binarized network alternates: move, convolve, bend."""

import torch
from torch import nn, Tensor
from torch.nn import functional

from bdc_occ_ros.binary.prelu import PReLU
from bdc_occ_ros.binary.sign import scaled_sign


class Redistribution(nn.Module):
    """
    Scale and shift per channel before a sign, so that each channel finds its own threshold.

    :param channels: Channels of the input.
    :param has_scale: Whether k is learned, or 1.
    """

    def __init__(self, channels: int, has_scale: bool = True) -> None:
        super().__init__()
        self.b = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.k = nn.Parameter(torch.ones(1, channels, 1, 1)) if has_scale else None

    def forward(self, x: Tensor) -> Tensor:
        """
        Return k x + b.

        :param x: (B, C, H, W) floating.
        """
        return x + self.b if self.k is None else torch.addcmul(self.b, self.k, x)


class BinaryConv2d(nn.Conv2d):
    """
    Convolution whose weights are signs times one scale per output channel; no bias.

    The parameter is the latent real weight that training moves. The input is taken as it comes:
    is_input_binary only states what the unit feeds it, so that costs can be counted and a packed
    kernel chosen. Padding is k // 2 of literal zeros, after the sign.

    :param in_channels: Channels of the input.
    :param out_channels: Channels of the output.
    :param kernel_size: Odd size of the square kernel.
    :param sign_of_zero: Sign of an exactly zero weight, 0 or 1.
    :param is_input_binary: Whether the input consists of signs.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, *,
                 sign_of_zero: int, is_input_binary: bool) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, kernel_size // 2,
                         bias=False)
        self.sign_of_zero = sign_of_zero
        self.is_input_binary = is_input_binary

    def forward(self, x: Tensor) -> Tensor:
        """
        Convolve with the binarized weight.

        :param x: (B, Ci, H, W) floating.
        :return: (B, Co, H', W').
        """
        weight = scaled_sign(self.weight, self.sign_of_zero)
        return functional.conv2d(x, weight, None, self.stride, self.padding)


class ChannelBias(nn.Module):
    """
    A learnable shift per channel.

    :param channels: Channels of the input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """
        Return x + bias.

        :param x: (B, C, H, W) floating.
        """
        return x + self.bias


class RPReLU(nn.Module):
    """
    PReLU with a learnable shift before and after it (ReActNet, arXiv:2003.03488).

    :param channels: Channels of the input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pr_bias0 = ChannelBias(channels)
        self.pr_prelu = PReLU(channels)
        self.pr_bias1 = ChannelBias(channels)

    def forward(self, x: Tensor) -> Tensor:
        """
        Return prelu(x + bias0) + bias1.

        :param x: (B, C, H, W) floating.
        """
        return self.pr_bias1(self.pr_prelu(self.pr_bias0(x)))
