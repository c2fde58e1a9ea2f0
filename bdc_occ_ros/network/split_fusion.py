# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Level fusion in two halves: its convolutions, and the sum, which can be part of a plan."""

from torch import nn, Tensor
from torch.nn.functional import interpolate

from bdc_occ_ros.network.nano_layers import LevelFusion


class LevelConvolutions(nn.Module):
    """
    The convolutions of a level fusion.

    :param fusion: With its normalization folded.
    """

    def __init__(self, fusion: LevelFusion) -> None:
        super().__init__()
        self.fine = fusion.fine
        self.coarse = fusion.coarse

    def forward(self, levels: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """
        Bring both levels to the same channels.

        :param levels: (B, C1, H, W) and (B, C2, H/2, W/2).
        :return: (B, C, H, W) and (B, C, H/2, W/2).
        """
        return self.fine(levels[0]), self.coarse(levels[1])


class LevelSum(nn.Module):
    """The fine level plus the coarse one at twice its size."""

    def forward(self, levels: tuple[Tensor, Tensor]) -> Tensor:
        """
        Add the levels.

        :param levels: (B, C, H, W) and (B, C, H/2, W/2).
        :return: (B, C, H, W).
        """
        fine, coarse = levels
        return fine + interpolate(coarse, size=fine.shape[-2:], mode='bilinear')
