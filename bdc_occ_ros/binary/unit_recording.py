# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
A packed BDC unit as operations of a plan.

The 3x3 convolution goes straight to the bits of the 1x1. That runs twice in V3: once for the sums
that the gate needs and once, gated, for the result. On bits this is cheaper than keeping the
result of the first pass, which is real. The sign of the unit that follows is asked for when that
unit is recorded, and is then written by the last pass of this one.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import torch

from bdc_occ_ros.binary.folded_unit import FoldedConvolution, FoldedUnit
from bdc_occ_ros.errors import InvalidOperationError
from bdc_occ_ros.kernels.operations import (
    AveragePool,
    BranchLayer,
    Combine,
    Convolution,
    Epilogue,
    Gate,
    Map,
    RealConvolution,
)
from bdc_occ_ros.kernels.plan import Plan

if TYPE_CHECKING:
    from bdc_occ_ros.binary.packed_unit import PackedBdcUnit


def record_unit(plan: Plan, unit: 'PackedBdcUnit', source: Map, dtype: torch.dtype, *,
                bits: Map | None = None, into: Map | None = None) -> Map:
    """
    Record a unit.

    :param source: Real map, (N, H, W, Ci).
    :param dtype: Of the real maps that are written: the type of the residual stream.
    :param bits: The sign of the source by the unit's own thresholds, where it is there already.
    :param into: Where to write the result; a new map if None.
    :return: Real map, (N, H / stride, W / stride, Co).
    :raises InvalidOperationError: if channels or size do not fit the unit.
    """
    folded = unit.folded
    batch, height, width, _ = source.buffer.shape
    if source.channels != unit.in_channels or height % unit.stride or width % unit.stride:
        raise InvalidOperationError(
            f'a unit of {unit.in_channels} channels and stride {unit.stride} needs as many '
            f'channels and a size that the stride divides; got {source.channels} channels of '
            f'{height}x{width}')
    if bits is None:
        bits = plan.signs_of(source, folded.sign)
    shortcut = source
    if unit.stride == 2:
        height, width = height // 2, width // 2
        shortcut = plan.real((batch, height, width, unit.in_channels), dtype)
        plan.record(AveragePool(source, shortcut))
    if into is None:
        into = plan.real((batch, height, width, unit.out_channels), dtype)
    identity = shortcut
    if unit.out_channels < unit.in_channels:
        identity = _record_mean_of_halves(plan, shortcut, dtype)
    last = partial(Epilogue, shortcut=identity, shortcut_scale=folded.shortcut_scale,
                   shortcut_offset=folded.shortcut_offset, output=into)
    if unit.version == 0:
        _record_only_convolution(plan, unit, bits, last, dtype)
        return into
    middle = _record_spatial(plan, unit, bits, shortcut, dtype)
    if unit.version == 1:
        _record_product(plan, middle, folded.point.weights, _ended(folded.point, last))
    elif unit.version == 2:
        _record_branch_per_pixel(plan, folded, middle, last, dtype)
    else:
        _record_gated(plan, folded, middle, last)
    return into


def _ended(convolution: FoldedConvolution, make: Callable[..., Epilogue]) -> Epilogue:
    """Return an epilogue that starts with what belongs to a convolution."""
    return make(scale=convolution.scale, offset=convolution.offset,
                activation=convolution.activation)


def _record_mean_of_halves(plan: Plan, source: Map, dtype: torch.dtype) -> Map:
    """Record the identity path where the channels halve."""
    half = source.channels // 2
    mean = plan.real((*source.buffer.shape[:3], half), dtype)
    plan.record(Combine(*(Map(source.buffer, source.first_channel + start, half)
                          for start in (0, half)),
                        left_weight=0.5, right_weight=0.5, output=mean))
    return mean


