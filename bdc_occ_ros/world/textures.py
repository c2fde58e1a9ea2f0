# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Texture solids and ground: patterns and grain from smooth noise, blurred by distance."""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from bdc_occ_ros.world.surfaces import Pattern, SurfacePoints, SurfaceTable

_NOISE_TEXELS = 256
_COARSEST_TEXELS = 8
_GROUND_TEXELS_PER_M = 7.0
_FINE_TEXELS_PER_M = 45.0
# Large and fine grain of the ground by class; the classes of solids are not used.
_GROUND_GRAIN = ((0.0, 0.0),) * 11 + ((0.07, 0.09), (0.10, 0.08), (0.06, 0.07), (0.20, 0.22))


def texture_of_solids(table: SurfaceTable, points: SurfacePoints, pixel_m: Tensor
                      ) -> tuple[Tensor, Tensor]:
    """
    Return the textured albedo of solids, and the share of the sky that they mirror.

    :param pixel_m: Size of a pixel there, (T, P) float32.
    :return: (3, T, P) and, when looked at squarely, (T, P), float32.
    """
    finish, (aside_m, up_m) = points.finish, points.along_m
    coarse, fine = noise_at(aside_m * finish.texels_per_m, up_m * finish.texels_per_m_up)
    size = pixel_m * torch.maximum(finish.texels_per_m, finish.texels_per_m_up)
    grain = fine.mul_(finish.grain).mul_((1.6 - size).clamp_(0, 1))
    grain.addcmul_(coarse.mul_(finish.blotches), (1.3 - 0.09 * size).clamp_(0, 1))
    albedo = torch.stack((finish.red, finish.green, finish.blue)) * (1 + grain).clamp_(0.15, 2)
    mirror = finish.mirror.clone()
    patterned = finish.is_patterned.any(1).nonzero()[:, 0]
    if len(patterned):
        pattern = table.patterns_at(points.index[patterned])
        cover, blind = _pattern(pattern, aside_m[patterned], up_m[patterned], pixel_m[patterned])
        colors = torch.stack((pattern.red, pattern.green, pattern.blue))
        colors = colors + 0.35 * blind * (pattern.mirror > 0)
        albedo[:, patterned] = torch.lerp(albedo[:, patterned], colors, cover)
        mirror[patterned] += cover * pattern.mirror * (1 - blind)
    return albedo, mirror


def _pattern(pattern: Pattern, aside_m: Tensor, up_m: Tensor, pixel_m: Tensor
             ) -> tuple[Tensor, Tensor]:
    """Return how much of a pixel is window or stripe, and how much a blind covers the window."""
    column = torch.addcmul(aside_m, pattern.slant, up_m) / pattern.aside_m
    row = up_m / pattern.up_m
    cell_column, cell_row = column.floor(), row.floor()
    across = (0.5 * pattern.aside_share - (column - cell_column - 0.5).abs()) * pattern.aside_m
    upright = (0.5 * pattern.up_share - (row - cell_row - 0.5).abs()) * pattern.up_m
    cover = (_smooth(across, pattern.aside_share, pixel_m, pattern.aside_m)
             * _smooth(upright, pattern.up_share, pixel_m, pattern.up_m))
    chance = (cell_column * 0.7548777 + cell_row * 0.5698403 + pattern.aside_m * 31).frac().abs()
    sharp = (1.5 - 1.2 * pixel_m / pattern.aside_m).clamp_(0, 1)
    blind = torch.lerp(torch.full_like(sharp, 0.18), ((chance - 0.62) * 2.5).clamp_(0, 1), sharp)
    return cover * (pattern.aside_share > 0), blind


def _smooth(inside_m: Tensor, share: Tensor, pixel_m: Tensor, period_m: Tensor) -> Tensor:
    """Return the share of a pixel that lies inside edges; in large pixels that of the period."""
    sharp = (inside_m / pixel_m + 0.5).clamp_(0, 1)
    return torch.lerp(share, sharp, (1.5 - 1.2 * pixel_m / period_m).clamp_(0, 1))


def texture_of_ground(albedo: Sequence[Tensor], label: Tensor, point: Tensor,
                      pixel_m: Tensor) -> Tensor:
    """
    Return the albedo of the ground with its grain, (3, T, P) float32.

    :param albedo: Red, green and blue, (T, P) each.
    :param label: Its class, (T, P).
    :param point: (T, 3, P) float32.
    :param pixel_m: Size of a pixel there, (T, P) float32.
    """
    amounts = torch.tensor(_GROUND_GRAIN, device=label.device).T.contiguous()
    large, small = amounts.index_select(1, label.reshape(-1).int()).view(2, *label.shape)
    x, y = point[:, 0], point[:, 1]
    coarse, middle = noise_at(x * _GROUND_TEXELS_PER_M, y * _GROUND_TEXELS_PER_M)
    factor = coarse * large * (1.4 - 0.6 * pixel_m).clamp_(0.2, 1)
    factor.addcmul_(middle * small, (1.5 - _GROUND_TEXELS_PER_M * pixel_m).clamp_(0, 0.7))
    near = (pixel_m.amin(1) < 1.5 / _FINE_TEXELS_PER_M).nonzero()[:, 0]
    if len(near):
        fine = noise_at(y[near] * _FINE_TEXELS_PER_M, x[near] * _FINE_TEXELS_PER_M)[1]
        sharp = (1.5 - _FINE_TEXELS_PER_M * pixel_m[near]).clamp_(0, 1)
        factor[near] += fine * small[near] * sharp
    return torch.stack(tuple(albedo)) * factor.add_(1).clamp_(0.3, 1.8)


@cache
def _tile(device: str) -> Tensor:
    """Return coarse and fine noise of mean 0 and deviation 1, (1, 2, 256, 256)."""
    made = torch.Generator().manual_seed(1)
    coarse, weight, cells = torch.zeros(1, 1, _NOISE_TEXELS, _NOISE_TEXELS), 1.0, _COARSEST_TEXELS
    while cells < _NOISE_TEXELS:
        coarse += weight * functional.interpolate(
            torch.randn(1, 1, cells, cells, generator=made), 2 * (_NOISE_TEXELS,), mode='bicubic',
            align_corners=False)
        weight, cells = 0.62 * weight, 2 * cells
    fine = torch.randn(1, 1, _NOISE_TEXELS, _NOISE_TEXELS, generator=made)
    both = torch.cat((coarse, fine), 1)
    both -= both.mean(dim=(2, 3), keepdim=True)
    return (both / both.std(dim=(2, 3), keepdim=True)).to(device)


def noise_at(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """
    Return noise of mean 0 and deviation about 1.

    :param x: Places in texels, (T, P), in one tile that is mirrored without end; a texel is the
        size of the finest detail.
    :return: Noise of many sizes, from 1 to 32 texels, and noise of single texels, (T, P) each.
    """
    grid = torch.stack((x, y), -1)[None].mul_(2 / _NOISE_TEXELS)
    found = functional.grid_sample(_tile(str(x.device)), grid, padding_mode='reflection',
                                   align_corners=False)
    return found[0, 0], found[0, 1]
