# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Cast rays for many origins and worlds at once.

Of the solids in a tile that are not hidden the nearest is sought at every ray; tiles with about
as many solids are worked through together.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor

from bdc_occ_ros.world.culling import candidates, Obstacles, visible
from bdc_occ_ros.world.ray_tiles import RayTiles, tiles_of_rays
from bdc_occ_ros.world.solids import Solids

GROUND = -1
SKY = -2
# Few enough for the caches of a CPU; elsewhere for the memory.
_CULLED_AT_ONCE = (2 ** 22, 2 ** 28)
_CAST_AT_ONCE = (2 ** 15, 2 ** 24)


@contextmanager
def full_precision(device: torch.device | str) -> Iterator[None]:
    """
    Multiply matrices in full float32 within the context.

    Geometry needs all bits, also inside a training in mixed precision.
    """
    allowed = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision('highest')
    try:
        with torch.autocast(torch.device(device).type, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(allowed)


class FirstHits(NamedTuple):
    """
    Hold the first hits of rays: in tiles, (V, T, P), or as images, (V, H, W).

    :param inverse_depth_per_m: 1 / depth along the axis of the tile or camera, float32; 0 where
        nothing is met.
    :param solid: Index into the solids of the view's world, GROUND or SKY, int32.
    """

    inverse_depth_per_m: Tensor
    solid: Tensor


def cast(tiles: RayTiles, obstacles: Obstacles, world: Tensor) -> FirstHits:
    """
    Cast rays from V origins into S worlds; a solid that holds the origin is not met.

    :param world: The world of every origin, (V,) int64.
    """
    per_view = max(1, obstacles.shape.shape[1] * len(tiles.sides))
    step = max(1, _CULLED_AT_ONCE[world.device.type != 'cpu'] // per_view)
    with full_precision(world.device):
        parts = [_cast_some(tiles.part(start, start + step), obstacles, world[start:start + step])
                 for start in range(0, len(world), step)]
    return FirstHits(torch.cat([part.inverse_depth_per_m for part in parts]),
                     torch.cat([part.solid for part in parts]))


def _cast_some(tiles: RayTiles, obstacles: Obstacles, world: Tensor) -> FirstHits:
    views, count = tiles.frame.shape[:2]
    places = tiles.basis.shape[-1]
    frame = tiles.frame.reshape(-1, 3, 3)
    origin_m = tiles.origin_m.repeat_interleave(count, 0)
    ground = -frame[:, 2] / origin_m[:, 2:].clamp_min(1e-6) * (origin_m[:, 2:] > 0)
    basis = tiles.basis if tiles.basis.dim() == 2 else tiles.basis.flatten(0, 1)
    corners = tiles.corners if tiles.corners.dim() == 2 else tiles.corners.flatten(0, 1)
    ground = ground.float()[:, None]
    covered = (ground @ corners[..., :3, :])[:, 0].amin(1).clamp_min_(0)
    lots = visible(tiles, obstacles, candidates(tiles, obstacles, world), corners, covered)
    depth = (ground @ basis[..., :3, :])[:, 0].clamp_min_(0)
    solid = torch.where(depth > 0, GROUND, SKY).int()
    for lot in lots:
        lot = lot.uncovered(depth.amin(1))
        for tile, row in _buckets(lot.pairs.tile, len(frame), places):
            found = lot.kind.entry(lot.bounds[row].transpose(1, 2),
                                   basis if basis.dim() == 2 else basis[tile])
            nearest, which = found.max(dim=1)
            old = depth[tile]
            chosen = lot.pairs.solid[row.gather(1, which)].int()
            solid[tile] = torch.where(nearest > old, chosen, solid[tile])
            depth[tile] = torch.maximum(nearest, old)
    return FirstHits(depth.view(views, count, -1), solid.view(views, count, -1))


def _buckets(tile: Tensor, tiles: int, places: int) -> Iterator[tuple[Tensor, Tensor]]:
    """
    Yield tiles with similar numbers of rows: the tiles, (B,), and their rows, (B, K).

    Tiles with fewer rows repeat their last one.
    """
    counts = torch.bincount(tile, minlength=tiles)
    starts = counts.cumsum(0) - counts
    descending, order = counts.sort(descending=True, stable=True)
    sizes = descending.tolist()
    budget = _CAST_AT_ONCE[tile.device.type != 'cpu'] // places
    start = 0
    while start < tiles and sizes[start]:
        width = sizes[start]
        end = start + 1
        limit = min(tiles, start + max(1, budget // width))
        while end < limit and sizes[end] * 4 >= width * 3 and sizes[end]:
            end += 1
        chosen = order[start:end]
        rank = torch.arange(width, device=tile.device)
        yield chosen, starts[chosen, None] + torch.minimum(rank, counts[chosen, None] - 1)
        start = end


def cast_rays(worlds: Sequence[Solids], origin_m: Tensor,
              direction: Tensor) -> tuple[Tensor, Tensor]:
    """
    Cast rays of any order; the ground z = 0 is met from above.

    :param worlds: Solids around every origin, V in number, on one device.
    :param origin_m: Where the rays of every world start, (V, 3).
    :param direction: Directions within about 60 degrees of the horizon, (V, R, 3).
    :return: Lengths in multiples of the directions, inf where nothing is met, (V, R) float32; and
        index into the world's solids, GROUND or SKY, (V, R) int32.
    :raises InvalidRaysError: if directions are too steep.
    """
    rays = tiles_of_rays(origin_m.double(), direction.double())
    hits = cast(rays.tiles, Obstacles.stacked(worlds),
                torch.arange(len(worlds), device=origin_m.device))
    inverse = hits.inverse_depth_per_m.flatten(1) * rays.stretch.float()
    lengths = torch.zeros(direction.shape[:2], device=direction.device)
    solid = torch.zeros_like(lengths, dtype=torch.int32)
    lengths.scatter_(1, rays.order, 1 / inverse)
    return lengths, solid.scatter_(1, rays.order, hits.solid.flatten(1))
