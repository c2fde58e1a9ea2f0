# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The first occupied voxel on rays: a walk from face to face, all rays in step."""

from typing import NamedTuple

import torch
from torch import Tensor

from bdc_occ_ros.errors import InvalidGridError
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid


class RayHits(NamedTuple):
    """
    Where rays end.

    :param voxels: Flat index into the grid of the voxel hit, (R,) int64; -1 where a ray leaves
        the grid without a hit.
    :param distances_m: From the origin to where the ray enters that voxel, or leaves the grid,
        (R,) float64, metres.
    """

    voxels: Tensor
    distances_m: Tensor


def cast_rays(occupied: Tensor, grid: VoxelGrid, origins_m: Tensor, directions: Tensor
              ) -> RayHits:
    """
    Follow rays through a grid until the first occupied voxel (Amanatides and Woo, 1987).

    The voxel an origin lies in counts as well, at distance 0.

    :param occupied: (X, Y, Z) bool.
    :param grid: Where the voxels are.
    :param origins_m: (R, 3) metres, inside the grid.
    :param directions: (R, 3) unit vectors.
    :return: Hits.
    :raises InvalidGridError: if an origin lies outside the grid.
    """
    device = occupied.device
    lower, size = (torch.tensor(v, dtype=torch.float64, device=device)
                   for v in (grid.lower_m, grid.cell_size_m))
    shape = torch.tensor(grid.shape, device=device)
    position = (origins_m.to(device, torch.float64) - lower) / size
    direction = directions.to(device, torch.float64) / size  # voxels per metre
    voxel = position.floor().long()
    if ((voxel < 0) | (voxel >= shape)).any():
        raise InvalidGridError('rays begin inside the grid; an origin lies outside')
    step = direction.sign().long()
    per_voxel_m = direction.abs().reciprocal()
    to_face = torch.where(step > 0, voxel + 1 - position, position - voxel)
    next_m = torch.where(step == 0, torch.inf, to_face * per_voxel_m)
    per_voxel_m = torch.where(step == 0, 0.0, per_voxel_m)
    strides = torch.tensor((grid.shape[1] * grid.shape[2], grid.shape[2], 1), device=device)
    hits = torch.full((len(position),), -1, dtype=torch.long, device=device)
    distances_m = torch.zeros(len(position), dtype=torch.float64, device=device)
    flat, alive = occupied.reshape(-1), torch.arange(len(position), device=device)
    while len(alive):
        index = (voxel * strides).sum(dim=1)
        is_hit = flat[index]
        hits[alive[is_hit]] = index[is_hit]
        axis = next_m.argmin(dim=1, keepdim=True)
        entered_m = next_m.gather(1, axis)
        voxel = voxel.scatter_add(1, axis, step.gather(1, axis))
        next_m = next_m.scatter_add(1, axis, per_voxel_m.gather(1, axis))
        distances_m[alive[~is_hit]] = entered_m[~is_hit, 0]
        goes_on = ~is_hit & ((voxel >= 0) & (voxel < shape)).all(dim=1)
        alive, voxel, next_m, step, per_voxel_m = (
            t[goes_on] for t in (alive, voxel, next_m, step, per_voxel_m))
    return RayHits(hits, distances_m)
