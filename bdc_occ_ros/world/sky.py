# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The colour of the sky in any direction: gradient, clouds and the glow of the sun."""

from collections.abc import Sequence

import torch
from torch import Tensor

from bdc_occ_ros.world.lights import Lights
from bdc_occ_ros.world.value_noise import noise_at

_CLOUD_TEXELS = 9.0


def sky_gradient(rise: Tensor, lights: Lights) -> Tensor:
    """
    Return the colour of a sky without clouds or sun.

    :param rise: Sine of the elevation, (T, P); below the horizon as at it.
    :return: (3, T, P) float32.
    """
    share = 1 - (1 - rise).clamp_(0, 1).square_().square_()
    return torch.addcmul(lights.horizon_rgb, lights.sky_rgb - lights.horizon_rgb, share)


def sky_color(direction: Sequence[Tensor], lights: Lights) -> Tensor:
    """
    Return the colour of the sky.

    :param direction: Unit vectors, x y z, (T, P) each.
    :return: (3, T, P) float32.
    """
    x, y, z = direction
    color = sky_gradient(z, lights)
    spread = _CLOUD_TEXELS / (z.clamp_min(0) + 0.12)
    coarse, fine = noise_at(x * spread + lights.offset, y * spread + lights.offset)
    cover = (coarse + 0.15 * fine).add_(2.4 * lights.cloudiness - 1.5).clamp_(0, 1)
    cover *= (z * 6).clamp_(0.1, 1)
    white = 0.75 * (lights.horizon_rgb + 0.35 * lights.sun_rgb) + 0.25 * lights.sky_rgb
    shade = (1.0 - 0.12 * lights.cloudiness) - (0.10 * coarse).clamp_(-0.1, 0.2)
    color = torch.lerp(color, white * shade, cover)
    toward = sum(part * lights.sun_direction[axis] for axis, part in enumerate(direction))
    toward = toward.clamp_(0, 1)
    near = toward.square().square().square()
    glow = 0.25 * near + 0.8 * near.pow(24) + 6 * (toward > 0.9997)
    return color.addcmul_(lights.sun_rgb, glow * (1 - 0.85 * cover))
