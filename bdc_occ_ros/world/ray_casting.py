# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What every ray meets first, for many origins and worlds at once.

Solids that lie beside a tile, or behind something that covers all of it, are left out; tiles with
about as many solids left are then cast together.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from bdc_occ_ros.world.depth_bounds import KINDS
from bdc_occ_ros.world.depth_bounds import local_coordinates
from bdc_occ_ros.world.full_precision import full_precision
from bdc_occ_ros.world.ray_tiles import RayTiles
from bdc_occ_ros.world.ray_tiles import tiles_of_rays
from bdc_occ_ros.world.solids import Shape
from bdc_occ_ros.world.solids import Solids

GROUND = -1
SKY = -2
_SLACK_M = 2e-3
# Keeps what rounding makes lie behind itself.
_MARGIN = 1.0001
_CULLED_AT_ONCE = {'cpu': 2 ** 22, 'cuda': 2 ** 28}
_CAST_AT_ONCE = {'cpu': 2 ** 15, 'cuda': 2 ** 25}


@dataclass(frozen=True, eq=False)
class Obstacles:
    """
    The solids of several worlds, padded to equal numbers.

    :param center_m: (S, N, 3) float64.
    :param half_m: (S, N, 3) float64.
    :param cosine: Of the yaw, (S, N) float64.
    :param sine: Of the yaw, (S, N) float64.
    :param shape: Of Shape, (S, N) int64; -1 in the padding.
    """

    center_m: Tensor
    half_m: Tensor
    cosine: Tensor
    sine: Tensor
    shape: Tensor

    @staticmethod
    def stacked(worlds: Sequence[Solids]) -> 'Obstacles':
        """
        Return the solids of several worlds as one.

        :param worlds: At least one, on one device.
        """
        def padded(parts: list[Tensor], value: float) -> Tensor:
            return pad_sequence(parts, batch_first=True, padding_value=value)
        yaw_rad = padded([solids.yaw_rad.double() for solids in worlds], 0)
        return Obstacles(padded([solids.center_m.double() for solids in worlds], 0),
                         padded([solids.half_m.double() for solids in worlds], 1),
                         yaw_rad.cos(), yaw_rad.sin(),
                         padded([solids.shape for solids in worlds], -1))


class FirstHits(NamedTuple):
    """
    What rays meet first.

    :param inverse_depth: 1 / depth along the axis, (V, T, P) float32; 0 where nothing is met.
    :param solid: Index into the solids of the view's world, GROUND or SKY, (V, T, P) int32.
    """

    inverse_depth: Tensor
    solid: Tensor


class _Pairs(NamedTuple):
    """Tiles and solids that may be seen in them, sorted by tile; all (N,)."""

    tile: Tensor
    world: Tensor
    solid: Tensor

    def select(self, index: Tensor) -> '_Pairs':
        return _Pairs(*(part[index] for part in self))


