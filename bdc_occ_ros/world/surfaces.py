# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the points that rays meet are: outward normal, place on the solid, and its finish."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from bdc_occ_ros.world.depth_bounds import PROFILES
from bdc_occ_ros.world.finishes import Finish, finishes_of, Pattern, patterns_of
from bdc_occ_ros.world.solids import Shape, Solids

_CAP = 0.9995
_PLACE_COLUMNS = 12


class SurfaceTable(NamedTuple):
    """
    What shading needs of the solids of several worlds.

    :param values: Place and finish by column and, flat, world and solid, (C, S * N) float32.
    :param patterns: Patterns in the same manner, (9, S * N) float32.
    """

    values: Tensor
    patterns: Tensor
    per_world: int

    def patterns_at(self, index: Tensor) -> Pattern:
        """
        Return the windows and stripes of solids.

        :param index: World times solids per world plus solid, (T, P) int64.
        """
        return Pattern(*self.patterns.index_select(1, index.reshape(-1)).view(-1, *index.shape))


class SurfacePoints(NamedTuple):
    """
    Points on solids, (T, P) each.

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
    """
    Return what shading needs of solids, padded to equal numbers.

    :param worlds: At least one, on one device.
    """
    rows = []
    for solids in worlds:
        profile = torch.tensor(PROFILES, device=solids.yaw_rad.device)[solids.shape]
        place = torch.cat((
            solids.center_m, solids.half_m, solids.yaw_rad.cos()[:, None],
            solids.yaw_rad.sin()[:, None], solids.shape[:, None], profile[:, 1:],
            (37 * (solids.half_m + solids.albedo).sum(1, keepdim=True)).frac() * 200), 1)
        rows.append(torch.cat((place, finishes_of(solids)), 1))
    table = pad_sequence(rows, batch_first=True)
    patterns = pad_sequence([patterns_of(solids) for solids in worlds], batch_first=True)
    return SurfaceTable(table.flatten(0, 1).T.contiguous(),
                        patterns.flatten(0, 1).T.contiguous(), table.shape[1])


def surfaces_at(table: SurfaceTable, index: Tensor, point: Tensor) -> SurfacePoints:
    """
    Return the surfaces at points on solids.

    :param index: World times solids per world plus solid, (T, P) int64.
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
