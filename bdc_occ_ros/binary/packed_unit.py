# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Run the BDC unit on bits: packed parameters as buffers, so that a state_dict holds all of it.

The 3x3 convolution goes straight to the bits of the 1x1. That runs twice in V3: once for the sums
that the gate needs and once, gated, for the result. On bits this is cheaper than keeping the
result of the first pass, which is real. The sign of the unit that follows is asked for when that
unit is lowered, and is then written by the last pass of this one.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import nn, Tensor

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.engine_module import LoweredModule
from bdc_occ_ros.binary.folding import fold_unit, FoldedConvolution, FoldedUnit
from bdc_occ_ros.errors import InvalidOperationError
from bdc_occ_ros.kernels.operations import (
    AveragePool,
    Combine,
    Convolution,
    Epilogue,
    Gate,
    Map,
    RealConvolution,
)
from bdc_occ_ros.kernels.plan import Plan


class RecordBuffers(nn.Module):
    """Register the tensors of a dataclass and of nested ones as buffers of the same names."""

    def __init__(self, record: Any) -> None:
        super().__init__()
        self._kind = type(record)
        for field in fields(record):
            value = getattr(record, field.name)
            if is_dataclass(value):
                value = RecordBuffers(value)
            elif isinstance(value, tuple):
                value = nn.ModuleList(map(RecordBuffers, value))
            if isinstance(value, Tensor):
                self.register_buffer(field.name, value)
            else:
                setattr(self, field.name, value)

    def as_record(self) -> Any:
        """Return the record with the buffers as they are now."""
        return self._kind(**{field.name: _as_record(getattr(self, field.name))
                             for field in fields(self._kind)})


def _as_record(value: Any) -> Any:
    """Undo what RecordBuffers did with one field."""
    if isinstance(value, RecordBuffers):
        return value.as_record()
    if isinstance(value, nn.ModuleList):
        return tuple(map(_as_record, value))
    return value


class PackedBdcUnit(LoweredModule):
    """
    Run a BDC unit with packed parameters.

    Words and integer thresholds are int32, the other vectors float32, whatever type the maps of
    the plan that runs it have.

    :param unit: Trained unit; on device meta for shapes without values.
    :raises FoldingError: if it cannot be folded.
    """

    def __init__(self, unit: BdcUnit) -> None:
        super().__init__()
        self.version = unit.version
        self.has_inner_shortcut = unit.has_inner_shortcut
        self.stride: int = unit.binary_conv_relu[0].stride[0]
        self.in_channels = unit.in_channels
        self.out_channels = unit.out_channels
        self.packed = RecordBuffers(fold_unit(unit))

    @property
    def folded(self) -> FoldedUnit:
        """Return the parameters as records of the operations, sharing memory with the buffers."""
        return self.packed.as_record()

    def lower(self, plan: Plan, source: Map, dtype: torch.dtype | None = None, *,
              bits: Map | None = None, into: Map | None = None) -> Map:
        """
        Add the unit's operations to a plan.

        :param source: Real map, (N, H, W, Ci).
        :param dtype: Of the real maps that are written: the type of the residual stream, which is
            the unit's own if None.
        :param bits: The sign of the source by the unit's own thresholds, if it is there already.
        :param into: Where to write the result; a new map if None.
        :return: Real map, (N, H / stride, W / stride, Co).
        :raises InvalidOperationError: if channels or size do not fit the unit.
        """
        dtype = dtype or self.stream_dtype
        folded = self.folded
        batch, height, width, _ = source.buffer.shape
        if source.channels != self.in_channels or height % self.stride or width % self.stride:
            raise InvalidOperationError(
                f'a unit of {self.in_channels} channels and stride {self.stride} needs as many '
                f'channels and a size that the stride divides; got {source.channels} channels of '
                f'{height}x{width}')
        if bits is None:
            bits = plan.signs_of(source, folded.sign)
        shortcut = source
        if self.stride == 2:
            height, width = height // 2, width // 2
            shortcut = plan.real((batch, height, width, self.in_channels), dtype)
            plan.add(AveragePool(source, shortcut))
        if into is None:
            into = plan.real((batch, height, width, self.out_channels), dtype)
        identity = shortcut
        if self.out_channels < self.in_channels:
            identity = plan.real((batch, height, width, self.out_channels), dtype)
            plan.add(Combine(*shortcut.halves(), left_weight=0.5, right_weight=0.5,
                             output=identity))
        last = partial(Epilogue, shortcut=identity, shortcut_scale=folded.shortcut_scale,
                       shortcut_offset=folded.shortcut_offset, output=into)
        if self.version == 0:
            _lower_only_convolution(plan, self, bits, last, dtype)
            return into
        middle = _lower_spatial(plan, self, bits, shortcut, dtype)
        if self.version == 1:
            _lower_product(plan, middle, folded.point.weights, _ended(folded.point, last))
        elif self.version == 2:
            _lower_branch_per_pixel(plan, folded, middle, last, dtype)
        else:
            _lower_gated(plan, folded, middle, last)
        return into