def cast(tiles: RayTiles, obstacles: Obstacles, world: Tensor) -> FirstHits:
    """
    Return what rays meet first; a solid that holds the origin is not met.

    :param tiles: Rays from V origins.
    :param obstacles: Solids of S worlds.
    :param world: The world of every origin, (V,) int64.
    """
    per_view = max(1, obstacles.shape.shape[1] * len(tiles.sides))
    step = max(1, _CULLED_AT_ONCE[world.device.type] // per_view)
    with full_precision(world.device):
        parts = [_cast_some(tiles.part(start, start + step), obstacles, world[start:start + step])
                 for start in range(0, len(world), step)]
    return FirstHits(torch.cat([part.inverse_depth for part in parts]),
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
    lots = _visible(tiles, obstacles, _candidates(tiles, obstacles, world), corners, covered)
    depth = (ground @ basis[..., :3, :])[:, 0].clamp_min_(0)
    solid = torch.where(depth > 0, GROUND, SKY).int()
    for entry, bounds, pairs in lots:
        for tile, row in _buckets(pairs.tile, len(frame), places):
            found = entry(bounds[row].transpose(1, 2),
                          basis if basis.dim() == 2 else basis[tile])
            nearest, which = found.max(dim=1)
            old = depth[tile]
            chosen = pairs.solid[row.gather(1, which)].int()
            solid[tile] = torch.where(nearest > old, chosen, solid[tile])
            depth[tile] = torch.maximum(nearest, old)
    return FirstHits(depth.view(views, count, -1), solid.view(views, count, -1))


class _Placed(NamedTuple):
    """Solids as origins see them: offsets and half sizes (V, N, 3), the rest (V, N)."""

    offset_m: Tensor
    half_m: Tensor
    cosine: Tensor
    sine: Tensor
    shape: Tensor

    def sides_of(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Return which solids reach above and which below planes, (V, L, N) each."""
        middle_m = (planes @ self.offset_m.mT).float()
        half_m = self.half_m.float().mT[:, :, None]
        cosine, sine = self.cosine.float()[:, None], self.sine.float()[:, None]
        x, y, z = (part[..., None] for part in planes.float().unbind(-1))
        along = ((x * cosine).addcmul_(y, sine).mul_(half_m[:, 0]),
                 (y * cosine).addcmul_(x, sine, value=-1).mul_(half_m[:, 1]), z * half_m[:, 2])
        wide_m = along[0].abs() + along[1].abs() + along[2].abs()
        round_m = along[0].square_().add_(along[1].square_()).add_(along[2].square_()).sqrt_()
        reach_m = torch.where((self.shape == Shape.ELLIPSOID)[:, None], round_m, wide_m)
        reach_m += _SLACK_M
        return middle_m > -reach_m, middle_m < reach_m


def _candidates(tiles: RayTiles, obstacles: Obstacles, world: Tensor) -> _Pairs:
    """Return which solids reach into which tiles."""
    placed = _Placed(obstacles.center_m[world] - tiles.origin_m[:, None],
                     obstacles.half_m[world], obstacles.cosine[world], obstacles.sine[world],
                     obstacles.shape[world])
    above, below = placed.sides_of(tiles.planes[:, tiles.outer])
    inside = above[:, :2].all(1) & below[:, 2:].all(1) & (placed.shape >= 0)
    most = int(inside.sum(1).max())
    inside, chosen = inside.int().sort(dim=1, descending=True, stable=True)
    inside, chosen = inside[:, :most].bool(), chosen[:, :most]
    vectors = chosen[..., None].expand(-1, -1, 3)
    placed = _Placed(*(part.gather(1, vectors) for part in placed[:2]),
                     *(part.gather(1, chosen) for part in placed[2:]))
    above, below = placed.sides_of(tiles.planes)
    left, top, right, bottom = tiles.sides.unbind(1)
    met = above[:, left] & inside[:, None]
    met &= above[:, top]
    met &= below[:, right]
    met &= below[:, bottom]
    view, tile, rank = met.nonzero(as_tuple=True)
    return _Pairs(view * len(tiles.sides) + tile, world[view], chosen[view, rank])


class _Lot(NamedTuple):
    """Solids of one kind in tiles: how to work out where they are entered, and from what."""

    entry: Callable[[Tensor, Tensor], Tensor]
    bounds: Tensor
    pairs: _Pairs


def _visible(tiles: RayTiles, obstacles: Obstacles, pairs: _Pairs, corners: Tensor,
             covered: Tensor) -> list[_Lot]:
    """Return what may be seen, less what lies behind a cover of its tile."""
    shape = obstacles.shape[pairs.world, pairs.solid]
    lots = []
    for kind in KINDS:
        lot = pairs.select(kind.holds(shape).nonzero()[:, 0])
        origin, rays, near_m = _seen_locally(tiles, obstacles, lot)
        seen = (near_m * covered[lot.tile] <= _MARGIN).nonzero()[:, 0]
        lot, near_m = lot.select(seen), near_m[seen]
        bounds = kind.bounds(obstacles.shape[lot.world, lot.solid], origin[seen], rays[seen])
        at_corners = kind.entry(bounds[:, :, None],
                                corners if corners.dim() == 2 else corners[lot.tile])[:, 0]
        covered.scatter_reduce_(0, lot.tile, at_corners.amin(1), 'amax')
        lots.append((kind.entry, bounds, lot, near_m))
    kept = []
    for entry, bounds, lot, near_m in lots:
        seen = (near_m * covered[lot.tile] <= _MARGIN).nonzero()[:, 0]
        kept.append(_Lot(entry, bounds[seen], lot.select(seen)))
    return kept


def _seen_locally(tiles: RayTiles, obstacles: Obstacles, pairs: _Pairs
                  ) -> tuple[Tensor, Tensor, Tensor]:
    """Return origin and rays in half sizes of the solids, and the least depth of the solids."""
    center_m, half_m, cosine, sine = (
        getattr(obstacles, name)[pairs.world, pairs.solid]
        for name in ('center_m', 'half_m', 'cosine', 'sine'))
    offset_m = tiles.origin_m[pairs.tile // len(tiles.sides)] - center_m
    origin = local_coordinates(offset_m, cosine, sine, half_m)
    rays = local_coordinates(tiles.frame.flatten(0, 1)[pairs.tile].mT, cosine[:, None],
                             sine[:, None], half_m[:, None]).mT
    forward = local_coordinates(tiles.forward.flatten(0, 1)[pairs.tile], cosine, sine,
                                1 / half_m)
    near_m = -(forward * origin).sum(-1) - forward.abs().sum(-1)
    return origin, rays, near_m.clamp_min_(0)


def _buckets(tile: Tensor, tiles: int, places: int) -> Iterator[tuple[Tensor, Tensor]]:
    """
    Give tiles with similar numbers of rows: the tiles, (B,), and their rows, (B, K).

    Tiles with fewer rows repeat their last one.
    """
    counts = torch.bincount(tile, minlength=tiles)
    starts = counts.cumsum(0) - counts
    descending, order = counts.sort(descending=True, stable=True)
    sizes = descending.tolist()
    budget = _CAST_AT_ONCE[tile.device.type] // places
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
    Return how far rays go and what they meet; the ground z = 0 is met from above.

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
    inverse = hits.inverse_depth.flatten(1) * rays.stretch.float()
    lengths = torch.zeros(direction.shape[:2], device=direction.device)
    solid = torch.zeros_like(lengths, dtype=torch.int32)
    lengths.scatter_(1, rays.order, 1 / inverse)
    return lengths, solid.scatter_(1, rays.order, hits.solid.flatten(1))
