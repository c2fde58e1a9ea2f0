# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Describe the surfaces that rays meet: normal, finish, pattern and texture."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from bdc_occ_ros.world.depth_bounds import PROFILES
from bdc_occ_ros.world.solids import Material, Shape, Solids

_NOISE_TEXELS = 256
_COARSEST_TEXELS = 8
_GROUND_TEXELS_PER_M = 7.0
_FINE_TEXELS_PER_M = 45.0
# Large and fine grain of the ground by class; the classes of solids are not used.
_GROUND_GRAIN = ((0.0, 0.0),) * 11 + ((0.07, 0.09), (0.10, 0.08), (0.06, 0.07), (0.20, 0.22))
_CAP = 0.9995
_PLACE_COLUMNS = 12
_NO_PATTERN = 1e3
_FLOOR_M, _WINDOW_M = 3.2, 2.6
_WINDOW_RGB = (0.035, 0.045, 0.06)
_WHITE_RGB = (0.75, 0.75, 0.73)


class Finish(NamedTuple):
    """
    Describe the finish of solids, or of points on solids; tensors of one shape.

    :param red: Albedo, as are green and blue.
    :param texels_per_m: Fineness of the grain to the side; texels_per_m_up upwards.
    :param blotches: Share by which large grain varies the albedo.
    :param grain: Share by which fine grain does.
    :param mirror: Share of the sky that it mirrors when looked at squarely.
    :param glow: Light of its own, in albedos.
    :param is_patterned: 1 for what has windows or stripes, else 0.
    """

    red: Tensor
    green: Tensor
    blue: Tensor
    texels_per_m: Tensor
    texels_per_m_up: Tensor
    blotches: Tensor
    grain: Tensor
    mirror: Tensor
    glow: Tensor
    is_patterned: Tensor


class Pattern(NamedTuple):
    """
    Describe windows or stripes of solids, or of points on solids; tensors of one shape.

    :param aside_m: Period of the pattern to the side; up_m upwards.
    :param aside_share: How much of the period is a window or stripe; 0 without any.
    :param slant: Metres to the side that the pattern moves per metre upwards.
    :param red: Albedo of windows or stripes, as are green and blue.
    :param mirror: Share of the sky that windows mirror.
    """

    aside_m: Tensor
    up_m: Tensor
    aside_share: Tensor
    up_share: Tensor
    slant: Tensor
    red: Tensor
    green: Tensor
    blue: Tensor
    mirror: Tensor


# By material: texels per m to the side and up, blotches, grain, mirror and glow.
_LOOKS = {
    Material.PLAIN: (14, 14, 0.05, 0.05, 0, 0),
    Material.PAINT: (9, 9, 0.03, 0.02, 0.05, 0),
    Material.GLASS: (3, 3, 0.12, 0.00, 0.12, 0),
    Material.RUBBER: (30, 30, 0.05, 0.15, 0, 0),
    Material.FACADE: (8, 8, 0.06, 0.06, 0, 0),
    Material.BRICK: (9, 22, 0.10, 0.16, 0, 0),
    Material.CONCRETE: (10, 10, 0.11, 0.07, 0, 0),
    Material.WOOD: (40, 5, 0.14, 0.14, 0, 0),
    Material.FOLIAGE: (16, 16, 0.34, 0.42, 0, 0),
    Material.EARTH: (14, 14, 0.20, 0.25, 0, 0),
    Material.CLOTH: (22, 22, 0.10, 0.08, 0, 0),
    Material.STRIPES: (12, 12, 0.05, 0.04, 0, 0),
    Material.LAMP: (9, 9, 0.00, 0.00, 0.04, 0.9),
}


class SurfaceTable(NamedTuple):
    """
    Look up the surfaces of the solids of several worlds.

    :param values: Place and finish by column and, flat, world and solid, (C, S * N) float32.
    :param patterns: Patterns in the same manner, (9, S * N) float32.
    """

    values: Tensor
    patterns: Tensor
    per_world: int

    def patterns_at(self, index: Tensor) -> Pattern:
        """Return the windows and stripes of solids, by index as in SurfacePoints."""
        return Pattern(*self.patterns.index_select(1, index.reshape(-1)).view(-1, *index.shape))


class SurfacePoints(NamedTuple):
    """
    Describe the surfaces at points on solids, (T, P) each.

    :param index: World times solids per world plus solid, int64.
    :param normal: Outward, x y z in the world.
    :param along_m: Place along the surface, for patterns: to the side, and up from the foot.
    :param finish: How the solid looks.
    """

    index: Tensor
    normal: tuple[Tensor, Tensor, Tensor]
    along_m: tuple[Tensor, Tensor]
    finish: Finish


def surface_table(worlds: Sequence[Solids]) -> SurfaceTable:
    """Tabulate solids, padded to equal numbers per world."""
    rows = []
    for solids in worlds:
        profile = torch.tensor(PROFILES, device=solids.yaw_rad.device)[solids.shape]
        place = torch.cat((
            solids.center_m, solids.half_m, solids.yaw_rad.cos()[:, None],
            solids.yaw_rad.sin()[:, None], solids.shape[:, None], profile[:, 1:],
            (37 * (solids.half_m + solids.albedo).sum(1, keepdim=True)).frac() * 200), 1)
        rows.append(torch.cat((place, _finishes_of(solids)), 1))
    table = pad_sequence(rows, batch_first=True)
    patterns = pad_sequence([_patterns_of(solids) for solids in worlds], batch_first=True)
    return SurfaceTable(table.flatten(0, 1).T.contiguous(),
                        patterns.flatten(0, 1).T.contiguous(), table.shape[1])


