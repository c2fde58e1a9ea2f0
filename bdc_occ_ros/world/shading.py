# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The colour of what rays meet: ground, solids and sky under the light of a snapshot."""

from collections.abc import Iterator
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from bdc_occ_ros.world.ground import GroundPlan
from bdc_occ_ros.world.ground import sample_ground
from bdc_occ_ros.world.ground import stack_plans
from bdc_occ_ros.world.ray_casting import FirstHits
from bdc_occ_ros.world.ray_casting import GROUND
from bdc_occ_ros.world.ray_tiles import RayTiles
from bdc_occ_ros.world.snapshot import Light
from bdc_occ_ros.world.snapshot import Snapshot
from bdc_occ_ros.world.surfaces import surface_table
from bdc_occ_ros.world.surfaces import surfaces_at
from bdc_occ_ros.world.surfaces import SurfaceTable

_SHADED_AT_ONCE = {'cpu': 2 ** 15, 'cuda': 2 ** 24}


class Lights(NamedTuple):
    """
    The lights of several worlds, a row each.

    :param sun_direction: (S, 3).
    :param sun_rgb: (S, 3).
    :param sky_rgb: (S, 3).
    :param horizon_rgb: (S, 3).
    :param air: Haze per m, exposure, noise, cloudiness and wetness, (S, 5).
    """

    sun_direction: Tensor
    sun_rgb: Tensor
    sky_rgb: Tensor
    horizon_rgb: Tensor
    air: Tensor

    @staticmethod
    def stacked(lights: Sequence[Light]) -> 'Lights':
        """
        Return lights as tensors.

        :param lights: At least one, on one device.
        """
        air = [(light.haze_per_m, light.exposure, light.noise, light.cloudiness, light.wetness)
               for light in lights]
        vectors = (torch.stack([getattr(light, name) for light in lights]).float()
                   for name in ('sun_direction', 'sun_rgb', 'sky_rgb', 'horizon_rgb'))
        device = lights[0].sun_rgb.device
        return Lights(*vectors, torch.tensor(air, dtype=torch.float32, device=device))

    def of(self, world: Tensor) -> 'Lights':
        """
        Return the lights of some tiles.

        :param world: Their worlds, (T,) int64.
        """
        return Lights(*(part[world] for part in self))


class _Stage(NamedTuple):
    """What shading needs of all worlds."""

    plans: GroundPlan
    table: SurfaceTable
    lights: Lights


class _Rays(NamedTuple):
    """Some tiles of rays and what they meet: world (T,), origin (T, 3), the rest (T, P)."""

    world: Tensor
    origin_m: Tensor
    direction: tuple[Tensor, Tensor, Tensor]
    inverse_depth: Tensor
    solid: Tensor
    noise_seed: Tensor

    def rows(self, index: Tensor) -> '_Rays':
        return _Rays(self.world[index], self.origin_m[index],
                     tuple(part[index] for part in self.direction), self.inverse_depth[index],
                     self.solid[index], self.noise_seed[index])

    def points(self) -> tuple[Tensor, Tensor, Tensor]:
        depth_m = 1 / self.inverse_depth.clamp_min(1e-5)
        return tuple(torch.addcmul(self.origin_m[:, axis, None], depth_m, along)
                     for axis, along in enumerate(self.direction))


def shade(tiles: RayTiles, hits: FirstHits, snapshots: Sequence[Snapshot], world: Tensor,
          noise_seeds: Tensor) -> Tensor:
    """
    Return the colours that a sensor reports for rays.

    :param tiles: The rays of V views.
    :param hits: What they meet.
    :param snapshots: The S worlds, on one device.
    :param world: The world of every view, (V,) int64.
    :param noise_seeds: Of the sensor noise of every view, (V,) int64.
    :return: sRGB, (V, T, P, 3) uint8.
    """
    stage = _Stage(stack_plans([snapshot.ground for snapshot in snapshots]),
                   surface_table([snapshot.solids for snapshot in snapshots]),
                   Lights.stacked([snapshot.light for snapshot in snapshots]))
    colors = [_shade_some(rays, stage) for rays in _lots(tiles, hits, world, noise_seeds)]
    return torch.cat(colors).view(*hits.solid.shape, 3)