def _record_only_convolution(plan: Plan, unit: 'PackedBdcUnit', bits: Map,
                             last: Callable[..., Epilogue], dtype: torch.dtype) -> None:
    """Record V0; where RPReLU bends the sum, it takes a pass of its own."""
    folded = unit.folded
    epilogue = _ended(folded.spatial, last)
    total = into = epilogue.output
    if folded.last_activation is not None:
        total = plan.real((*into.buffer.shape[:3], into.channels), dtype)
    plan.record(Convolution(bits, folded.spatial.weights, unit.stride,
                            epilogue=replace(epilogue, output=total)))
    if folded.last_activation is not None:
        plan.record(Combine(total, activation=folded.last_activation, output=into))


def _record_spatial(plan: Plan, unit: 'PackedBdcUnit', bits: Map, shortcut: Map,
                    dtype: torch.dtype) -> Map:
    """Record the 3x3 convolution up to what the 1x1 takes: bits, or a real map."""
    folded = unit.folded
    spatial = folded.spatial
    record = partial(Convolution, bits, spatial.weights, unit.stride)
    shape = (*shortcut.buffer.shape[:3], unit.in_channels)
    if spatial.integer_sign is not None:
        middle = plan.bits(shape)
        plan.record(record(bits_of_integer=middle, integer_sign=spatial.integer_sign))
        return middle
    ending = partial(Epilogue, shortcut=shortcut if unit.has_inner_shortcut else None)
    if folded.point_sign is not None:
        middle = plan.bits(shape)
        ending = partial(ending, bits=middle, sign=folded.point_sign)
    else:
        middle = plan.real(shape, dtype)
        ending = partial(ending, output=middle)
    plan.record(record(epilogue=_ended(spatial, ending)))
    return middle


def _record_product(plan: Plan, source: Map, weights: torch.Tensor, epilogue: Epilogue) -> None:
    """Record a 1x1 convolution of bits or of real values."""
    if source.buffer.is_bits:
        weights = weights.reshape(len(weights), 1, 1, -1)
        plan.record(Convolution(source, weights, epilogue=epilogue))
    else:
        plan.record(RealConvolution(source, weights, epilogue))


def _record_gated(plan: Plan, folded: FoldedUnit, middle: Map,
                  last: Callable[..., Epilogue]) -> None:
    """Record the 1x1 twice, with the channel branch between the two."""
    batch, height, width, _ = middle.buffer.shape
    channels = len(folded.point.scale)
    with torch.inference_mode(False):
        sums, gate = torch.zeros(batch, height, channels), torch.zeros(batch, channels)
    _record_product(plan, middle, folded.point.weights,
                    _ended(folded.point, partial(Epilogue, sums=sums)))
    plan.record(Gate(sums, height * width, folded.branch, gate))
    _record_product(plan, middle, folded.point.weights,
                    _ended(folded.point, partial(last, gate=gate)))


def _record_branch_per_pixel(plan: Plan, folded: FoldedUnit, middle: Map,
                             last: Callable[..., Epilogue], dtype: torch.dtype) -> None:
    """Record the 1x1 and, in series, the channel branch; activations move to the layer before."""
    value = plan.real((*middle.buffer.shape[:3], len(folded.point.scale)), dtype)
    _record_product(plan, middle, folded.point.weights,
                    _ended(folded.point, partial(Epilogue, output=value)))
    for layer, following in zip(folded.branch, (*folded.branch[1:], None)):
        source = value if layer.sign is None else plan.signs_of(value, layer.sign)
        ending = last
        if following is not None:
            value = plan.real(value.buffer.shape, dtype)
            ending = partial(Epilogue, activation=following.activation, output=value)
        _record_product(plan, source, layer.weights, _scaled(layer, ending))


def _scaled(layer: BranchLayer, make: Callable[..., Epilogue]) -> Epilogue:
    """Return an epilogue that starts with the scale of a layer of the branch."""
    return make(scale=layer.scale, offset=torch.zeros_like(layer.scale))
