# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Vary how pictures look, so that what is learned does not hang on how made-up ones are rendered.

Every kind has a strength of its own, 0 to leave it out. All cameras of a sample share most of a
draw, as they share a maker and a sky.
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, interpolate

from bdc_occ_ros.errors import InvalidConfigError

OWN_SHARE = 0.3  # of a draw that differs from camera to camera
SHADE_CELLS = (3, 5)
SAMPLE_SEEDS = 2_000_003


@dataclass(frozen=True)
class Looks:
    """
    Set how much the looks of pictures vary; most are deviations of a logarithm.

    :param gamma: Of the exponent on brightness.
    :param white_balance: Of the gain of every colour.
    :param bands: Of the gains of fine and of middle detail, which sharpen or blur.
    :param shade: Of a smooth field of light over the picture, vignettes among them.
    :param filters: Largest share of a random 3x3 filter over all colours (arXiv:2007.13003).
    :param grain: Largest deviation of noise, as a share of white.
    """

    gamma: float = 0.0
    white_balance: float = 0.0
    bands: float = 0.0
    shade: float = 0.0
    filters: float = 0.0
    grain: float = 0.0

    def __post_init__(self) -> None:
        if not all(0 <= getattr(self, field.name) <= 1 for field in fields(self)):
            raise InvalidConfigError(f'looks: strengths lie from 0 to 1; got {self}')


def vary_looks(images: Tensor, looks: Looks, seed: int) -> Tensor:
    """
    Change the looks of the pictures of one sample.

    :param images: RGB, (N, H, W, 3) uint8.
    :return: The same shape and type; equal seeds give equal changes.
    """
    made = torch.Generator().manual_seed(seed)
    count, (height, width) = len(images), images.shape[1:3]

    def normal(*shape: int) -> Tensor:
        drawn = torch.randn(1, *shape, generator=made) + OWN_SHARE * torch.randn(
            count, *shape, generator=made)
        return drawn.to(images.device)

    def share() -> float:
        return float(torch.rand(1, generator=made))

    picture = images.movedim(-1, 1).float() / 255
    if looks.filters:
        filters = torch.randn(3, 3, 3, 3, generator=made).to(images.device) / 27 ** 0.5
        mean = picture.mean(dim=(2, 3), keepdim=True)
        filtered = conv2d(picture - mean, filters, padding=1) + mean
        picture = torch.lerp(picture, filtered, looks.filters * share())
    if looks.bands:
        middle = _smoothed(picture, 2)
        coarse = _smoothed(picture, 8)
        fine_gain, middle_gain = (looks.bands * normal(2, 1, 1, 1)).exp().unbind(1)
        picture = coarse + fine_gain * (picture - middle) + middle_gain * (middle - coarse)
    gain = (looks.white_balance * normal(3, 1, 1)).exp()
    if looks.shade:
        field = interpolate(normal(1, *SHADE_CELLS), (height, width), mode='bilinear',
                            align_corners=True)
        gain = gain * (looks.shade * field).exp()
    picture = (picture * gain).clamp_(1e-3, 1) ** (looks.gamma * normal(1, 1, 1)).exp()
    if looks.grain:
        noise = torch.randn(picture.shape, generator=made).to(images.device)
        picture = picture.add_(noise, alpha=looks.grain * share() ** 2)
    return picture.mul_(255).round_().clamp_(0, 255).byte().movedim(1, -1).contiguous()


def _smoothed(picture: Tensor, size: int) -> Tensor:
    return interpolate(avg_pool2d(picture, size), picture.shape[-2:], mode='bilinear')