def _lots(tiles: RayTiles, hits: FirstHits, world: Tensor, noise_seeds: Tensor) -> Iterator[_Rays]:
    """Give the tiles in lots of a fair size."""
    views, count, places = hits.solid.shape
    step = max(1, _SHADED_AT_ONCE[world.device.type] // places)
    view = torch.arange(views, device=world.device).repeat_interleave(count)
    frame, origin_m = tiles.frame.flatten(0, 1).float(), tiles.origin_m.float()
    depth, solid = hits.inverse_depth.flatten(0, 1), hits.solid.flatten(0, 1)
    for start in range(0, views * count, step):
        part = slice(start, start + step)
        direction = (frame[part] @ tiles.basis[:3]).unbind(1)
        yield _Rays(world[view[part]], origin_m[view[part]], direction, depth[part], solid[part],
                    noise_seeds[view[part]])


def _shade_some(rays: _Rays, stage: _Stage) -> Tensor:
    color = torch.zeros(3, *rays.solid.shape, device=rays.solid.device)
    for shader, mask in ((_sky, rays.inverse_depth <= 0), (_ground, rays.solid == GROUND),
                         (_solids, rays.solid >= 0)):
        index = mask.any(1).nonzero()[:, 0]
        if len(index):
            chosen = rays.rows(index)
            shaded = torch.stack(shader(chosen, stage, stage.lights.of(chosen.world)))
            color[:, index] = torch.where(mask[index], shaded, color[:, index])
    return _exposed(color, rays, stage.lights.of(rays.world))


def _sky(rays: _Rays, stage: _Stage, lights: Lights) -> list[Tensor]:
    x, y, z = rays.direction
    rise = z / (x * x + y * y + z * z).sqrt()
    share = rise.clamp(0, 1).sqrt()
    return [lights.horizon_rgb[:, c, None] * (1 - share) + lights.sky_rgb[:, c, None] * share
            for c in range(3)]


def _ground(rays: _Rays, stage: _Stage, lights: Lights) -> list[Tensor]:
    x, y, z = rays.points()
    albedo = sample_ground(stage.plans, rays.world, torch.stack((x, y), -1)).albedo.unbind(-1)
    up = torch.ones_like(x)
    return _lit(rays, albedo, (0 * up, 0 * up, up), lights)


def _solids(rays: _Rays, stage: _Stage, lights: Lights) -> list[Tensor]:
    index = rays.solid.clamp_min(0) + rays.world[:, None] * stage.table.per_world
    surface = surfaces_at(stage.table, index, rays.points())
    return _lit(rays, surface.albedo, surface.normal, lights)


def _lit(rays: _Rays, albedo: Sequence[Tensor], normal: Sequence[Tensor],
         lights: Lights) -> list[Tensor]:
    sun = sum(n * lights.sun_direction[:, axis, None] for axis, n in enumerate(normal))
    sun = sun.clamp_min_(0)
    sky = normal[2] * 0.35 + 0.65
    x, y, z = rays.direction
    distance = (x * x + y * y + z * z).sqrt() / rays.inverse_depth.clamp_min(1e-5)
    clear = torch.exp(-distance * lights.air[:, 0, None])
    return [(albedo[c] * (sun * lights.sun_rgb[:, c, None] + sky * lights.sky_rgb[:, c, None])
             - lights.horizon_rgb[:, c, None]) * clear + lights.horizon_rgb[:, c, None]
            for c in range(3)]


def _exposed(color: Tensor, rays: _Rays, lights: Lights) -> Tensor:
    light = color * lights.air[:, 1, None]
    film = light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14)
    return (film.clamp_(0, 1).pow_(1 / 2.2) * 255 + 0.5).byte().permute(1, 2, 0)
