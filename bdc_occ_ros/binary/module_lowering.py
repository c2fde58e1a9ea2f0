# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Lower modules of packed units to operations of a plan: one function per kind of module."""

from collections.abc import Sequence
from functools import singledispatch

import torch
from torch import nn

from bdc_occ_ros.binary.blocks import BinaryBlock, ChannelReduction, DownSampling, UpSampling
from bdc_occ_ros.binary.engine_module import LoweredModule, Maps, STREAM_DTYPE
from bdc_occ_ros.binary.layers import RPReLU
from bdc_occ_ros.binary.packed_unit import PackedBdcUnit
from bdc_occ_ros.kernels.conventions import WORD_BITS
from bdc_occ_ros.kernels.operations import Activation, AveragePool, Combine, Map, Sign, Upsample
from bdc_occ_ros.kernels.plan import Plan

REAL_LAYERS = (nn.Conv2d, nn.Linear, nn.BatchNorm2d)


@singledispatch
def lower_module(module: nn.Module, plan: Plan, source: Maps, dtype: torch.dtype) -> Maps:
    """
    Add a module's operations to a plan.

    :param module: Of a kind that `can_lower` knows.
    :param source: Its input, one real map or several.
    :param dtype: Of the real maps that are written.
    :return: Its result, one map or several.
    """
    raise TypeError(f'{type(module).__name__} cannot be lowered')


def can_lower(module: nn.Module) -> bool:
    """
    Return whether a module can be lowered: its kind is known, and no layer in it is real.

    :param module: With packed units in the place of binary ones.
    """
    if isinstance(module, nn.Sequential):
        return len(module) > 0 and all(map(can_lower, module))
    if lower_module.dispatch(type(module)) is lower_module.dispatch(nn.Module):
        return False
    return not any(isinstance(part, REAL_LAYERS) for part in module.modules())


@lower_module.register
def _(module: PackedBdcUnit, plan: Plan, source: Map, dtype: torch.dtype) -> Map:
    return module.lower(plan, source, dtype)


@lower_module.register
def _(module: nn.Sequential, plan: Plan, source: Maps, dtype: torch.dtype) -> Maps:
    for part in module:
        source = lower_module(part, plan, source, dtype)
    return source


@lower_module.register
def _(module: BinaryBlock, plan: Plan, source: Map, dtype: torch.dtype) -> Map:
    main = lower_module(module.conv1, plan, source, dtype)
    main = lower_module(module.conv2, plan, main, dtype)
    shortcut = (source if module.downsample is None
                else lower_module(module.downsample, plan, source, dtype))
    result = plan.real(main.buffer.shape, dtype)
    plan.add(Combine(main, shortcut, activation=_activation(module.relu), output=result))
    return result


@lower_module.register
def _(module: DownSampling, plan: Plan, source: Map, dtype: torch.dtype) -> Map:
    batch, height, width, _ = source.buffer.shape
    pooled = plan.real((batch, height // 2, width // 2, source.channels), dtype)
    plan.add(AveragePool(source, pooled))
    result = plan.real((*pooled.buffer.shape[:3], 2 * source.channels), dtype)
    for unit, part in zip((module.biconv_1, module.biconv_2), result.halves()):
        unit.lower(plan, pooled, dtype, into=part)
    return result


@lower_module.register
def _(module: UpSampling, plan: Plan, source: Map, dtype: torch.dtype) -> Map:
    batch, height, width, _ = source.buffer.shape
    larger = plan.real((batch, 2 * height, 2 * width, source.channels), dtype)
    plan.add(Upsample(source, larger))
    result = plan.real(larger.buffer.shape, dtype)
    _lower_halves(plan, (module.biconv_1, module.biconv_2), larger, result.halves(), dtype)
    return result


@lower_module.register
def _(module: ChannelReduction, plan: Plan, source: Map, dtype: torch.dtype) -> Map:
    shape = (*source.buffer.shape[:3], source.channels // 2)
    parts = [plan.real(shape, dtype), plan.real(shape, dtype)]
    _lower_halves(plan, (module.biconv_1, module.biconv_2), source, parts, dtype)
    result = plan.real(shape, dtype)
    plan.add(Combine(*parts, left_weight=0.5, right_weight=0.5, output=result))
    return result


class PackedSubgraph(LoweredModule):
    """
    Run a module between two real-valued parts of a network as one plan.

    :param module: One that `can_lower`.
    """

    def __init__(self, module: nn.Module, stream_dtype: torch.dtype = STREAM_DTYPE) -> None:
        super().__init__(stream_dtype)
        self.module = module

    def lower(self, plan: Plan, source: Maps) -> Maps:
        """Add the module's operations to a plan, from its inputs to its results."""
        return lower_module(self.module, plan, source, self.stream_dtype)


def _activation(layer: RPReLU) -> Activation:
    return Activation(*(parameter.detach().flatten() for parameter in (
        layer.pr_bias0.bias, layer.pr_prelu.weight, layer.pr_bias1.bias)))


def _lower_halves(plan: Plan, units: tuple[PackedBdcUnit, PackedBdcUnit], source: Map,
                  results: Sequence[Map], dtype: torch.dtype) -> None:
    """Lower one unit per half of the channels; both signs are taken at once where words allow."""
    bits: Sequence[Map | None] = (None, None)
    if source.channels // 2 % WORD_BITS == 0:
        first, second = (unit.folded.sign for unit in units)
        both = Sign(*map(torch.cat, ((first.threshold, second.threshold),
                                     (first.flip, second.flip))))
        bits = plan.signs_of(source, both).halves()
    for unit, part, part_bits, result in zip(units, source.halves(), bits, results):
        unit.lower(plan, part, dtype, bits=part_bits, into=result)
