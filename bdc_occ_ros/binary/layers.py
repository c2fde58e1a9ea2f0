# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Redistribute, convolve and activate: the layers of a binarized network."""

from typing import Any

import torch
from torch import nn, Tensor
from torch.nn import functional

from bdc_occ_ros.binary.sign import scaled_sign


class Redistribution(nn.Module):
    """
    Scale and shift per channel before a sign, so that each channel finds its own threshold.

    :param has_scale: Whether k is learned, or 1.
    """

    def __init__(self, channels: int, has_scale: bool = True) -> None:
        super().__init__()
        self.b = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.k = nn.Parameter(torch.ones(1, channels, 1, 1)) if has_scale else None

    def forward(self, x: Tensor) -> Tensor:
        """Return k x + b for (B, C, H, W)."""
        shift = self.b.to(x.dtype)  # else bfloat16 would turn into float32 here
        return x + shift if self.k is None else torch.addcmul(shift, self.k.to(x.dtype), x)


class BinaryConv2d(nn.Conv2d):
    """
    Convolve with weights that are signs times one scale per output channel; no bias.

    The parameter is the latent real weight that training moves. The input is taken as it comes:
    is_input_binary only states what the unit feeds it, so that costs can be counted and a packed
    kernel chosen. Padding is k // 2 of literal zeros, after the sign.

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
        """Convolve (B, Ci, H, W) with the binarized weight."""
        weight = scaled_sign(self.weight, self.sign_of_zero)
        return functional.conv2d(x, weight, None, self.stride, self.padding)


class ChannelBias(nn.Module):
    """Add a learnable bias per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return x + bias for (B, C, H, W)."""
        return x + self.bias.to(x.dtype)


class _PReLU(torch.autograd.Function):
    """Compute PyTorch's PReLU; the same gradients without a branch per element."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: Tensor) -> Tensor:
        ctx.save_for_backward(x, slope)
        return functional.prelu(x, slope)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, slope = ctx.saved_tensors
        above = torch.ops.aten.threshold_backward(gradient, x, 0)
        below = (gradient - above) * slope.view(-1, 1, 1)
        for_slope = (gradient * x.clamp(max=0)).sum((0, 2, 3))
        return above + below, for_slope


class PReLU(nn.PReLU):
    """
    Scale negative values per channel as torch.nn.PReLU: same parameter, values, gradients.

    The backward pass takes whole-tensor steps, three times as fast on a CPU as PyTorch's.
    """

    def forward(self, x: Tensor) -> Tensor:
        return _PReLU.apply(x, self.weight.to(x.dtype))


class RPReLU(nn.Module):
    """Apply PReLU with a learnable shift before and after it (ReActNet, arXiv:2003.03488)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pr_bias0 = ChannelBias(channels)
        self.pr_prelu = PReLU(channels)
        self.pr_bias1 = ChannelBias(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return prelu(x + bias0) + bias1 for (B, C, H, W)."""
        return self.pr_bias1(self.pr_prelu(self.pr_bias0(x)))
