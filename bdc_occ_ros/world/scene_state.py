# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Hold the state of a world at one instant: solids, ground and light, ready to be rendered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bdc_occ_ros.world.ground import GroundPlan
from bdc_occ_ros.world.solids import Solids


@dataclass(frozen=True, eq=False)
class Light:
    """
    Describe sun, sky, air and camera of a scene; colours are linear, 1 is a white wall at noon.

    :param sun_direction: Unit vector towards the sun in the world, (3,) float32.
    :param sun_rgb: Light of the sun on a surface that faces it, (3,) float32.
    :param sky_rgb: Colour of the sky overhead, which also lights from above, (3,) float32.
    :param horizon_rgb: Colour of the sky at the horizon, which is that of the haze, (3,) float32.
    :param haze_per_m: Extinction of the air, 1/m.
    :param exposure: Factor on all light that reaches the sensor.
    :param noise: Standard deviation of the sensor noise as a share of white.
    :param cloudiness: From 0, a clear sky, to 1, an overcast one.
    :param wetness: From 0, a dry ground, to 1, a wet one.
    :param seed: Sets the pattern of clouds and textures.
    """

    sun_direction: Tensor
    sun_rgb: Tensor
    sky_rgb: Tensor
    horizon_rgb: Tensor
    haze_per_m: float
    exposure: float
    noise: float
    cloudiness: float
    wetness: float
    seed: int


class Lights(NamedTuple):
    """
    Hold lights of T worlds or tiles as in Light: vectors (3, T, 1), numbers (T, 1), float32.

    :param offset: Where in the noise the patterns of this world start.
    """

    sun_direction: Tensor
    sun_rgb: Tensor
    sky_rgb: Tensor
    horizon_rgb: Tensor
    haze_per_m: Tensor
    exposure: Tensor
    noise: Tensor
    cloudiness: Tensor
    wetness: Tensor
    offset: Tensor

    @staticmethod
    def stacked(lights: Sequence[Light], device: torch.device | str) -> 'Lights':
        """Return the lights of worlds on a device."""
        vectors = [torch.stack([getattr(light, name) for light in lights], 1).float()[..., None]
                   for name in Lights._fields[:4]]
        rows = [[getattr(light, name) for name in Lights._fields[4:9]] + [light.seed * 37 % 1009]
                for light in lights]
        numbers = torch.tensor(rows, dtype=torch.float32)
        return Lights(*(part.to(device) for part in (*vectors, *numbers.T[..., None])))

    def of(self, world: Tensor) -> 'Lights':
        """Return the lights of tiles, given their worlds, (T,) int64."""
        return Lights(*(part.index_select(-2, world) for part in self))


@dataclass(frozen=True, eq=False)
class SceneState:
    """
    Hold what a camera or a LiDAR can see at one instant, in the frame of the world.

    :param solids: What stands within sight of the ego vehicle.
    :param ground: What the plane z = 0 is made of.
    """

    solids: Solids
    ground: GroundPlan
    light: Light

    def to(self, device: torch.device | str) -> 'SceneState':
        """Return the state with its geometry on a device."""
        return SceneState(self.solids.to(device), self.ground.to(device), self.light)
