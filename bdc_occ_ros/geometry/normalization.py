# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bytes of images into the numbers that the first layer expects."""

import torch
from torch import Tensor

from bdc_occ_ros.geometry.frustum import ImageConfig


def normalize_images(images: Tensor, config: ImageConfig) -> Tensor:
    """
    Turn bytes into what the first layer expects.

    :param images: RGB images, (..., H, W, 3) uint8.
    :param config: Channel order, mean and std; the published networks take BGR with numbers that
        were made for RGB, which their weights have learned to expect.
    :return: (..., 3, H, W) float32, contiguous.
    """
    ordered = images.flip(-1) if config.channel_order == 'bgr' else images
    mean = torch.tensor(config.mean, device=images.device).view(3, 1, 1)
    std = torch.tensor(config.std, device=images.device).view(3, 1, 1)
    return ordered.movedim(-1, -3).contiguous().float().sub_(mean).div_(std)