def _ended(convolution: FoldedConvolution, make: Callable[..., Epilogue]) -> Epilogue:
    """Return an epilogue that starts with scale, offset and activation of a convolution."""
    return make(scale=convolution.scale, offset=convolution.offset,
                activation=convolution.activation)


def _lower_only_convolution(plan: Plan, unit: PackedBdcUnit, bits: Map,
                            last: Callable[..., Epilogue], dtype: torch.dtype) -> None:
    """Lower V0; where RPReLU bends the sum, it takes a pass of its own."""
    folded = unit.folded
    epilogue = _ended(folded.spatial, last)
    total = into = epilogue.output
    if folded.last_activation is not None:
        total = plan.real((*into.buffer.shape[:3], into.channels), dtype)
    plan.add(Convolution(bits, folded.spatial.weights, unit.stride,
                         epilogue=replace(epilogue, output=total)))
    if folded.last_activation is not None:
        plan.add(Combine(total, activation=folded.last_activation, output=into))


def _lower_spatial(plan: Plan, unit: PackedBdcUnit, bits: Map, shortcut: Map,
                   dtype: torch.dtype) -> Map:
    """Lower the 3x3 convolution up to what the 1x1 takes: bits, or a real map."""
    folded = unit.folded
    spatial = folded.spatial
    convolution = partial(Convolution, bits, spatial.weights, unit.stride)
    shape = (*shortcut.buffer.shape[:3], unit.in_channels)
    if spatial.integer_sign is not None:
        middle = plan.bits(shape)
        plan.add(convolution(bits_of_integer=middle, integer_sign=spatial.integer_sign))
        return middle
    ending = partial(Epilogue, shortcut=shortcut if unit.has_inner_shortcut else None)
    if folded.point_sign is not None:
        middle = plan.bits(shape)
        ending = partial(ending, bits=middle, sign=folded.point_sign)
    else:
        middle = plan.real(shape, dtype)
        ending = partial(ending, output=middle)
    plan.add(convolution(epilogue=_ended(spatial, ending)))
    return middle


def _lower_product(plan: Plan, source: Map, weights: torch.Tensor, epilogue: Epilogue) -> None:
    """Lower a 1x1 convolution of bits or of real values."""
    if source.buffer.is_bits:
        weights = weights.reshape(len(weights), 1, 1, -1)
        plan.add(Convolution(source, weights, epilogue=epilogue))
    else:
        plan.add(RealConvolution(source, weights, epilogue))


def _lower_gated(plan: Plan, folded: FoldedUnit, middle: Map,
                 last: Callable[..., Epilogue]) -> None:
    """Lower the 1x1 twice, with the channel branch between the two."""
    batch, height, width, _ = middle.buffer.shape
    channels = len(folded.point.scale)
    with torch.inference_mode(False):
        sums, gate = torch.zeros(batch, height, channels), torch.zeros(batch, channels)
    _lower_product(plan, middle, folded.point.weights,
                   _ended(folded.point, partial(Epilogue, sums=sums)))
    plan.add(Gate(sums, height * width, folded.branch, gate))
    _lower_product(plan, middle, folded.point.weights,
                   _ended(folded.point, partial(last, gate=gate)))


def _lower_branch_per_pixel(plan: Plan, folded: FoldedUnit, middle: Map,
                            last: Callable[..., Epilogue], dtype: torch.dtype) -> None:
    """Lower the 1x1 and, in series, the channel branch; activations move to the layer before."""
    value = plan.real((*middle.buffer.shape[:3], len(folded.point.scale)), dtype)
    _lower_product(plan, middle, folded.point.weights,
                   _ended(folded.point, partial(Epilogue, output=value)))
    for layer, following in zip(folded.branch, (*folded.branch[1:], None)):
        source = value if layer.sign is None else plan.signs_of(value, layer.sign)
        ending = last
        if following is not None:
            value = plan.real(value.buffer.shape, dtype)
            ending = partial(Epilogue, activation=following.activation, output=value)
        _lower_product(plan, source, layer.weights,
                       ending(scale=layer.scale, offset=torch.zeros_like(layer.scale)))
