# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Cull the solids that cannot be seen in a tile of rays.

Left out are solids beside a tile, and those behind something that covers all of it. A convex
solid covers a tile if the corners meet it, and over the tile its surface is nowhere farther than
at the farthest corner.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from bdc_occ_ros.world.depth_bounds import Kind, KINDS, local_coordinates
from bdc_occ_ros.world.ray_tiles import RayTiles
from bdc_occ_ros.world.solids import Shape, Solids

_SLACK_M = 2e-3
# Keeps solids that rounding puts behind themselves.
_MARGIN = 1.0001


class Obstacles(NamedTuple):
    """
    Hold the solids of several worlds, padded to equal numbers.

    :param center_m: (S, N, 3) float64, as is half_m.
    :param cosine: Of the yaw, (S, N) float64, as is the sine.
    :param shape: Of Shape, (S, N) int64; -1 in the padding.
    """

    center_m: Tensor
    half_m: Tensor
    cosine: Tensor
    sine: Tensor
    shape: Tensor

    @staticmethod
    def stacked(worlds: Sequence[Solids]) -> 'Obstacles':
        """Pad and stack the solids of worlds, on one device."""
        def padded(parts: list[Tensor], value: float) -> Tensor:
            return pad_sequence(parts, batch_first=True, padding_value=value)
        yaw_rad = padded([solids.yaw_rad.double() for solids in worlds], 0)
        return Obstacles(padded([solids.center_m.double() for solids in worlds], 0),
                         padded([solids.half_m.double() for solids in worlds], 1),
                         yaw_rad.cos(), yaw_rad.sin(),
                         padded([solids.shape for solids in worlds], -1))

    def sides_of(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Return which solids reach above and below planes through the origin, (S, L, N)."""
        middle_m = (planes @ self.center_m.mT).float()
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


class Pairs(NamedTuple):
    """Pair tiles with solids that may be seen in them, sorted by tile; all (N,)."""

    tile: Tensor
    world: Tensor
    solid: Tensor

    def select(self, index: Tensor) -> 'Pairs':
        """Return some of the pairs."""
        return Pairs(*(part[index] for part in self))


def candidates(tiles: RayTiles, obstacles: Obstacles, world: Tensor) -> Pairs:
    """Return which solids reach into which tiles, given the world of every origin, (V,)."""
    placed = Obstacles(*(part[world] for part in obstacles))
    placed = placed._replace(center_m=placed.center_m - tiles.origin_m[:, None])
    above, below = placed.sides_of(tiles.planes[:, tiles.outer])
    inside = above[:, :2].all(1) & below[:, 2:].all(1) & (placed.shape >= 0)
    most = int(inside.sum(1).max())
    inside, chosen = inside.int().sort(dim=1, descending=True, stable=True)
    inside, chosen = inside[:, :most].bool(), chosen[:, :most]
    vectors = chosen[..., None].expand(-1, -1, 3)
    placed = Obstacles(*(part.gather(1, vectors) for part in placed[:2]),
                       *(part.gather(1, chosen) for part in placed[2:]))
    above, below = placed.sides_of(tiles.planes)
    left, top, right, bottom = tiles.sides.unbind(1)
    met = above[:, left] & inside[:, None]
    met &= above[:, top]
    met &= below[:, right]
    met &= below[:, bottom]
    view, tile, rank = met.nonzero(as_tuple=True)
    return Pairs(view * len(tiles.sides) + tile, world[view], chosen[view, rank])


class CulledPairs(NamedTuple):
    """
    Hold N solids of one kind in tiles.

    :param bounds: Coefficients of their ends, a row per pair.
    :param near_m: Least depths of the solids, (N,) float64.
    """

    kind: Kind
    bounds: Tensor
    pairs: Pairs
    near_m: Tensor

    def uncovered(self, covered: Tensor) -> 'CulledPairs':
        """Drop the pairs behind the inverse depth that hides all else in a tile, (T,)."""
        index = (self.near_m * covered[self.pairs.tile] <= _MARGIN).nonzero()[:, 0]
        return CulledPairs(self.kind, self.bounds[index], self.pairs.select(index),
                           self.near_m[index])


def visible(tiles: RayTiles, obstacles: Obstacles, pairs: Pairs, corners: Tensor,
            covered: Tensor) -> list[CulledPairs]:
    """
    Drop what one solid alone hides: occlusion culling.

    :param corners: Corners of the tiles, (6, 4) or (V * T, 6, 4).
    :param covered: Inverse depth behind which nothing is seen, (V * T,) float32; is raised.
    """
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
        lots.append(CulledPairs(kind, bounds, lot, near_m))
    return [lot.uncovered(covered) for lot in lots]


def _seen_locally(tiles: RayTiles, obstacles: Obstacles, pairs: Pairs
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
