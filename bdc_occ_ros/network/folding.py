# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Fold what stands beside real convolutions into them, in float64.

A batch normalization joins the convolution in front. In units of full precision the shift before
a PReLU joins the bias of the convolution in front, the shift behind it the bias of a 1x1 that
follows (which has no border where the shift would be missing). Identity takes the place of what
was folded, so that its neighbours keep their names.
"""

from itertools import pairwise

import torch
from torch import nn, Tensor

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.layers import BinaryConv2d
from bdc_occ_ros.network.layers import LevelFusion


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

    :param network: In inference; a module that lists a convolution and right behind it a
        normalization applies one to the other, except LevelFusion, which applies its own to a sum.
    """
    for module in list(network.modules()):
        if isinstance(module, LevelFusion):
            scale, offset = scale_and_offset(module.bn)
            _apply_to_results(module.fine, scale, offset)
            _apply_to_results(module.coarse, scale)
            module.bn = nn.Identity()
            continue
        for (_, layer), (name, following) in pairwise(list(module.named_children())):
            if isinstance(following, nn.BatchNorm2d) and isinstance(layer, nn.Conv2d) and (
                    not isinstance(layer, BinaryConv2d)):
                _apply_to_results(layer, *scale_and_offset(following))
                setattr(module, name, nn.Identity())


def fold_shifts(network: nn.Module) -> None:
    """
    Fold the shifts of RPReLUs in units of full precision, in place.

    :param network: In inference; normalizations are folded already.
    """
    for unit in network.modules():
        if not isinstance(unit, BdcUnit) or isinstance(unit.binary_conv_relu[0], BinaryConv2d):
            continue
        convolution, _, activation, *last = unit.binary_conv_relu
        _add_to_bias(convolution, _taken(activation, 'pr_bias0'))
        if last:
            following, _, bend = last
            shift = _taken(activation, 'pr_bias1')
            _add_to_bias(following, following.weight.detach().double().flatten(1) @ shift)
            _add_to_bias(following, _taken(bend, 'pr_bias0'))


def _taken(activation: nn.Module, name: str) -> Tensor:
    """Take a shift out of an RPReLU and return it, (C,) float64."""
    shift = getattr(activation, name)
    setattr(activation, name, nn.Identity())
    return shift.bias.detach().double().flatten()


def _apply_to_results(layer: nn.Conv2d, scale: Tensor, offset: Tensor | None = None) -> None:
    """Multiply the results of a convolution and add to them; without offset it has no bias."""
    weight = layer.weight.detach().double() * scale[:, None, None, None]
    layer.weight = nn.Parameter(weight.to(layer.weight.dtype), requires_grad=False)
    if offset is not None:
        bias = 0.0 if layer.bias is None else layer.bias.detach().double()
        layer.bias = nn.Parameter((bias * scale + offset).to(layer.weight.dtype),
                                  requires_grad=False)


def _add_to_bias(layer: nn.Conv2d, shift: Tensor) -> None:
    """Add to the bias of a convolution, which need not have one."""
    bias = shift if layer.bias is None else layer.bias.detach().double() + shift
    layer.bias = nn.Parameter(bias.to(layer.weight.dtype), requires_grad=False)
