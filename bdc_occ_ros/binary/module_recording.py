# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is built of packed units, as operations of a plan: one function per kind of module."""

from functools import singledispatch

import torch
from torch import nn

from bdc_occ_ros.binary.blocks import BinaryBlock
from bdc_occ_ros.binary.layers import RPReLU
from bdc_occ_ros.binary.packed_unit import PackedBdcUnit
from bdc_occ_ros.binary.resampling import ChannelReduction, DownSampling, UpSampling
from bdc_occ_ros.binary.unit_recording import record_unit
from bdc_occ_ros.kernels.conventions import WORD_BITS
from bdc_occ_ros.kernels.operations import Activation, AveragePool, Combine, Map, Sign, Upsample
from bdc_occ_ros.kernels.plan import Plan

REAL_LAYERS = (nn.Conv2d, nn.Linear, nn.BatchNorm2d)


@singledispatch
def record(module: nn.Module, plan: Plan, source: Map | tuple[Map, ...], dtype: torch.dtype
           ) -> Map | tuple[Map, ...]:
    """
    Record a module.

    :param module: Of a kind that `is_recordable` knows.
    :param source: Its input, one real map or several.
    :param dtype: Of the real maps that are written.
    :return: Its result, one map or several.
    """
    raise TypeError(f'{type(module).__name__} cannot be recorded')


def is_recordable(module: nn.Module) -> bool:
    """
    Return whether a module can be recorded: its kind is known, and no layer in it is real.

    :param module: With packed units in the place of binary ones.
    """
    if isinstance(module, nn.Sequential):
        return len(module) > 0 and all(map(is_recordable, module))
    if record.dispatch(type(module)) is record.dispatch(nn.Module):
        return False
    return not any(isinstance(part, REAL_LAYERS) for part in module.modules())


@record.register
def _(module: PackedBdcUnit, plan: Plan, source: Map, dtype: torch.dtype) -> Map:
    return record_unit(plan, module, source, dtype)


@record.register
def _(module: nn.Sequential, plan: Plan, source: Map | tuple[Map, ...], dtype: torch.dtype
      ) -> Map | tuple[Map, ...]:
    for part in module:
        source = record(part, plan, source, dtype)
    return source


@record.register
def _(module: BinaryBlock, plan: Plan, source: Map, dtype: torch.dtype) -> Map:
    main = record(module.conv2, plan, record(module.conv1, plan, source, dtype), dtype)
    shortcut = (source if module.downsample is None
                else record(module.downsample, plan, source, dtype))
    result = plan.real(main.buffer.shape, dtype)
    plan.record(Combine(main, shortcut, activation=_activation(module.relu), output=result))
    return result


@record.register
def _(module: DownSampling, plan: Plan, source: Map, dtype: torch.dtype) -> Map:
    batch, height, width, _ = source.buffer.shape
    pooled = plan.real((batch, height // 2, width // 2, source.channels), dtype)
    plan.record(AveragePool(source, pooled))
    result = plan.real((*pooled.buffer.shape[:3], 2 * source.channels), dtype)
    for unit, part in zip((module.biconv_1, module.biconv_2), _halves(result)):
        record_unit(plan, unit, pooled, dtype, into=part)
    return result


@record.register
def _(module: UpSampling, plan: Plan, source: Map, dtype: torch.dtype) -> Map:
    batch, height, width, _ = source.buffer.shape
    larger = plan.real((batch, 2 * height, 2 * width, source.channels), dtype)
    plan.record(Upsample(source, larger))
    result = plan.real(larger.buffer.shape, dtype)
    _record_halves(plan, (module.biconv_1, module.biconv_2), larger, _halves(result), dtype)
    return result


@record.register
def _(module: ChannelReduction, plan: Plan, source: Map, dtype: torch.dtype) -> Map:
    shape = (*source.buffer.shape[:3], source.channels // 2)
    parts = [plan.real(shape, dtype), plan.real(shape, dtype)]
    _record_halves(plan, (module.biconv_1, module.biconv_2), source, parts, dtype)
    result = plan.real(shape, dtype)
    plan.record(Combine(*parts, left_weight=0.5, right_weight=0.5, output=result))
    return result


def _activation(layer: RPReLU) -> Activation:
    """Return the three vectors of an RPReLU, sharing its memory."""
    return Activation(*(parameter.detach().flatten() for parameter in (
        layer.pr_bias0.bias, layer.pr_prelu.weight, layer.pr_bias1.bias)))


def _halves(whole: Map) -> list[Map]:
    """Return the two halves of a map's channels."""
    half = whole.channels // 2
    return [Map(whole.buffer, whole.first_channel + start, half) for start in (0, half)]


def _record_halves(plan: Plan, units: tuple[PackedBdcUnit, PackedBdcUnit], source: Map,
                   results: list[Map], dtype: torch.dtype) -> None:
    """Record one unit per half of the channels; both signs are taken at once where words allow."""
    bits: list[Map | None] = [None, None]
    if source.channels // 2 % WORD_BITS == 0:
        first, second = (unit.folded.sign for unit in units)
        bits = _halves(plan.signs_of(source, Sign(
            torch.cat((first.threshold, second.threshold)), torch.cat((first.flip, second.flip)))))
    for unit, part, part_bits, result in zip(units, _halves(source), bits, results):
        record_unit(plan, unit, part, dtype, bits=part_bits, into=result)
