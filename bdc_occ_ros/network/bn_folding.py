# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Batch normalization into the convolution before it, worked out in float64."""

from itertools import pairwise

import torch
from torch import nn, Tensor

from bdc_occ_ros.binary.layers import BinaryConv2d
from bdc_occ_ros.network.nano_layers import LevelFusion


def scale_and_offset(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """
    Return what a normalization by running statistics multiplies by and adds.

    :return: (C,) float64 each.
    """
    scale = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)
    return scale, norm.bias.detach().double() - norm.running_mean.double() * scale


def fold_normalizations(network: nn.Module) -> None:
    """
    Fold every normalization that directly follows a real convolution, in place.

    Identity takes the place of the normalization, so that its neighbours keep their names.

    :param network: In inference; a module that lists a convolution and right behind it a
        normalization applies one to the other, except LevelFusion, which applies its own to a sum.
    """
    for module in list(network.modules()):
        if isinstance(module, LevelFusion):
            _fold_fusion(module)
            continue
        for (_, layer), (name, following) in pairwise(list(module.named_children())):
            if isinstance(following, nn.BatchNorm2d) and isinstance(layer, nn.Conv2d) and (
                    not isinstance(layer, BinaryConv2d)):
                scale, offset = scale_and_offset(following)
                _scale(layer, scale)
                _shift(layer, scale, offset)
                setattr(module, name, nn.Identity())


def _fold_fusion(fusion: LevelFusion) -> None:
    """Scale both convolutions before the sum; the offset is the finer one's."""
    scale, offset = scale_and_offset(fusion.bn)
    _scale(fusion.fine, scale)
    _scale(fusion.coarse, scale)
    _shift(fusion.fine, scale, offset)
    fusion.bn = nn.Identity()


def _scale(layer: nn.Conv2d, scale: Tensor) -> None:
    """Multiply the results of a convolution, apart from its bias."""
    weight = layer.weight.detach().double() * scale[:, None, None, None]
    layer.weight = nn.Parameter(weight.to(layer.weight.dtype), requires_grad=False)


def _shift(layer: nn.Conv2d, scale: Tensor, offset: Tensor) -> None:
    """Scale the bias of a convolution and add to it."""
    bias = 0.0 if layer.bias is None else layer.bias.detach().double()
    layer.bias = nn.Parameter((bias * scale + offset).to(layer.weight.dtype), requires_grad=False)
