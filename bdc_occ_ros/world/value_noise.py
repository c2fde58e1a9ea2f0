# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Smooth noise at any place, looked up in one small tile that is mirrored without end."""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

_SIZE = 256
_COARSEST = 8


@cache
def _tile(device: str) -> Tensor:
    """Return coarse and fine noise of mean 0 and deviation 1, (1, 2, 256, 256)."""
    made = torch.Generator().manual_seed(1)
    coarse, weight, cells = torch.zeros(1, 1, _SIZE, _SIZE), 1.0, _COARSEST
    while cells < _SIZE:
        coarse += weight * functional.interpolate(
            torch.randn(1, 1, cells, cells, generator=made), (_SIZE, _SIZE), mode='bicubic',
            align_corners=False)
        weight, cells = 0.62 * weight, 2 * cells
    fine = torch.randn(1, 1, _SIZE, _SIZE, generator=made)
    both = torch.cat((coarse, fine), 1)
    both -= both.mean(dim=(2, 3), keepdim=True)
    return (both / both.std(dim=(2, 3), keepdim=True)).to(device)


def noise_at(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """
    Return noise of mean 0 and deviation about 1.

    :param x: Places in texels, (T, P); a texel is the size of the finest detail.
    :return: Noise of many sizes, from 1 to 32 texels, and noise of single texels, (T, P) each.
    """
    grid = torch.stack((x, y), -1)[None].mul_(2 / _SIZE)
    found = functional.grid_sample(_tile(str(x.device)), grid, padding_mode='reflection',
                                   align_corners=False)
    return found[0, 0], found[0, 1]
