# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Compute shadow maps: which points see the sun, and how much of the sky.

For every world three depth maps are cast around the cameras: towards the sun over a
small and a large area, and straight down. Their cameras are so far away that rays are almost
parallel.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from bdc_occ_ros.world.culling import Obstacles
from bdc_occ_ros.world.ray_casting import cast
from bdc_occ_ros.world.ray_tiles import PinholeCameras, tiles_of_cameras

_AWAY_M = 20e3
_REACH_M = (14.0, 60.0, 30.0)
_TALL_M = 7.0
_SLACK_M = (0.08, 0.30)
_BLUR = 7
_OPEN_TO_M = 1.4
_INSIDE = 0.98


class ShadowMaps(NamedTuple):
    """
    Hold heights of the nearest surfaces for S worlds, M x M texels a map.

    :param reach: What takes points of the world to both coordinates, -1 to 1, in the near map of
        the sun and to the height towards the sun, with the offset as a last column, (S, 3, 4).
    :param far_share: Coordinates in the far map of the sun over those in the near one, (S, 2, 1).
    :param above: Scale and offsets from x and y to coordinates in the map from above, (S, 3, 1).
    :param level_m: Heights of the three maps of all worlds, one below the other,
        (1, 1, S * 3 * M, M) float32; of the map from above a blurred one.
    """

    reach: Tensor
    far_share: Tensor
    above: Tensor
    level_m: Tensor

    def sunlit(self, world: Tensor, point: Tensor) -> Tensor:
        """
        Return the share of the sun that points see, 0 to 1, (T, P) float32.

        :param world: The world of every lot of points, (T,) int64.
        :param point: (T, 3, P) float32.
        """
        reach = self.reach[world]
        x, y, height_m = torch.baddbmm(reach[:, :, 3:], reach[:, :, :3], point).unbind(1)
        is_far = torch.maximum(x.abs(), y.abs()) > _INSIDE
        far_share = self.far_share[world]
        x = torch.where(is_far, x * far_share[:, 0], x)
        y = torch.where(is_far, y * far_share[:, 1], y)
        inside = torch.maximum(x.abs(), y.abs()) < _INSIDE
        above_m = self._level_m(x, y, world[:, None] * 3 + is_far) - height_m
        softness = torch.where(is_far, *(1 / slack_m for slack_m in reversed(_SLACK_M)))
        return 1 - (above_m * softness - 1).clamp_(0, 1).mul_(inside)

    def openness(self, world: Tensor, point: Tensor) -> Tensor:
        """Return how open the sky about points is, 0 to 1: ambient occlusion, as in sunlit()."""
        scale, right, up = self.above[world].unbind(1)
        # Seen from above x is right and y is up.
        x, y = point[:, 0] * scale + right, -(point[:, 1] * scale + up)
        inside = torch.maximum(x.abs(), y.abs()) < _INSIDE
        above_m = self._level_m(x, y, world[:, None] * 3 + 2) - point[:, 2]
        return 1 - above_m.mul_(1 / _OPEN_TO_M).clamp_(0, 1).mul_(inside)

    def _level_m(self, x: Tensor, y: Tensor, number: Tensor) -> Tensor:
        maps = self.level_m.shape[2] // self.level_m.shape[3]
        row = y.clamp(-_INSIDE, _INSIDE).add_(2 * number + (1 - maps)).mul_(1 / maps)
        return functional.grid_sample(self.level_m, torch.stack((x, row), -1)[None],
                                      padding_mode='border', align_corners=False)[0, 0]


def shadow_maps(obstacles: Obstacles, center_m: Tensor, sun_direction: Tensor,
                texels: int) -> ShadowMaps:
    """
    Cast the maps of S worlds.

    :param center_m: What the maps are around, (S, 3).
    :param sun_direction: Unit vectors towards the sun, (S, 3).
    :param texels: Rows and columns of every map.
    """
    center_m, toward = center_m.double(), sun_direction.double()
    axes = _axes(toward)
    down = center_m.new_tensor(((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0)))
    all_axes = torch.stack((axes, axes, down.expand_as(axes)), 1)
    half_m = _half_sizes_m(toward)
    level_m = _cast_levels(obstacles, center_m, all_axes, half_m, texels)
    reach = axes / torch.cat((half_m[:, 0], torch.ones_like(half_m[:, 0, :1])), 1)[..., None]
    reach = torch.cat((reach, -reach @ center_m[..., None]), 2)
    scale = 1 / half_m[:, 2, 0, None]
    above = torch.cat((scale, -center_m[:, :2] * scale), 1)[..., None]
    return ShadowMaps(reach.float(), (half_m[:, 0] / half_m[:, 1])[..., None].float(),
                      above.float(), level_m)


def _cast_levels(obstacles: Obstacles, center_m: Tensor, axes: Tensor, half_m: Tensor,
                 texels: int) -> Tensor:
    """Return the three maps of every world, (1, 1, S * 3 * M, M)."""
    worlds = len(center_m)
    pose = torch.eye(4, dtype=torch.float64, device=center_m.device).repeat(worlds, 3, 1, 1)
    pose[..., :3, :3] = axes.mT * center_m.new_tensor((1.0, 1.0, -1.0))
    pose[..., :3, 3] = center_m[:, None] + _AWAY_M * axes[:, :, 2]
    matrix = torch.zeros_like(pose[..., :3, :3])
    matrix[..., 0, 0], matrix[..., 1, 1] = (0.5 * texels * _AWAY_M / half_m).unbind(-1)
    matrix[..., :2, 2] = 0.5 * texels
    matrix[..., 2, 2] = 1
    cameras = PinholeCameras(matrix.flatten(0, 1), pose.flatten(0, 1), texels, texels)
    which = torch.arange(worlds, device=center_m.device).repeat_interleave(3)
    hits = cast(tiles_of_cameras(cameras), obstacles, which)
    depth_m = 1 / cameras.untiled(hits.inverse_depth_per_m).double().clamp_min(1e-6)
    level_m = (_AWAY_M - depth_m).float().view(worlds, 3, texels, texels)
    level_m[:, 2] = functional.avg_pool2d(level_m[:, 2], _BLUR, 1, _BLUR // 2,
                                          count_include_pad=False)
    return level_m.view(1, 1, -1, texels)


def _axes(toward: Tensor) -> Tensor:
    """Return right, down and towards the sun as rows, (S, 3, 3)."""
    right = torch.stack((-toward[:, 1], toward[:, 0], torch.zeros_like(toward[:, 0])), 1)
    right[:, 0] += (right.norm(dim=1) < 1e-6).double()
    right = right / right.norm(dim=1, keepdim=True)
    return torch.stack((right, torch.linalg.cross(right, toward), toward), 1)


def _half_sizes_m(toward: Tensor) -> Tensor:
    """Return half the width and height of the three maps, (S, 3, 2)."""
    reach_m = toward.new_tensor(_REACH_M).expand(len(toward), 3)
    flat, steep = toward[:, :2].norm(dim=1, keepdim=True), toward[:, 2:]
    tall_m = torch.minimum(reach_m, reach_m * steep + _TALL_M * flat)
    return torch.stack((reach_m, torch.cat((tall_m[:, :2], reach_m[:, 2:]), 1)), 2)
