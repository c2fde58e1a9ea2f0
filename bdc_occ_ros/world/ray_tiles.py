# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Group rays in tiles: neighbours from one origin, so that whole tiles can be spared a solid.

A ray of a tile is axis + u * right + v * down, and the depth of a point is the multiple of it, so
that everything flat is linear in (1, u, v) over inverse depth, and everything round quadratic.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bdc_occ_ros.errors import InvalidRaysError

_RAYS_PER_TILE = 256


class PinholeCameras(NamedTuple):
    """
    Hold pinhole cameras of one size; by K, pixel (x, y) covers x to x + 1 and y to y + 1.

    :param intrinsics: Camera matrices K, (V, 3, 3) float64, pixels.
    :param world_from_camera: Poses, (V, 4, 4) float64, metres.
    """

    intrinsics: Tensor
    world_from_camera: Tensor
    height_px: int
    width_px: int

    @property
    def is_small(self) -> bool:
        """Return whether smaller tiles and coarser shadows do."""
        return self.height_px * self.width_px < 400_000

    @property
    def tile_px(self) -> tuple[int, int]:
        """Return rows and columns of every tile."""
        wanted = 16 if self.is_small else 32
        height_px, width_px = (-(-total // max(1, round(total / wanted)))
                               for total in (self.height_px, self.width_px))
        return height_px, width_px

    @property
    def tile_counts(self) -> tuple[int, int]:
        """Return rows and columns of tiles; the last of each may overhang."""
        tall, wide = self.tile_px
        return -(-self.height_px // tall), -(-self.width_px // wide)

    def untiled(self, values: Tensor) -> Tensor:
        """Put values of tiles, (V, T, P, ...), together as images, (V, H, W, ...)."""
        (tall, wide), (rows, columns) = self.tile_px, self.tile_counts
        tail = values.shape[3:]
        whole = values.reshape(len(values), rows, columns, tall, wide, *tail).transpose(2, 3)
        whole = whole.reshape(len(values), rows * tall, columns * wide, *tail)
        return whole[:, :self.height_px, :self.width_px].contiguous()


@dataclass(frozen=True, eq=False)
class RayTiles:
    """
    Hold T tiles of P rays for each of V origins.

    :param origin_m: Where rays start, (V, 3) float64.
    :param frame: Columns axis, right and down of every tile, (V, T, 3, 3) float64.
    :param forward: What takes points relative to the origin to depths, (V, T, 3) float64.
    :param basis: 1, u, v, u^2, u v and v^2 of every ray, (6, P), or (V, T, 6, P), float32.
    :param corners: The same of the corners of a rectangle of u and v around the rays, (6, 4) or
        (V, T, 6, 4) float32.
    :param planes: Unit normals of planes through the origin that bound tiles, (V, L, 3) float64.
    :param sides: Which planes bound a tile; it lies above the first two and below the last two,
        (T, 4) int64.
    :param outer: The planes around all tiles in the same manner; none of them if there are none.
        (4,) or (0,) int64.
    """

    origin_m: Tensor
    frame: Tensor
    forward: Tensor
    basis: Tensor
    corners: Tensor
    planes: Tensor
    sides: Tensor
    outer: Tensor

    def __len__(self) -> int:
        return len(self.origin_m)

    def part(self, start: int, end: int) -> 'RayTiles':
        """Return the tiles of a range of origins."""
        cut = slice(start, end)
        own = self.basis.dim() > 2
        return RayTiles(self.origin_m[cut], self.frame[cut], self.forward[cut],
                        self.basis[cut] if own else self.basis,
                        self.corners[cut] if own else self.corners, self.planes[cut], self.sides,
                        self.outer)


def _powers(u: Tensor, v: Tensor) -> Tensor:
    """Return 1, u, v, u^2, u v, v^2 along a new axis before the last."""
    return torch.stack((torch.ones_like(u), u, v, u * u, u * v, v * v), -2).float()


def tiles_of_cameras(cameras: PinholeCameras) -> RayTiles:
    """Return the pixels of cameras in rectangular tiles, row by row; the last may overhang."""
    (tall, wide), (rows, columns) = cameras.tile_px, cameras.tile_counts
    device = cameras.intrinsics.device
    rotation = cameras.world_from_camera[:, :3, :3]
    rays = rotation @ torch.linalg.inv(cameras.intrinsics)
    row, column = (index.reshape(-1) for index in torch.meshgrid(
        torch.arange(rows, device=device), torch.arange(columns, device=device), indexing='ij'))
    centre = torch.stack(((column + 0.5) * wide, (row + 0.5) * tall, torch.ones_like(row)))
    axis = (rays @ centre.to(rays)).transpose(1, 2)
    across = rays.transpose(1, 2)[:, None, :2].expand(-1, len(row), -1, -1)
    forward = rotation[:, None, :, 2].expand_as(axis)
    v, u = torch.meshgrid(torch.arange(tall, device=device) + 0.5 - tall / 2,
                          torch.arange(wide, device=device) + 0.5 - wide / 2, indexing='ij')
    corner_u = torch.tensor((-wide / 2, wide / 2, -wide / 2, wide / 2), device=device)
    corner_v = torch.tensor((-tall / 2, -tall / 2, tall / 2, tall / 2), device=device)
    return RayTiles(
        cameras.world_from_camera[:, :3, 3], torch.cat((axis[:, :, None], across), 2).mT, forward,
        _powers(u.reshape(-1), v.reshape(-1)), _powers(corner_u, corner_v),
        _camera_planes(cameras, rotation, (columns, wide), (rows, tall)),
        torch.stack((column, row + columns + 1, column + 1, row + columns + 2), 1),
        torch.tensor((0, columns + 1, columns, columns + 1 + rows), device=device))


def _camera_planes(cameras: PinholeCameras, rotation: Tensor, columns: tuple[int, int],
                   rows: tuple[int, int]) -> Tensor:
    """Return the planes through the borders of columns and then of rows of tiles."""
    device = rotation.device
    x = torch.arange(columns[0] + 1, device=device) * columns[1]
    y = torch.arange(rows[0] + 1, device=device) * rows[1]
    lines = torch.zeros(len(x) + len(y), 3, dtype=torch.float64, device=device)
    lines[:len(x), 0], lines[len(x):, 1] = 1, 1
    lines[:, 2] = -torch.cat((x, y))
    planes = lines @ cameras.intrinsics @ rotation.mT
    return planes / planes.norm(dim=-1, keepdim=True)


class SortedRays(NamedTuple):
    """
    Hold rays of any order, sorted into tiles.

    :param order: Which ray every place of the tiles holds, (V, T * P) int64; the last tiles may
        repeat the last ray.
    :param stretch: Length of every placed direction along its tile's axis, (V, T * P) float64.
    """

    tiles: RayTiles
    order: Tensor
    stretch: Tensor


def tiles_of_rays(origin_m: Tensor, direction: Tensor) -> SortedRays:
    """
    Sort rays from few origins into tiles: by azimuth and, within sectors, by elevation.

    :param origin_m: Where the rays of every lot start, (V, 3) float64.
    :param direction: Directions of any length, none of them steep, (V, R, 3) float64.
    :raises InvalidRaysError: if directions are so steep that neighbours in azimuth spread by a
        right angle or more.
    """
    views, rays = direction.shape[:2]
    bands = 4 if rays >= 16 * _RAYS_PER_TILE else 1
    sectors = max(8, -(-rays // (bands * _RAYS_PER_TILE)))
    places = -(-rays // (sectors * bands))
    order = torch.atan2(direction[..., 1], direction[..., 0]).argsort(dim=1, stable=True)
    missing = sectors * bands * places - rays
    order = torch.cat((order, order[:, -1:].expand(-1, missing)), 1)
    slope = direction[..., 2] / direction[..., :2].norm(dim=-1).clamp_min(1e-9)
    within = slope.gather(1, order).reshape(views, sectors, -1).argsort(dim=2, stable=True)
    order = order.reshape(views, sectors, -1).gather(2, within).reshape(views, -1)
    placed = direction.gather(1, order[..., None].expand(-1, -1, 3))
    placed = placed.reshape(views, sectors * bands, places, 3)
    return _tiles_around(origin_m, placed, order)


def _tiles_around(origin_m: Tensor, placed: Tensor, order: Tensor) -> SortedRays:
    """Return the tiles of rays that are sorted into them, (V, T, P, 3)."""
    unit = placed / placed.norm(dim=-1, keepdim=True)
    axis = unit.mean(dim=2)
    axis = axis / axis.norm(dim=-1, keepdim=True)
    up = torch.zeros_like(axis)
    up[..., 2] = 1
    steep = axis[..., 2].abs() > 0.99
    up[steep] = up.new_tensor((1.0, 0.0, 0.0))
    right = torch.linalg.cross(axis, up)
    right = right / right.norm(dim=-1, keepdim=True)
    frame = torch.stack((axis, right, torch.linalg.cross(axis, right)), -1)
    along = placed @ frame
    if not bool((along[..., 0] > 0).all()):
        raise InvalidRaysError(
            'rays of a sweep must lie within about 60 degrees of the horizon; got steeper ones. '
            'Cast views of cameras for those')
    u, v = along[..., 1] / along[..., 0], along[..., 2] / along[..., 0]
    u0, u1, v0, v1 = u.amin(2), u.amax(2), v.amin(2), v.amax(2)
    one, none = torch.ones_like(u0), torch.zeros_like(u0)
    lines = torch.stack((-u0, one, none, -v0, none, one, -u1, one, none, -v1, none, one), -1)
    planes = lines.reshape(*u0.shape, 4, 3) @ frame.mT
    planes = planes / planes.norm(dim=-1, keepdim=True)
    corners = _powers(torch.stack((u0, u1, u0, u1), -1), torch.stack((v0, v0, v1, v1), -1))
    sides = torch.arange(4 * u0.shape[1], device=u0.device).reshape(-1, 4)
    tiles = RayTiles(origin_m, frame, axis, _powers(u, v), corners,
                     planes.reshape(len(u0), -1, 3), sides, sides.new_zeros(0))
    return SortedRays(tiles, order, along[..., 0].reshape(len(u0), -1))
