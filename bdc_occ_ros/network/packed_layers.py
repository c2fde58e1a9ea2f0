# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Define the layers that only packed networks have, and turn containers into operations."""

import torch
from torch import nn, Tensor
from torch.nn.functional import interpolate, pixel_unshuffle

from bdc_occ_ros.binary.module_lowering import lower_module
from bdc_occ_ros.kernels.operations import Affine, Combine, Map, Upsample
from bdc_occ_ros.kernels.plan import Plan
from bdc_occ_ros.network.bev_encoder import BevBackbone, NanoBevBackbone
from bdc_occ_ros.network.layers import HalvingChain, LevelFusion


class UnshuffleAffine(nn.Module):
    """
    Apply space to depth, then one scale and offset per channel.

    :param factor: By which rows and columns become fewer.
    :param scale: (C,) floating.
    :param offset: (C,) floating.
    """

    def __init__(self, factor: int, scale: Tensor, offset: Tensor) -> None:
        super().__init__()
        self.factor = factor
        self.register_buffer('scale', scale.float())
        self.register_buffer('offset', offset.float())

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, f H, f W) to (B, f^2 C, H, W)."""
        channels = (-1, 1, 1)
        return (pixel_unshuffle(x, self.factor) * self.scale.view(channels)
                + self.offset.view(channels))


class LevelConvolutions(nn.Module):
    """
    Apply the convolutions of a level fusion, whose sum can be part of a plan.

    :param fusion: With its normalization folded.
    """

    def __init__(self, fusion: LevelFusion) -> None:
        super().__init__()
        self.fine = fusion.fine
        self.coarse = fusion.coarse

    def forward(self, levels: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Bring (B, C1, H, W) and (B, C2, H/2, W/2) to the same channels."""
        return self.fine(levels[0]), self.coarse(levels[1])


class LevelSum(nn.Module):
    """Add the coarse level at twice its size to the fine one."""

    def forward(self, levels: tuple[Tensor, Tensor]) -> Tensor:
        """Add (B, C, H/2, W/2) to (B, C, H, W)."""
        fine, coarse = levels
        return fine + interpolate(coarse, size=fine.shape[-2:], mode='bilinear')


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
