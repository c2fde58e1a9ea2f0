# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Render images and inverse depth of many cameras at once, in as many worlds as there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bdc_occ_ros.errors import InvalidRaysError
from bdc_occ_ros.world.culling import Obstacles
from bdc_occ_ros.world.ground import stack_plans
from bdc_occ_ros.world.ray_casting import cast, FirstHits, full_precision
from bdc_occ_ros.world.ray_tiles import PinholeCameras, tiles_of_cameras
from bdc_occ_ros.world.scene_state import Lights, SceneState
from bdc_occ_ros.world.shading import shade, ShadedWorlds
from bdc_occ_ros.world.shadows import shadow_maps
from bdc_occ_ros.world.surfaces import surface_table


@dataclass(frozen=True, eq=False)
class View:
    """
    Place a camera in a world.

    :param state: The world; views of one state should share the object.
    :param intrinsics: Camera matrix, (3, 3), pixels; pixel (x, y) covers x to x + 1, y to y + 1.
    :param world_from_camera: Pose, (4, 4), metres.
    """

    state: SceneState
    intrinsics: np.ndarray | Tensor
    world_from_camera: np.ndarray | Tensor
    height_px: int
    width_px: int


class Rendering(NamedTuple):
    """
    Hold images of V views and the first hits of their pixels, (V, H, W), as in FirstHits.

    :param images: sRGB, (V, H, W, 3) uint8.
    """

    images: Tensor
    inverse_depth_per_m: Tensor
    solid: Tensor


class _ViewBatch(NamedTuple):
    """Hold views as tensors: cameras, the states without repeats, and the index of each view's."""

    cameras: PinholeCameras
    states: list[SceneState]
    world: Tensor

    def obstacles(self) -> Obstacles:
        return Obstacles.stacked([state.solids for state in self.states])


def render(views: Sequence[View], device: torch.device | str, noise_seeds: Sequence[int]
           ) -> Rendering:
    """
    Render views.

    :param views: At least one, all of one size.
    :param device: Where to work and where the result is.
    :param noise_seeds: Seed of the sensor noise of every view.
    :raises InvalidRaysError: if there are no views, or of several sizes.
    """
    with full_precision(device):
        batch = _batch_of(views, device)
        obstacles = batch.obstacles()
        lights = Lights.stacked([state.light for state in batch.states], device)
        shadows = shadow_maps(obstacles, _middles(batch), lights.sun_direction[..., 0].T,
                              192 if batch.cameras.is_small else 512)
        worlds = ShadedWorlds(stack_plans([state.ground for state in batch.states]),
                              surface_table([state.solids for state in batch.states]), lights,
                              shadows)
        tiles = tiles_of_cameras(batch.cameras)
        hits = cast(tiles, obstacles, batch.world)
        pixel_rad = 1 / float(batch.cameras.intrinsics[0, 0, 0])
        colors = shade(tiles, hits, worlds, batch.world, torch.tensor(noise_seeds, device=device),
                       pixel_rad)
        return Rendering(*(batch.cameras.untiled(part) for part in (colors, *hits)))


def cast_depth(views: Sequence[View], device: torch.device | str) -> FirstHits:
    """
    Cast the rays of views, as render() does, without shading them.

    :raises InvalidRaysError: if there are no views, or of several sizes.
    """
    batch = _batch_of(views, device)
    hits = cast(tiles_of_cameras(batch.cameras), batch.obstacles(), batch.world)
    return FirstHits(*(batch.cameras.untiled(part) for part in hits))


def _batch_of(views: Sequence[View], device: torch.device | str) -> _ViewBatch:
    if len({(view.height_px, view.width_px) for view in views}) != 1:
        raise InvalidRaysError('views that are cast together need one size; got '
                               f'{[(view.height_px, view.width_px) for view in views]}')
    unique = {id(view.state): view.state for view in views}
    index = {key: number for number, key in enumerate(unique)}
    world = torch.tensor([index[id(view.state)] for view in views], device=device)

    def stacked(name: str) -> Tensor:
        return torch.stack([torch.as_tensor(getattr(view, name), dtype=torch.float64)
                            for view in views]).to(device)
    cameras = PinholeCameras(stacked('intrinsics'), stacked('world_from_camera'),
                             views[0].height_px, views[0].width_px)
    return _ViewBatch(cameras, [state.to(device) for state in unique.values()], world)


def _middles(batch: _ViewBatch) -> Tensor:
    """Return the middle of the cameras of every world on the ground, (S, 3)."""
    at_m = batch.cameras.world_from_camera[:, :3, 3]
    sums = at_m.new_zeros(len(batch.states), 4)
    sums.index_add_(0, batch.world, torch.cat((at_m, torch.ones_like(at_m[:, :1])), 1))
    middle_m = sums[:, :3] / sums[:, 3:]
    middle_m[:, 2] = 0
    return middle_m
