# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Weather and time of day: what lights a scene, and how its camera sees it."""

import numpy as np
import torch

from bdc_occ_ros.world.chance import Chance
from bdc_occ_ros.world.snapshot import Light

_SUNLIGHT = np.array((1.0, 0.94, 0.84))
_LOW_SUNLIGHT = np.array((1.0, 0.62, 0.32))
_BLUE = np.array((0.22, 0.40, 0.75))
_GREY = np.array((0.58, 0.60, 0.63))
_PALE = np.array((0.66, 0.74, 0.84))


def light(rng: Chance, seed: int) -> Light:
    """
    Draw the light of a scene.

    :param seed: Sets the pattern of clouds and textures.
    """
    cloudiness = rng.weighted((rng.uniform(0, 0.3), rng.uniform(0.3, 0.7), 1.0),
                              (0.45, 0.25, 0.3))
    elevation_rad = np.radians(rng.weighted((rng.uniform(6, 20), rng.uniform(20, 70)),
                                            (0.22, 0.78)))
    azimuth_rad = rng.uniform(-np.pi, np.pi)
    low = float(np.clip(1 - np.degrees(elevation_rad) / 25, 0, 1))
    sun = (_SUNLIGHT * (1 - low) + _LOW_SUNLIGHT * low) * (1 - 0.35 * low)
    sky = _BLUE * (1 - cloudiness) + _GREY * cloudiness
    horizon = _PALE * (1 - cloudiness) + _GREY * cloudiness + 0.25 * low * (1 - cloudiness) * (
        _LOW_SUNLIGHT - 0.4)
    dim = rng.uniform(0.08, 0.25) if rng.random() < 0.08 else 1 - 0.5 * low
    direction = np.array((np.cos(azimuth_rad) * np.cos(elevation_rad),
                          np.sin(azimuth_rad) * np.cos(elevation_rad), np.sin(elevation_rad)))
    exposure = rng.uniform(0.8, 1.25) / max(dim, 0.3) ** 0.8 * (1 + 0.35 * cloudiness)
    return Light(
        *(torch.from_numpy(np.asarray(value, np.float32)) for value in (
            direction, sun * dim * (1 - 0.93 * cloudiness ** 1.5), sky * dim, horizon * dim)),
        haze_per_m=rng.weighted((0.0008, 0.002, 0.006), (0.6, 0.3, 0.1)),
        exposure=float(exposure), noise=float(rng.uniform(0.004, 0.02) / max(dim, 0.3) ** 0.5),
        cloudiness=cloudiness,
        wetness=float(rng.uniform(0.4, 1) if cloudiness > 0.6 and rng.random() < 0.5 else 0),
        seed=seed)
