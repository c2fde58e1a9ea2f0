# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How materials look: grain, gloss, and a pattern of windows or stripes."""

from typing import NamedTuple

import torch
from torch import Tensor

from bdc_occ_ros.world.solids import Material, Solids

_NO_PATTERN = 1e3
_FLOOR_M, _WINDOW_M = 3.2, 2.6
_WINDOW_RGB = (0.035, 0.045, 0.06)
_WHITE_RGB = (0.75, 0.75, 0.73)


class Finish(NamedTuple):
    """
    The looks of a solid, a number each; or of points on solids, tensors.

    :param red: Albedo, as are green and blue.
    :param texels_per_m: Fineness of the grain to the side.
    :param texels_per_m_up: Fineness of the grain upwards.
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
    Windows or stripes of a solid, a number each; or of points on solids, tensors.

    :param aside_m: Period of the pattern to the side, m.
    :param up_m: Period of the pattern upwards, m.
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


def finishes_of(solids: Solids) -> Tensor:
    """
    Return the looks of solids.

    :return: Columns as in Finish, (N, 10) float32.
    """
    looks = torch.tensor([_LOOKS[material] for material in Material], dtype=torch.float32,
                         device=solids.yaw_rad.device)[solids.material]
    is_patterned = patterns_of(solids)[:, 2:3] > 0
    return torch.cat((solids.albedo, looks, is_patterned), 1)


def patterns_of(solids: Solids) -> Tensor:
    """
    Return windows on walls, corrugation of large sheets and stripes of small boards.

    :return: Columns as in Pattern, (N, 9) float32.
    """
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
