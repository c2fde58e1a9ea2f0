# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The world at one instant: solids, ground and light, ready to be cast and shaded."""

from dataclasses import dataclass

import torch
from torch import Tensor

from bdc_occ_ros.world.ground import GroundPlan
from bdc_occ_ros.world.solids import Solids


@dataclass(frozen=True, eq=False)
class Light:
    """
    Sun, sky, air and camera of one scene; colours are linear and 1 is a white wall at noon.

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

    def to(self, device: torch.device | str) -> 'Light':
        """Return the light on a device."""
        return Light(self.sun_direction.to(device), self.sun_rgb.to(device),
                     self.sky_rgb.to(device), self.horizon_rgb.to(device), self.haze_per_m,
                     self.exposure, self.noise, self.cloudiness, self.wetness, self.seed)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """
    What a camera or a LiDAR can meet at one instant, in the frame of the world.

    :param solids: What stands within sight of the ego vehicle.
    :param ground: What the plane z = 0 is made of.
    :param light: Sun, sky, air and camera.
    """

    solids: Solids
    ground: GroundPlan
    light: Light

    def to(self, device: torch.device | str) -> 'Snapshot':
        """Return the snapshot on a device."""
        return Snapshot(self.solids.to(device), self.ground.to(device), self.light.to(device))
