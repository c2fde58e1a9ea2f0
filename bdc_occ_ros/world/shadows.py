# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Which points see the sun, and how much of the sky, from depth maps cast from far above.

For every world there are three maps around the cameras: towards the sun over a small and a large
area, and straight down. They are cast as views of cameras so far away that their rays are almost
parallel.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from bdc_occ_ros.world.ray_casting import cast
from bdc_occ_ros.world.ray_casting import Obstacles
from bdc_occ_ros.world.ray_tiles import Cameras
from bdc_occ_ros.world.ray_tiles import tiles_of_cameras

_AWAY_M = 3000.0
_REACH_M = (14.0, 60.0, 30.0)
_TALL_M = 7.0
_BLUR = 7
_OPEN_TO_M = 1.4


class _Lookup(NamedTuple):
    """Where points lie in a map: the texel above and left, and the shares beyond it; (T, P)."""

    index: Tensor
    right: Tensor
    below: Tensor


class ShadowMaps(NamedTuple):
    """
    How far up the nearest thing is, for S worlds, from M x M texels.

    :param center_m: What the maps are around, (S, 3) float32.
    :param axes: Right, down and towards the light, of the sun's maps, (S, 3, 3) float32.
    :param texels_per_m: Right and down, of all three maps, (S, 3, 2) float32.
    :param level_m: Height above the centre towards the light, (S, 3, M, M) float32; of the map
        from above a blurred one.
    """

    center_m: Tensor
    axes: Tensor
    texels_per_m: Tensor
    level_m: Tensor

    def sunlit(self, world: Tensor, point: Sequence[Tensor], normal: Sequence[Tensor]) -> Tensor:
        """
        Return the share of the sun that points see, 0 to 1.

        :param world: The world of every lot of points, (T,) int64.
        :param point: x, y, z, (T, P) each.
        :param normal: Outward unit normals there, (T, P) each.
        :return: (T, P) float32.
        """
        texels = self.level_m.shape[-1]
        offset = [along + 0.04 * outward - self.center_m[world, axis, None]
                  for axis, (along, outward) in enumerate(zip(point, normal))]
        axes = self.axes[world]
        right, down, level = (sum(axes[:, row, axis, None] * offset[axis] for axis in range(3))
                              for row in range(3))
        scale = self.texels_per_m[world]
        stretch = _AWAY_M / (_AWAY_M - level)
        right, down = right * stretch, down * stretch
        x, y = right * scale[:, 0, 0, None], down * scale[:, 0, 1, None]
        is_near = torch.maximum(x.abs(), y.abs()) < 0.5 * texels - 2
        x = torch.where(is_near, x, right * scale[:, 1, 0, None])
        y = torch.where(is_near, y, down * scale[:, 1, 1, None])
        inside = torch.maximum(x.abs(), y.abs()) < 0.5 * texels - 2
        first = (world[:, None] * 3 + (~is_near).long()) * (texels * texels)
        slack_m = torch.where(is_near, 0.06, 0.25)
        return 1 - self._share_above(_lookup(x, y, first, texels), level + slack_m) * inside

    def openness(self, world: Tensor, point: Sequence[Tensor]) -> Tensor:
        """
        Return how open the sky above and around points is, 0 to 1.

        :param world: The world of every lot of points, (T,) int64.
        :param point: x, y, z, (T, P) each.
        :return: (T, P) float32.
        """
        texels = self.level_m.shape[-1]
        scale = self.texels_per_m[world, 2, 0, None]
        # Seen from above x is right and y is up.
        x = (point[0] - self.center_m[world, 0, None]) * scale
        y = (self.center_m[world, 1, None] - point[1]) * scale
        inside = torch.maximum(x.abs(), y.abs()) < 0.5 * texels - 2
        found = _lookup(x, y, (world[:, None] * 3 + 2) * (texels * texels), texels)
        level_m = self._between(found) - point[2]
        return 1 - level_m.mul_(1 / _OPEN_TO_M).clamp_(0, 1) * inside

    def _taps(self, at: _Lookup) -> list[tuple[Tensor, Tensor]]:
        """Return values and weights of the four texels around points."""
        flat, texels = self.level_m.view(-1), self.level_m.shape[-1]
        left, above = 1 - at.right, 1 - at.below
        return [(flat[at.index], left * above), (flat[at.index + 1], at.right * above),
                (flat[at.index + texels], left * at.below),
                (flat[at.index + (texels + 1)], at.right * at.below)]

    def _share_above(self, at: _Lookup, level_m: Tensor) -> Tensor:
        return sum((value > level_m) * weight for value, weight in self._taps(at))

    def _between(self, at: _Lookup) -> Tensor:
        return sum(value * weight for value, weight in self._taps(at))


