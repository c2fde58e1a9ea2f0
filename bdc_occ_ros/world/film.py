# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a sensor makes of light: vignetting, exposure, a film's curve, noise and 8 bits."""

from functools import cache

import torch
from torch import Tensor

from bdc_occ_ros.world.lights import Lights

_NOISE_VALUES = 2 ** 20
_GAIN = 1.6


@cache
def _noise_values(device: str) -> Tensor:
    """Return normal noise."""
    made = torch.Generator().manual_seed(2)
    return torch.randn(_NOISE_VALUES, generator=made).to(device)


def exposed(light: Tensor, off_axis: Tensor, noise_start: Tensor, lights: Lights) -> Tensor:
    """
    Return the picture of some light.

    :param light: (3, T, P) float32; is overwritten.
    :param off_axis: Cosine of the angle between ray and optical axis, (T, P) float32.
    :param noise_start: A number of every tile's own, which sets its noise, (T,) int64.
    :param lights: Exposure and noise of every tile.
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
