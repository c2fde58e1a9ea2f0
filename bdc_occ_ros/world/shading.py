# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Shade what rays meet: ground, solids and sky under a light, as a sensor reports it."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from bdc_occ_ros.world import surfaces
from bdc_occ_ros.world.ground import GroundPlan, sample_ground
from bdc_occ_ros.world.ray_casting import FirstHits, GROUND, SKY
from bdc_occ_ros.world.ray_tiles import RayTiles
from bdc_occ_ros.world.scene_state import Lights
from bdc_occ_ros.world.shadows import ShadowMaps

_ROAD = 11
_CLOUD_TEXELS = 9.0
_NOISE_VALUES = 2 ** 20
_GAIN = 1.6
# Few enough for the caches of a CPU; elsewhere for the memory.
_SHADED_AT_ONCE = (2 ** 15, 2 ** 22)


class ShadedWorlds(NamedTuple):
    """Hold what shading needs of S worlds."""

    plans: GroundPlan
    table: surfaces.SurfaceTable
    lights: Lights
    shadows: ShadowMaps


class _Rays(NamedTuple):
    """
    Hold tiles of rays that meet the same kinds of things.

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


def shade(tiles: RayTiles, hits: FirstHits, worlds: ShadedWorlds, world: Tensor,
          noise_seeds: Tensor, pixel_rad: float) -> Tensor:
    """
    Shade rays as a sensor reports them.

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
                     hits.inverse_depth_per_m.flatten(0, 1)[index],
                     hits.solid.flatten(0, 1)[index])
        colors[index] = _shade_some(rays, kinds, worlds, pixel_rad)
    return colors.view(views, count, places, 3)