def _lookup(x: Tensor, y: Tensor, first: Tensor, texels: int) -> _Lookup:
    """Return where points are in maps that start at a flat index."""
    x = (x + (0.5 * texels - 0.5)).clamp_(0, texels - 1.01)
    y = (y + (0.5 * texels - 0.5)).clamp_(0, texels - 1.01)
    column, row = x.floor(), y.floor()
    return _Lookup(first + (row * texels + column).long(), x - column, y - row)


def shadow_maps(obstacles: Obstacles, center_m: Tensor, sun_direction: Tensor,
                texels: int) -> ShadowMaps:
    """
    Cast the maps of S worlds.

    :param obstacles: Their solids.
    :param center_m: What the maps are around, (S, 3).
    :param sun_direction: Unit vectors towards the sun, (S, 3).
    :param texels: Rows and columns of every map.
    """
    worlds = len(center_m)
    center_m, toward = center_m.double(), sun_direction.double()
    axes = _axes(toward)
    down = center_m.new_tensor(((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0)))
    all_axes = torch.stack((axes, axes, down.expand_as(axes)), 1)
    scale = _texels_per_m(toward, texels)
    pose = torch.eye(4, dtype=torch.float64, device=center_m.device).repeat(worlds, 3, 1, 1)
    pose[..., :3, :3] = all_axes.mT * center_m.new_tensor((1.0, 1.0, -1.0))
    pose[..., :3, 3] = center_m[:, None] + _AWAY_M * all_axes[:, :, 2]
    matrix = torch.zeros_like(pose[..., :3, :3])
    matrix[..., 0, 0], matrix[..., 1, 1] = (_AWAY_M * scale).unbind(-1)
    matrix[..., :2, 2] = 0.5 * texels
    matrix[..., 2, 2] = 1
    cameras = Cameras(matrix.flatten(0, 1), pose.flatten(0, 1), texels, texels)
    which = torch.arange(worlds, device=center_m.device).repeat_interleave(3)
    hits = cast(tiles_of_cameras(cameras), obstacles, which)
    depth_m = 1 / cameras.untiled(hits.inverse_depth).double().clamp_min(1e-5)
    level_m = (_AWAY_M - depth_m).float().view(worlds, 3, texels, texels)
    level_m[:, 2] = functional.avg_pool2d(level_m[:, 2], _BLUR, 1, _BLUR // 2,
                                          count_include_pad=False)
    return ShadowMaps(center_m.float(), axes.float(), scale.float(), level_m)


def _axes(toward: Tensor) -> Tensor:
    """Return right, down and towards the sun as rows, (S, 3, 3)."""
    right = torch.stack((-toward[:, 1], toward[:, 0], torch.full_like(toward[:, 0], 0)), 1)
    right[:, 0] += (right.norm(dim=1) < 1e-6).double()
    right = right / right.norm(dim=1, keepdim=True)
    return torch.stack((right, torch.linalg.cross(right, toward), toward), 1)


def _texels_per_m(toward: Tensor, texels: int) -> Tensor:
    """Return the scales right and down of the three maps, (S, 3, 2)."""
    reach_m = toward.new_tensor(_REACH_M).expand(len(toward), 3)
    flat, steep = toward[:, :2].norm(dim=1, keepdim=True), toward[:, 2:]
    seen_m = torch.minimum(reach_m, reach_m * steep + _TALL_M * flat)
    seen_m = torch.cat((seen_m[:, :2], reach_m[:, 2:]), 1)
    return 0.5 * texels / torch.stack((reach_m, seen_m), 2)
