# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The light of several worlds, or of the tiles of rays in them, as tensors."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from bdc_occ_ros.world.snapshot import Light

_NUMBERS = ('haze_per_m', 'exposure', 'noise', 'cloudiness', 'wetness')


class Lights(NamedTuple):
    """
    Lights of T worlds or tiles; meanings as in Light.

    :param sun_direction: (3, T, 1) float32.
    :param sun_rgb: (3, T, 1) float32.
    :param sky_rgb: (3, T, 1) float32.
    :param horizon_rgb: (3, T, 1) float32.
    :param haze_per_m: (T, 1) float32.
    :param exposure: (T, 1) float32.
    :param noise: (T, 1) float32.
    :param cloudiness: (T, 1) float32.
    :param wetness: (T, 1) float32.
    :param offset: Where in the noise the patterns of this world start, (T, 1) float32.
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
    def stacked(lights: Sequence[Light]) -> 'Lights':
        """
        Return the lights of worlds.

        :param lights: At least one, on one device.
        """
        vectors = [torch.stack([getattr(light, name) for light in lights], 1).float()[..., None]
                   for name in ('sun_direction', 'sun_rgb', 'sky_rgb', 'horizon_rgb')]
        rows = [[getattr(light, name) for name in _NUMBERS] + [light.seed * 37 % 1009]
                for light in lights]
        numbers = torch.tensor(rows, dtype=torch.float32, device=vectors[0].device)
        return Lights(*vectors, *numbers.T[..., None])

    def of(self, world: Tensor) -> 'Lights':
        """
        Return the lights of some tiles.

        :param world: Their worlds, (T,) int64.
        """
        return Lights(*(part.index_select(-2, world) for part in self))