def _lots(hits: FirstHits) -> Iterator[tuple[Tensor, int]]:
    """Yield lots of tiles that show the same kinds of things, (T,), and the kinds as bits."""
    solid = hits.solid.flatten(0, 1)
    kinds = sum((mask.any(1).long() << bit) for bit, mask in enumerate(_kinds(solid)))
    ordered, order = kinds.sort(stable=True)
    step = max(1, _SHADED_AT_ONCE[solid.device.type != 'cpu'] // solid.shape[1])
    counts = torch.bincount(ordered, minlength=2 ** len(_KINDS)).tolist()
    for kind, lot in enumerate(order.split(counts)):
        for start in range(0, len(lot), step):
            yield lot[start:start + step], kind


def _kinds(solid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return masks of sky, ground and solids."""
    return solid == SKY, solid == GROUND, solid >= 0


def _shade_some(rays: _Rays, kinds: int, worlds: ShadedWorlds, pixel_rad: float) -> Tensor:
    lights = worlds.lights.of(rays.world)
    light = None
    for bit, mask in enumerate(_kinds(rays.solid)):
        if kinds & 1 << bit:
            shaded = _KINDS[bit](rays, worlds, lights, pixel_rad)
            light = shaded if light is None else torch.where(mask, shaded, light)
    return tone_map(light, 1 / rays.length, rays.noise_start, lights)


def _sky(rays: _Rays, worlds: ShadedWorlds, lights: Lights, pixel_rad: float) -> Tensor:
    """Return the sky with its clouds and the glow of the sun, (3, T, P)."""
    direction = x, y, z = rays.toward.unbind(1)
    color = _sky_gradient(z, lights)
    spread = _CLOUD_TEXELS / (z.clamp_min(0) + 0.12)
    coarse, fine = surfaces.noise_at(x * spread + lights.offset, y * spread + lights.offset)
    cover = (coarse + 0.15 * fine).add_(2.4 * lights.cloudiness - 1.5).clamp_(0, 1)
    cover *= (z * 6).clamp_(0.1, 1)
    white = 0.75 * (lights.horizon_rgb + 0.35 * lights.sun_rgb) + 0.25 * lights.sky_rgb
    grey = (1.0 - 0.12 * lights.cloudiness) - (0.10 * coarse).clamp_(-0.1, 0.2)
    color = torch.lerp(color, white * grey, cover)
    toward = sum(part * lights.sun_direction[axis] for axis, part in enumerate(direction))
    toward = toward.clamp_(0, 1)
    near = toward.square().square().square()
    glow = 0.25 * near + 0.8 * near.pow(24) + 6 * (toward > 0.9997)
    return color.addcmul_(lights.sun_rgb, glow * (1 - 0.85 * cover))


def _ground(rays: _Rays, worlds: ShadedWorlds, lights: Lights, pixel_rad: float) -> Tensor:
    distance_m = rays.distance_m().clamp_max(5e3)
    point = rays.points(distance_m)
    fall = -rays.toward[:, 2]
    sample = sample_ground(worlds.plans, rays.world, point[:, :2].mT)
    albedo = surfaces.texture_of_ground(sample.albedo.unbind(-1), sample.label, point,
                                        distance_m * pixel_rad / fall.clamp_min(0.02))
    wet = lights.wetness * (1 - 0.5 * (sample.label != _ROAD))
    albedo *= 1 - 0.45 * wet
    light = _light(rays.world, point, lights.sun_direction[2], torch.ones_like(fall),
                   worlds.shadows, lights)
    color = albedo.mul_(light)
    mirrored = _sky_gradient(fall, lights)
    grazing = 0.02 + 0.98 * (1 - fall).clamp_(0, 1) ** 5
    color = torch.lerp(color, mirrored, 0.75 * wet * grazing)
    return _hazy(color, distance_m, lights)


def _solids(rays: _Rays, worlds: ShadedWorlds, lights: Lights, pixel_rad: float) -> Tensor:
    distance_m = rays.distance_m().clamp_max(5e3)
    point = rays.points(distance_m)
    index = rays.solid.clamp_min(0) + rays.world[:, None] * worlds.table.per_world
    surface = surfaces.surfaces_at(worlds.table, index, point)
    albedo, mirror = surfaces.texture_of_solids(worlds.table, surface, distance_m * pixel_rad)
    facing = sum(part * lights.sun_direction[axis] for axis, part in enumerate(surface.normal))
    light = _light(rays.world, point, facing.clamp_(0, 1), surface.normal[2], worlds.shadows,
                   lights)
    light += surface.finish.glow
    color = albedo.mul_(light)
    shiny = (mirror > 0).any(1).nonzero()[:, 0]
    if len(shiny):
        color[:, shiny] = _mirroring(
            color[:, shiny], mirror[shiny], rays.toward[shiny].unbind(1),
            [along[shiny] for along in surface.normal], worlds.lights.of(rays.world[shiny]))
    return _hazy(color, distance_m, lights)


def _light(world: Tensor, point: Tensor, facing: Tensor, up: Tensor, shadows: ShadowMaps,
           lights: Lights) -> Tensor:
    """Return the irradiance of surfaces by how they face the sun and the sky, (3, T, P)."""
    sun = shadows.sunlit(world, point).mul_(facing)
    open_share = shadows.openness(world, point)
    low_share = 0.35 + 0.25 * (1 - up.abs())
    sky = (0.62 + 0.38 * up) * torch.lerp(low_share, torch.ones_like(up), open_share)
    around = (0.25 + 0.25 * lights.cloudiness) * (lights.sky_rgb + lights.horizon_rgb)
    bounced = 0.10 * lights.sun_rgb * lights.sun_direction[2]
    return ((around + bounced) * sky).addcmul_(lights.sun_rgb, sun)


def _mirroring(color: Tensor, mirror: Tensor, toward: Sequence[Tensor], normal: Sequence[Tensor],
               lights: Lights) -> Tensor:
    """Add the mirrored sky and sun to the colour of glossy surfaces."""
    along = sum(part * axis for part, axis in zip(toward, normal)).clamp_(-1, 0)
    away = [part - 2 * along * axis for part, axis in zip(toward, normal)]
    share = mirror + (1 - mirror) * (1 + along) ** 5
    share *= mirror > 0
    seen = _sky_gradient(away[2], lights) * (0.3 + 0.7 * (away[2] * 4 + 0.6).clamp_(0, 1))
    sun = sum(part * lights.sun_direction[axis] for axis, part in enumerate(away)).clamp_(0, 1)
    color = torch.lerp(color, seen, share.clamp_(0, 0.85))
    return color.addcmul_(lights.sun_rgb, 1.5 * (mirror > 0) * sun ** 60)


def _hazy(color: Tensor, distance_m: Tensor, lights: Lights) -> Tensor:
    """Blend colours with the haze before them."""
    return torch.lerp(lights.horizon_rgb, color, (-distance_m * lights.haze_per_m).exp_())


def _sky_gradient(rise: Tensor, lights: Lights) -> Tensor:
    """Return the colour of a clear sky, (3, T, P), from the sine of the elevation, (T, P)."""
    share = 1 - (1 - rise).clamp_(0, 1).square_().square_()
    return torch.addcmul(lights.horizon_rgb, lights.sky_rgb - lights.horizon_rgb, share)


@cache
def _noise_values(device: str) -> Tensor:
    made = torch.Generator().manual_seed(2)
    return torch.randn(_NOISE_VALUES, generator=made).to(device)


def tone_map(light: Tensor, off_axis: Tensor, noise_start: Tensor, lights: Lights) -> Tensor:
    """
    Expose, vignette, tone map, add sensor noise and quantize to 8 bits.

    :param light: Radiance, (3, T, P) float32; is overwritten.
    :param off_axis: Cosine of the angle between ray and optical axis, (T, P) float32.
    :param noise_start: A number of every tile's own, which sets its noise, (T,) int64.
    :return: sRGB, (T, P, 3) uint8.
    """
    light *= _GAIN * off_axis * lights.exposure
    light -= 0.004
    light.clamp_min_(0)
    # Hejl's and Burgess-Dawson's curve of a film, which contains the display's.
    shown = (light * 6.2).add_(0.5).mul_(light)
    light.mul_(light.mul(6.2).add_(1.7)).add_(0.06)
    shown.div_(light)
    values = _noise_values(str(light.device))
    count = shown[:, 0].numel()
    start = noise_start % (_NOISE_VALUES - count)
    grains = values.unfold(0, count, 1)[start].view(len(start), 3, -1).transpose(0, 1)
    spread = (shown * (0.75 * 255)).add_(0.35 * 255).mul_(lights.noise)
    shown.mul_(255).add_(0.5).addcmul_(grains, spread)
    return shown.clamp_(0, 255.5).byte().permute(1, 2, 0)

_KINDS = (_sky, _ground, _solids)
