# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The colour of what rays meet: ground, solids and sky under the light of a snapshot."""

from collections.abc import Iterator
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from bdc_occ_ros.world.film import exposed
from bdc_occ_ros.world.ground import GroundPlan
from bdc_occ_ros.world.ground import sample_ground
from bdc_occ_ros.world.ground import stack_plans
from bdc_occ_ros.world.lights import Lights
from bdc_occ_ros.world.ray_casting import FirstHits
from bdc_occ_ros.world.ray_casting import GROUND
from bdc_occ_ros.world.ray_tiles import RayTiles
from bdc_occ_ros.world.shadows import ShadowMaps
from bdc_occ_ros.world.sky import sky_color
from bdc_occ_ros.world.sky import sky_gradient
from bdc_occ_ros.world.snapshot import Snapshot
from bdc_occ_ros.world.surfaces import surface_table
from bdc_occ_ros.world.surfaces import surfaces_at
from bdc_occ_ros.world.surfaces import SurfaceTable
from bdc_occ_ros.world.textures import texture_of_ground
from bdc_occ_ros.world.textures import texture_of_solids

_SHADED_AT_ONCE = {'cpu': 2 ** 15, 'cuda': 2 ** 24}
_ROAD = 11


class Stage(NamedTuple):
    """
    What shading needs of S worlds.

    :param plans: The grounds.
    :param table: The looks of solids.
    :param lights: The lights.
    :param shadows: Maps of what sees the sun.
    """

    plans: GroundPlan
    table: SurfaceTable
    lights: Lights
    shadows: ShadowMaps

    @staticmethod
    def of(snapshots: Sequence[Snapshot], lights: Lights, shadows: ShadowMaps) -> 'Stage':
        """
        Return what shading needs of worlds.

        :param snapshots: The worlds, on one device.
        :param lights: Their lights.
        :param shadows: Their maps.
        """
        return Stage(stack_plans([snapshot.ground for snapshot in snapshots]),
                     surface_table([snapshot.solids for snapshot in snapshots]), lights, shadows)


class _Rays(NamedTuple):
    """Some tiles of rays and what they meet: the first three (T, ...), the rest (T, P)."""

    world: Tensor
    origin_m: Tensor
    noise_start: Tensor
    toward: tuple[Tensor, Tensor, Tensor]
    length: Tensor
    inverse_depth: Tensor
    solid: Tensor

    def rows(self, index: Tensor) -> '_Rays':
        if len(index) == len(self.world):
            return self
        return _Rays(self.world[index], self.origin_m[index], self.noise_start[index],
                     tuple(part[index] for part in self.toward), self.length[index],
                     self.inverse_depth[index], self.solid[index])

    def distance_m(self) -> Tensor:
        return self.length / self.inverse_depth.clamp_min(1e-5)

    def points(self, distance_m: Tensor) -> list[Tensor]:
        return [torch.addcmul(self.origin_m[:, axis, None], distance_m, along)
                for axis, along in enumerate(self.toward)]


def shade(tiles: RayTiles, hits: FirstHits, stage: Stage, world: Tensor, noise_seeds: Tensor,
          pixel_rad: float) -> Tensor:
    """
    Return the colours that a sensor reports for rays.

    :param tiles: The rays of V views.
    :param hits: What they meet.
    :param stage: The worlds.
    :param world: The world of every view, (V,) int64.
    :param noise_seeds: Of the sensor noise of every view, (V,) int64.
    :param pixel_rad: Angle between neighbouring rays.
    :return: sRGB, (V, T, P, 3) uint8.
    """
    colors = [_shade_some(rays, stage, pixel_rad)
              for rays in _lots(tiles, hits, world, noise_seeds)]
    return torch.cat(colors).view(*hits.solid.shape, 3)