def surfaces_at(table: SurfaceTable, index: Tensor, point: Tensor) -> SurfacePoints:
    """
    Look up the surfaces at points on solids.

    :param index: As in SurfacePoints, (T, P) int64.
    :param point: Points in the world, (T, 3, P) float32.
    """
    columns = table.values.index_select(1, index.reshape(-1)).view(-1, *index.shape)
    cx, cy, cz, hx, hy, hz, cosine, sine, shape, p1, p2, shift = columns[:_PLACE_COLUMNS]
    x, y, z = point[:, 0] - cx, point[:, 1] - cy, point[:, 2] - cz
    side_x, side_y = cosine * x + sine * y, cosine * y - sine * x
    local = (side_x / hx, side_y / hy, z / hz)
    nx, ny, nz = _local_normal(local, (hx, hy, hz), shape, p1, p2)
    # Patterns lie in the plane of the two axes that the surface faces least.
    faces_x = nx.abs() > ny.abs()
    lies = nz.abs() > torch.maximum(nx.abs(), ny.abs())
    aside = torch.where(faces_x, side_y, side_x)
    up = torch.where(lies, torch.where(faces_x, side_x, side_y), z + hz)
    normal = (cosine * nx - sine * ny, sine * nx + cosine * ny, nz)
    return SurfacePoints(index, normal, (aside + shift, up), Finish(*columns[_PLACE_COLUMNS:]))


def _local_normal(local: Sequence[Tensor], half_m: Sequence[Tensor], shape: Tensor, p1: Tensor,
                  p2: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return unit normals along the axes of the solids."""
    x, y, z = local
    far_x, far_y, far_z = x.abs(), y.abs(), z.abs()
    is_box = shape == Shape.BOX
    most = torch.maximum(torch.maximum(far_x, far_y), far_z)
    on_cap = (far_z > _CAP) & (shape >= Shape.CYLINDER)
    flat = (is_box & (far_z >= most)) | on_cap
    zero_x = flat | (is_box & (far_x < most))
    zero_y = flat | (is_box & (far_x >= most))
    rise = torch.where(is_box | on_cap, z * flat, -0.5 * p1 - p2 * z)
    nx = x.masked_fill(zero_x, 0).div_(half_m[0])
    ny = y.masked_fill(zero_y, 0).div_(half_m[1])
    nz = rise.div_(half_m[2])
    scale = (nx * nx).addcmul_(ny, ny).addcmul_(nz, nz).clamp_min_(1e-12).rsqrt_()
    return nx.mul_(scale), ny.mul_(scale), nz.mul_(scale)


def _finishes_of(solids: Solids) -> Tensor:
    """Return the finishes of solids, columns as in Finish, (N, 10) float32."""
    looks = torch.tensor([_LOOKS[material] for material in Material], dtype=torch.float32,
                         device=solids.yaw_rad.device)[solids.material]
    is_patterned = _patterns_of(solids)[:, 2:3] > 0
    return torch.cat((solids.albedo, looks, is_patterned), 1)


def _patterns_of(solids: Solids) -> Tensor:
    """Return windows, corrugation or stripes of solids, columns as in Pattern, (N, 9) float32."""
    material, half_z = solids.material, solids.half_m[:, 2]
    is_tall = half_z > 3.7  # lower brick walls are those of houses, which bring their windows
    has_windows = (material == Material.FACADE) | ((material == Material.BRICK) & is_tall)
    is_striped = material == Material.STRIPES
    is_sheet, is_board = is_striped & (half_z > 0.9), is_striped & (half_z <= 0.9)
    pattern = solids.albedo.new_tensor(
        (_NO_PATTERN, _NO_PATTERN, 0, 0, 0, 0, 0, 0, 0)).repeat(len(solids), 1)
    floors = (2 * half_z / _FLOOR_M).round().clamp_min(1)
    variety = (13 * solids.half_m.sum(1)).frac()
    windows = torch.zeros_like(pattern)
    windows[:, 0] = _WINDOW_M + 1.6 * variety
    windows[:, 1] = 2 * half_z / floors
    windows[:, 2], windows[:, 3] = 0.42 + 0.35 * variety.mul(5).frac(), 0.55
    windows[:, 5:] = windows.new_tensor((*_WINDOW_RGB, 0.12))
    sheets = pattern.new_tensor((0.4, _NO_PATTERN, 0.35, 1, 0, 0, 0, 0, 0)).repeat(len(solids), 1)
    sheets[:, 5:8] = 0.72 * solids.albedo
    boards = pattern.new_tensor((0.5, _NO_PATTERN, 0.5, 1, 1, *_WHITE_RGB, 0))
    pattern = torch.where(has_windows[:, None], windows, pattern)
    pattern = torch.where(is_sheet[:, None], sheets, pattern)
    return torch.where(is_board[:, None], boards, pattern)


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
