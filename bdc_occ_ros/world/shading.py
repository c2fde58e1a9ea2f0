# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The colour of what rays meet: ground, solids and sky under the light of a snapshot."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from bdc_occ_ros.world.film import exposed
from bdc_occ_ros.world.ground import GroundPlan, sample_ground, stack_plans
from bdc_occ_ros.world.lights import Lights
from bdc_occ_ros.world.ray_casting import FirstHits, GROUND, SKY
from bdc_occ_ros.world.ray_tiles import RayTiles
from bdc_occ_ros.world.shadows import ShadowMaps
from bdc_occ_ros.world.sky import sky_color, sky_gradient
from bdc_occ_ros.world.snapshot import Snapshot
from bdc_occ_ros.world.surfaces import surface_table, surfaces_at, SurfaceTable
from bdc_occ_ros.world.textures import texture_of_ground, texture_of_solids

# Few enough for the caches of a CPU; elsewhere for the memory.
_SHADED_AT_ONCE = (2 ** 15, 2 ** 22)
_ROAD = 11


class Stage(NamedTuple):
    """
    What shading needs of S worlds.

    :param table: The looks of solids.
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
        """
        return Stage(stack_plans([snapshot.ground for snapshot in snapshots]),
                     surface_table([snapshot.solids for snapshot in snapshots]), lights, shadows)


class _Rays(NamedTuple):
    """
    Some tiles of rays, all of which meet the same kinds of things.

    Shapes are (T,), (T, 3), (T,), (T, 3, P) and then (T, P).
    """

    world: Tensor
    origin_m: Tensor
    noise_start: Tensor
    toward: Tensor
    length: Tensor
    inverse_depth: Tensor
    solid: Tensor

    def distance_m(self) -> Tensor:
        return self.length / self.inverse_depth.clamp_min(1e-5)

    def points(self, distance_m: Tensor) -> Tensor:
        return torch.addcmul(self.origin_m[..., None], distance_m[:, None], self.toward)


def shade(tiles: RayTiles, hits: FirstHits, stage: Stage, world: Tensor, noise_seeds: Tensor,
          pixel_rad: float) -> Tensor:
    """
    Return the colours that a sensor reports for rays.

    :param tiles: The rays of V views.
    :param world: The world of every view, (V,) int64.
    :param noise_seeds: Of the sensor noise of every view, (V,) int64.
    :param pixel_rad: Angle between neighbouring rays.
    :return: sRGB, (V, T, P, 3) uint8.
    """
    views, count, places = hits.solid.shape
    colors = hits.solid.new_empty((views * count, places, 3), dtype=torch.uint8)
    for index, kinds in _lots(hits):
        view = index // count
        noise_start = noise_seeds[view] * 7919 + (index - view * count) * 104729
        direction = tiles.frame.flatten(0, 1)[index].float() @ tiles.basis[:3]
        length = direction.square().sum(1).sqrt_()
        rays = _Rays(world[view], tiles.origin_m[view].float(), noise_start,
                     direction.div_(length[:, None]), length,
                     hits.inverse_depth.flatten(0, 1)[index], hits.solid.flatten(0, 1)[index])
        colors[index] = _shade_some(rays, kinds, stage, pixel_rad)
    return colors.view(views, count, places, 3)


