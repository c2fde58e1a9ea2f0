# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Lower containers of units that only the networks have to operations of a plan."""

import torch

from bdc_occ_ros.binary.module_lowering import lower_module
from bdc_occ_ros.kernels.operations import Affine, Combine, Map, Upsample
from bdc_occ_ros.kernels.plan import Plan
from bdc_occ_ros.network.bev_encoder import BevBackbone
from bdc_occ_ros.network.images_to_features import HalvingChain
from bdc_occ_ros.network.nano_layers import NanoBevBackbone
from bdc_occ_ros.network.split_fusion import LevelSum
from bdc_occ_ros.network.unshuffle_affine import UnshuffleAffine


@lower_module.register
def _(module: HalvingChain, plan: Plan, source: Map, dtype: torch.dtype) -> Map:
    for reduction in module.children():
        source = lower_module(reduction, plan, source, dtype)
    return source


@lower_module.register
def _(module: BevBackbone, plan: Plan, source: Map, dtype: torch.dtype) -> tuple[Map, Map]:
    levels = []
    for layer in module.layers:
        levels.append(source := lower_module(layer, plan, source, dtype))
    return levels[0], levels[-1]


@lower_module.register
def _(module: NanoBevBackbone, plan: Plan, source: Map, dtype: torch.dtype) -> tuple[Map, Map]:
    first, second = module.stages
    fine = lower_module(first, plan, lower_module(module.stem, plan, source, dtype), dtype)
    return fine, lower_module(second, plan, fine, dtype)


@lower_module.register
def _(module: UnshuffleAffine, plan: Plan, source: Map, dtype: torch.dtype) -> Map:
    batch, height, width, channels = source.buffer.shape
    result = plan.real((batch, height // module.factor, width // module.factor,
                        channels * module.factor ** 2), dtype)
    plan.add(Affine(source, module.factor, module.scale, module.offset, output=result))
    return result


@lower_module.register
def _(module: LevelSum, plan: Plan, source: tuple[Map, Map], dtype: torch.dtype) -> Map:
    fine, coarse = source
    larger, result = (plan.real(fine.buffer.shape, dtype) for _ in range(2))
    plan.add(Upsample(coarse, larger))
    plan.add(Combine(fine, larger, output=result))
    return result
