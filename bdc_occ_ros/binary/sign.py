# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Take the sign of activations and of weights, with surrogate gradients.

The sign of zero is an argument everywhere: 0 is torch.sign, which the authors train with; +1 is
what one stored bit can hold (a set bit is +1). Convolutions pad after the sign, with literal 0.
"""

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import nn, Tensor


def sign(x: Tensor, sign_of_zero: int) -> Tensor:
    """
    Return the sign of every element, without a useful gradient.

    :param sign_of_zero: What an exact zero gives, 0 or 1.
    """
    if sign_of_zero == 0:
        return torch.sign(x)
    one = torch.ones((), dtype=x.dtype, device=x.device)
    return torch.copysign(one, x + 0.0)  # adding zero turns -0 into +0


class _TanhSign(torch.autograd.Function):
    """Compute the sign forward, the derivative of tanh(beta x) backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, beta: Tensor, sign_of_zero: int) -> Tensor:
        ctx.save_for_backward(x, beta)
        return sign(x, sign_of_zero)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        x, beta = ctx.saved_tensors
        slope = gradient * (1 - torch.tanh(beta * x).square())
        return beta * slope, (slope * x).sum().reshape(beta.shape), None


class _FixedSign(torch.autograd.Function):
    """Compute the sign forward, a slope without parameters backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: Callable[[Tensor], Tensor], sign_of_zero: int
                ) -> Tensor:
        ctx.save_for_backward(x)
        ctx.slope = slope
        return sign(x, sign_of_zero)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        x, = ctx.saved_tensors
        return gradient * ctx.slope(x), None, None


def _polynomial_slope(x: Tensor) -> Tensor:  # of 2x + x^2 below 0, of 2x - x^2 above
    return 2 * (1 - x.abs()).clamp(min=0)


def _clip_slope(x: Tensor) -> Tensor:  # of clip(x, -1, 1), both ends included
    return x.abs() <= 1


class _ScaledSign(torch.autograd.Function):
    """Compute the scaled sign of a weight forward, the identity within [-1, 1] backward."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, sign_of_zero: int) -> Tensor:
        ctx.save_for_backward(weight)
        scale = weight.abs().mean(dim=tuple(range(1, weight.ndim)), keepdim=True)
        return sign(weight, sign_of_zero) * scale

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        weight, = ctx.saved_tensors
        return gradient * (weight.abs() <= 1), None


def scaled_sign(weight: Tensor, sign_of_zero: int) -> Tensor:
    """
    Binarize weights with one scale per output channel, the mean absolute value.

    The gradient passes unchanged where -1 <= weight <= 1, both ends included, and is 0 elsewhere;
    none flows through the scale (XNOR-Net's scale with a clipped straight-through gradient).

    :param weight: Latent weights, (Co, ...), floating.
    :param sign_of_zero: What an exact zero gives, 0 or 1.
    :return: scale * sign, shape and dtype of weight.
    """
    return _ScaledSign.apply(weight, sign_of_zero)


class BinaryActivation(nn.Module):
    """
    Take the sign of activations.

    :param sign_of_zero: What an exact zero gives, 0 or 1.
    :param gradient: Surrogate for the sign's: tanh, that of tanh(beta x) with a learned
        sharpness beta (arXiv:2405.17037, code); polynomial, 2 - 2 |x| within [-1, 1]
        (arXiv:2003.03488); clip, 1 there, both ends included.
    """

    def __init__(self, sign_of_zero: int,
                 gradient: Literal['tanh', 'polynomial', 'clip'] = 'tanh') -> None:
        super().__init__()
        self.sign_of_zero = sign_of_zero
        self.gradient = gradient
        self.beta = nn.Parameter(torch.ones(1)) if gradient == 'tanh' else None

    def forward(self, x: Tensor) -> Tensor:
        """Return the signs of activations, same shape and dtype."""
        if self.beta is not None:
            return _TanhSign.apply(x, self.beta, self.sign_of_zero)
        slope = _polynomial_slope if self.gradient == 'polynomial' else _clip_slope
        return _FixedSign.apply(x, slope, self.sign_of_zero)