def _lots(hits: FirstHits) -> Iterator[tuple[Tensor, int]]:
    """Give tiles that show the same kinds in lots of a fair size, (T,), and the kinds as bits."""
    solid = hits.solid.flatten(0, 1)
    kinds = sum((mask.any(1).long() << bit) for bit, mask in enumerate(_kinds(solid)))
    ordered, order = kinds.sort(stable=True)
    step = max(1, _SHADED_AT_ONCE[solid.device.type != 'cpu'] // solid.shape[1])
    counts = torch.bincount(ordered, minlength=2 ** len(_KINDS)).tolist()
    for kind, lot in enumerate(order.split(counts)):
        for start in range(0, len(lot), step):
            yield lot[start:start + step], kind


def _kinds(solid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return what is sky, ground and solid."""
    return solid == SKY, solid == GROUND, solid >= 0


def _shade_some(rays: _Rays, kinds: int, stage: Stage, pixel_rad: float) -> Tensor:
    lights = stage.lights.of(rays.world)
    light = None
    for bit, mask in enumerate(_kinds(rays.solid)):
        if kinds & 1 << bit:
            shaded = _KINDS[bit](rays, stage, lights, pixel_rad)
            light = shaded if light is None else torch.where(mask, shaded, light)
    return exposed(light, 1 / rays.length, rays.noise_start, lights)


def _sky(rays: _Rays, stage: Stage, lights: Lights, pixel_rad: float) -> Tensor:
    return sky_color(rays.toward.unbind(1), lights)


def _ground(rays: _Rays, stage: Stage, lights: Lights, pixel_rad: float) -> Tensor:
    distance_m = rays.distance_m().clamp_max(5e3)
    point = rays.points(distance_m)
    fall = -rays.toward[:, 2]
    sample = sample_ground(stage.plans, rays.world, point[:, :2].mT)
    albedo = texture_of_ground(sample.albedo.unbind(-1), sample.label, point,
                               distance_m * pixel_rad / fall.clamp_min(0.02))
    wet = lights.wetness * (1 - 0.5 * (sample.label != _ROAD))
    albedo *= 1 - 0.45 * wet
    light = _light(rays.world, point, lights.sun_direction[2], torch.ones_like(fall),
                   stage.shadows, lights)
    color = albedo.mul_(light)
    mirrored = sky_gradient(fall, lights)
    grazing = 0.02 + 0.98 * (1 - fall).clamp_(0, 1) ** 5
    color = torch.lerp(color, mirrored, 0.75 * wet * grazing)
    return _hazy(color, distance_m, lights)


def _solids(rays: _Rays, stage: Stage, lights: Lights, pixel_rad: float) -> Tensor:
    distance_m = rays.distance_m().clamp_max(5e3)
    point = rays.points(distance_m)
    index = rays.solid.clamp_min(0) + rays.world[:, None] * stage.table.per_world
    surface = surfaces_at(stage.table, index, point)
    texture = texture_of_solids(stage.table, surface, distance_m * pixel_rad)
    facing = sum(part * lights.sun_direction[axis] for axis, part in enumerate(surface.normal))
    light = _light(rays.world, point, facing.clamp_(0, 1), surface.normal[2], stage.shadows,
                   lights)
    light += surface.finish.glow
    color = texture.albedo.mul_(light)
    shiny = (texture.mirror > 0).any(1).nonzero()[:, 0]
    if len(shiny):
        color[:, shiny] = _mirroring(
            color[:, shiny], texture.mirror[shiny], rays.toward[shiny].unbind(1),
            [along[shiny] for along in surface.normal], stage.lights.of(rays.world[shiny]))
    return _hazy(color, distance_m, lights)


def _light(world: Tensor, point: Tensor, facing: Tensor, up: Tensor, shadows: ShadowMaps,
           lights: Lights) -> Tensor:
    """Return the light on surfaces that face the sun and the sky so much, (3, T, P)."""
    sun = shadows.sunlit(world, point).mul_(facing)
    open_share = shadows.openness(world, point)
    low_share = 0.35 + 0.25 * (1 - up.abs())
    sky = (0.62 + 0.38 * up) * torch.lerp(low_share, torch.ones_like(up), open_share)
    around = (0.25 + 0.25 * lights.cloudiness) * (lights.sky_rgb + lights.horizon_rgb)
    bounced = 0.10 * lights.sun_rgb * lights.sun_direction[2]
    return ((around + bounced) * sky).addcmul_(lights.sun_rgb, sun)


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


_KINDS = (_sky, _ground, _solids)
