# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images and inverse depth of many cameras at once, in as many worlds as there are snapshots."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bdc_occ_ros.errors import InvalidRaysError
from bdc_occ_ros.world.culling import Obstacles
from bdc_occ_ros.world.full_precision import full_precision
from bdc_occ_ros.world.lights import Lights
from bdc_occ_ros.world.ray_casting import cast
from bdc_occ_ros.world.ray_tiles import Cameras, tiles_of_cameras
from bdc_occ_ros.world.shading import shade, Stage
from bdc_occ_ros.world.shadows import shadow_maps
from bdc_occ_ros.world.snapshot import Snapshot


@dataclass(frozen=True, eq=False)
class View:
    """
    A camera in a world.

    :param snapshot: What there is to see; views of one snapshot should share the object.
    :param intrinsics: Camera matrix, (3, 3), pixels; pixel (x, y) covers x to x + 1, y to y + 1.
    :param world_from_camera: Pose, (4, 4), metres.
    """

    snapshot: Snapshot
    intrinsics: np.ndarray | Tensor
    world_from_camera: np.ndarray | Tensor
    height_px: int
    width_px: int


class DepthRendering(NamedTuple):
    """
    What the pixels of V views meet.

    :param inverse_depth_per_m: Along the optical axis, (V, H, W) float32; 0 for the sky.
    :param solid: Index into the solids of the view's snapshot, -1 for the ground and -2 for the
        sky, (V, H, W) int32.
    """

    inverse_depth_per_m: Tensor
    solid: Tensor


class Rendering(NamedTuple):
    """
    What V views show.

    :param images: sRGB, (V, H, W, 3) uint8.
    :param inverse_depth_per_m: Along the optical axis, (V, H, W) float32; 0 for the sky.
    :param solid: Index into the solids of the view's snapshot, -1 for the ground and -2 for the
        sky, (V, H, W) int32.
    """

    images: Tensor
    inverse_depth_per_m: Tensor
    solid: Tensor


class _Set(NamedTuple):
    """Views as tensors: cameras, the snapshots without repeats, and the one of every view."""

    cameras: Cameras
    snapshots: list[Snapshot]
    world: Tensor


def render(views: Sequence[View], device: torch.device | str, noise_seeds: Sequence[int]
           ) -> Rendering:
    """
    Return what cameras see.

    :param views: At least one, all of one size.
    :param device: Where to work and where the result is.
    :param noise_seeds: Seed of the sensor noise of every view, of equal number.
    :raises InvalidRaysError: if there are no views, or of several sizes.
    """
    with full_precision(device):
        return _rendered(_as_tensors(views, device), torch.tensor(noise_seeds, device=device))


def cast_depth(views: Sequence[View], device: torch.device | str) -> DepthRendering:
    """
    Return what cameras meet, without shading it.

    :param views: At least one, all of one size.
    :param device: Where to work and where the result is.
    :raises InvalidRaysError: if there are no views, or of several sizes.
    """
    given = _as_tensors(views, device)
    obstacles = Obstacles.stacked([snapshot.solids for snapshot in given.snapshots])
    hits = cast(tiles_of_cameras(given.cameras), obstacles, given.world)
    return DepthRendering(*(given.cameras.untiled(part) for part in hits))


def _rendered(given: _Set, noise_seeds: Tensor) -> Rendering:
    obstacles = Obstacles.stacked([snapshot.solids for snapshot in given.snapshots])
    lights = Lights.stacked([snapshot.light for snapshot in given.snapshots])
    shadows = shadow_maps(obstacles, _middles(given), lights.sun_direction[..., 0].T,
                          192 if given.cameras.is_small else 512)
    stage = Stage.of(given.snapshots, lights, shadows)
    tiles = tiles_of_cameras(given.cameras)
    hits = cast(tiles, obstacles, given.world)
    pixel_rad = 1 / float(given.cameras.intrinsics[0, 0, 0])
    colors = shade(tiles, hits, stage, given.world, noise_seeds, pixel_rad)
    return Rendering(*(given.cameras.untiled(part) for part in (colors, *hits)))


def _as_tensors(views: Sequence[View], device: torch.device | str) -> _Set:
    if len({(view.height_px, view.width_px) for view in views}) != 1:
        raise InvalidRaysError('views that are cast together need one size; got '
                               f'{[(view.height_px, view.width_px) for view in views]}')
    unique = {id(view.snapshot): view.snapshot for view in views}
    index = {key: number for number, key in enumerate(unique)}
    world = torch.tensor([index[id(view.snapshot)] for view in views], device=device)

    def stacked(name: str) -> Tensor:
        return torch.stack([torch.as_tensor(getattr(view, name), dtype=torch.float64)
                            for view in views]).to(device)
    cameras = Cameras(stacked('intrinsics'), stacked('world_from_camera'), views[0].height_px,
                      views[0].width_px)
    return _Set(cameras, [snapshot.to(device) for snapshot in unique.values()], world)


def _middles(given: _Set) -> Tensor:
    """Return the middle of the cameras of every world on the ground, (S, 3)."""
    at_m = given.cameras.world_from_camera[:, :3, 3]
    sums = at_m.new_zeros(len(given.snapshots), 4)
    sums.index_add_(0, given.world, torch.cat((at_m, torch.ones_like(at_m[:, :1])), 1))
    middle_m = sums[:, :3] / sums[:, 3:]
    middle_m[:, 2] = 0
    return middle_m