def _lots(tiles: RayTiles, hits: FirstHits, world: Tensor, noise_seeds: Tensor) -> Iterator[_Rays]:
    """Give the tiles in lots of a fair size."""
    views, count, places = hits.solid.shape
    step = max(1, _SHADED_AT_ONCE[world.device.type] // places)
    view = torch.arange(views, device=world.device).repeat_interleave(count)
    start_of = (noise_seeds[:, None] * 7919
                + torch.arange(count, device=world.device) * 104729).flatten()
    frame, origin_m = tiles.frame.flatten(0, 1).float(), tiles.origin_m.float()
    depth, solid = hits.inverse_depth.flatten(0, 1), hits.solid.flatten(0, 1)
    for start in range(0, views * count, step):
        part = slice(start, start + step)
        x, y, z = (frame[part] @ tiles.basis[:3]).unbind(1)
        length = (x * x).addcmul_(y, y).addcmul_(z, z).sqrt_()
        yield _Rays(world[view[part]], origin_m[view[part]], start_of[part],
                    (x / length, y / length, z / length), length, depth[part], solid[part])


def _shade_some(rays: _Rays, stage: Stage, pixel_rad: float) -> Tensor:
    color = torch.zeros(3, *rays.solid.shape, device=rays.solid.device)
    for shader, mask in ((_sky, rays.inverse_depth <= 0), (_ground, rays.solid == GROUND),
                         (_solids, rays.solid >= 0)):
        index = mask.any(1).nonzero()[:, 0]
        if len(index):
            chosen = rays.rows(index)
            shaded = shader(chosen, stage, stage.lights.of(chosen.world), pixel_rad)
            color[:, index] += shaded.mul_(mask[index])
    return exposed(color, 1 / rays.length, rays.noise_start, stage.lights.of(rays.world))


def _sky(rays: _Rays, stage: Stage, lights: Lights, pixel_rad: float) -> Tensor:
    return sky_color(rays.toward, lights)


def _ground(rays: _Rays, stage: Stage, lights: Lights, pixel_rad: float) -> Tensor:
    distance_m = rays.distance_m().clamp_max(5e3)
    point = rays.points(distance_m)
    sample = sample_ground(stage.plans, rays.world, torch.stack(point[:2], -1))
    pixel_m = distance_m * pixel_rad / (-rays.toward[2]).clamp_min(0.02)
    albedo = texture_of_ground(sample.albedo.unbind(-1), sample.label, point, pixel_m)
    wet = lights.wetness * (1 - 0.5 * (sample.label != _ROAD))
    albedo *= 1 - 0.45 * wet
    none = torch.zeros_like(distance_m)
    light = _light(rays.world, point, (none, none, none + 1), stage.shadows, lights)
    color = albedo.mul_(light)
    mirrored = sky_gradient(-rays.toward[2], lights)
    grazing = 0.02 + 0.98 * (1 + rays.toward[2]).clamp_(0, 1) ** 5
    color = torch.lerp(color, mirrored, 0.75 * wet * grazing)
    return _hazy(color, distance_m, lights)


def _solids(rays: _Rays, stage: Stage, lights: Lights, pixel_rad: float) -> Tensor:
    distance_m = rays.distance_m().clamp_max(5e3)
    point = rays.points(distance_m)
    index = rays.solid.clamp_min(0) + rays.world[:, None] * stage.table.per_world
    surface = surfaces_at(stage.table, index, point)
    texture = texture_of_solids(surface, distance_m * pixel_rad)
    light = _light(rays.world, point, surface.normal, stage.shadows, lights)
    light += surface.finish.glow
    color = texture.albedo.mul_(light)
    shiny = (texture.mirror > 0).any(1).nonzero()[:, 0]
    if len(shiny):
        part = rays.rows(shiny)
        color[:, shiny] = _mirroring(
            color[:, shiny], texture.mirror[shiny], part.toward,
            [along[shiny] for along in surface.normal], stage.lights.of(part.world))
    return _hazy(color, distance_m, lights)


def _light(world: Tensor, point: Sequence[Tensor], normal: Sequence[Tensor], shadows: ShadowMaps,
           lights: Lights) -> Tensor:
    """Return the light that falls on surfaces, (3, T, P)."""
    facing = sum(part * lights.sun_direction[axis] for axis, part in enumerate(normal))
    facing = facing.clamp_(0, 1).mul_(shadows.sunlit(world, point, normal))
    up = normal[2]
    open_share = shadows.openness(world, point)
    low_share = 0.35 + 0.25 * (1 - up.abs())
    sky = (0.62 + 0.38 * up) * torch.lerp(low_share, torch.ones_like(up), open_share)
    around = 0.5 * (lights.sky_rgb + lights.horizon_rgb)
    bounced = 0.10 * lights.sun_rgb * lights.sun_direction[2]
    return (around + bounced) * sky + lights.sun_rgb * facing


def _mirroring(color: Tensor, mirror: Tensor, toward: Sequence[Tensor], normal: Sequence[Tensor],
               lights: Lights) -> Tensor:
    """Return a glossy surface's colour with the sky and the sun in it."""
    along = sum(part * axis for part, axis in zip(toward, normal)).clamp_(-1, 0)
    away = [part - 2 * along * axis for part, axis in zip(toward, normal)]
    share = mirror + (1 - mirror) * (1 + along) ** 5
    share *= mirror > 0
    seen = sky_gradient(away[2], lights) * (0.3 + 0.7 * (away[2] * 4 + 0.6).clamp_(0, 1))
    sun = sum(part * lights.sun_direction[axis] for axis, part in enumerate(away)).clamp_(0, 1)
    color = torch.lerp(color, seen, share.clamp_(0, 0.85))
    return color.addcmul_(lights.sun_rgb, 1.5 * (mirror > 0) * sun ** 60)


def _hazy(color: Tensor, distance_m: Tensor, lights: Lights) -> Tensor:
    """Return colours with the air before them."""
    return torch.lerp(lights.horizon_rgb, color, (-distance_m * lights.haze_per_m).exp_())
