# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The shifts of RPReLUs in units of full precision into the convolutions around them.

The shift before a PReLU joins the bias of the convolution in front, the shift behind it the bias
of a 1x1 that follows (which has no border where the shift would be missing).
"""

from torch import nn, Tensor

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.layers import BinaryConv2d, ChannelBias


def fold_shifts(network: nn.Module) -> None:
    """
    Fold shifts into biases, in place; Identity takes their place.

    :param network: In inference; normalizations are folded already.
    """
    for unit in network.modules():
        if isinstance(unit, BdcUnit) and not isinstance(unit.binary_conv_relu[0], BinaryConv2d):
            _fold_unit(unit)


def _fold_unit(unit: BdcUnit) -> None:
    """Fold the shifts of one unit."""
    convolution, _, activation, *last = unit.binary_conv_relu
    _add_to_bias(convolution, _taken(activation, 'pr_bias0'))
    if last:
        following, _, bend = last
        shift = _taken(activation, 'pr_bias1')
        _add_to_bias(following, following.weight.detach().double().flatten(1) @ shift)
        _add_to_bias(following, _taken(bend, 'pr_bias0'))


def _taken(activation: nn.Module, name: str) -> Tensor:
    """Take a shift out of an RPReLU and return it, (C,) float64."""
    shift: ChannelBias = getattr(activation, name)
    setattr(activation, name, nn.Identity())
    return shift.bias.detach().double().flatten()


def _add_to_bias(layer: nn.Conv2d, shift: Tensor) -> None:
    """Add to the bias of a convolution, which need not have one."""
    bias = shift if layer.bias is None else layer.bias.detach().double() + shift
    layer.bias = nn.Parameter(bias.to(layer.weight.dtype), requires_grad=False)
