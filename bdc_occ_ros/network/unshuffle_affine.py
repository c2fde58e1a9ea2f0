# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Space to depth with its normalization folded into one scale and offset per channel."""

from torch import nn, Tensor
from torch.nn.functional import pixel_unshuffle

from bdc_occ_ros.network.bn_folding import scale_and_offset


class UnshuffleAffine(nn.Module):
    """
    Pixels into channels, then scale and offset.

    :param unshuffle: How many pixels become channels.
    :param norm: The normalization behind it.
    """

    def __init__(self, unshuffle: nn.PixelUnshuffle, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.factor = unshuffle.downscale_factor
        scale, offset = scale_and_offset(norm)
        self.register_buffer('scale', scale.float())
        self.register_buffer('offset', offset.float())

    def forward(self, x: Tensor) -> Tensor:
        """
        Apply the module.

        :param x: (B, C, f H, f W).
        :return: (B, f^2 C, H, W).
        """
        channels = (-1, 1, 1)
        return (pixel_unshuffle(x, self.factor) * self.scale.view(channels)
                + self.offset.view(channels))
