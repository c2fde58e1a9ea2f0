# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The layers that only the nano layout has: chains of units, level fusion, image backbone."""

from itertools import pairwise

from torch import nn, Tensor
from torch.nn import functional

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.config import NanoLayersConfig, UnitConfig


def unit_chain(in_channels: int, out_channels: int, count: int, config: UnitConfig,
               stride: int = 1) -> nn.Sequential:
    """
    Make units in a row, the first of which strides and widens.

    :param in_channels: Channels of the input.
    :param out_channels: As many, or twice as many.
    :param count: Number of units, at least 1.
    :param stride: 1 or 2, of the first unit.
    """
    return nn.Sequential(BdcUnit(in_channels, out_channels, config, stride),
                         *(BdcUnit(out_channels, out_channels, config) for _ in range(count - 1)))


class LevelFusion(nn.Module):
    """
    Join a fine and a coarse map with 1x1 convolutions.

    It equals upsampling, concatenating and one 1x1 convolution, but the convolution comes first:
    both are linear, and so the coarse half is convolved on a quarter of the cells.

    :param fine_channels: Channels of the fine map.
    :param coarse_channels: Channels of the coarse map.
    :param out_channels: Channels of the result.
    """

    def __init__(self, fine_channels: int, coarse_channels: int, out_channels: int) -> None:
        super().__init__()
        self.fine = nn.Conv2d(fine_channels, out_channels, 1, bias=False)
        self.coarse = nn.Conv2d(coarse_channels, out_channels, 1, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, levels: tuple[Tensor, Tensor]) -> Tensor:
        """
        Join the levels.

        :param levels: (B, C1, H, W) and (B, C2, H/2, W/2).
        :return: (B, C, H, W), normalized and not yet bent.
        """
        fine, coarse = self.fine(levels[0]), self.coarse(levels[1])
        return self.bn(fine + functional.interpolate(coarse, size=fine.shape[-2:],
                                                     mode='bilinear'))


class NanoImageBackbone(nn.Module):
    """
    A stem of two strided convolutions and three stages of units.

    :param config: Channels, counts and the unit, full precision or binary.
    """

    def __init__(self, config: NanoLayersConfig) -> None:
        super().__init__()
        channels, counts, unit = config.image_channels, config.image_units, config.image_unit
        self.stem = nn.Sequential(
            nn.Conv2d(3, channels[0] // 2, 3, 2, padding=1, bias=False),
            nn.BatchNorm2d(channels[0] // 2), nn.ReLU(inplace=True),
            nn.Conv2d(channels[0] // 2, channels[0], 3, 2, padding=1, bias=False),
            nn.BatchNorm2d(channels[0]))
        self.stages = nn.ModuleList(
            [unit_chain(channels[0], channels[0], counts[0], unit)]
            + [unit_chain(*pair, count, unit, stride=2)
               for pair, count in zip(pairwise(channels), counts[1:])])

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """
        Compute features at strides 8 and 16.

        :param images: (B, 3, H, W) with sizes that are multiples of 16.
        :return: (B, C2, H/8, W/8) and (B, C3, H/16, W/16).
        """
        fine = self.stages[1](self.stages[0](self.stem(images)))
        return fine, self.stages[2](fine)


class NanoImageNeck(nn.Sequential):
    """
    Fusion of the two levels, bent.

    :param in_channels: Channels of the fine and of the coarse map.
    :param out_channels: Channels of the result.
    """

    def __init__(self, in_channels: tuple[int, int], out_channels: int) -> None:
        super().__init__(LevelFusion(*in_channels, out_channels), nn.ReLU(inplace=True))


class NanoBevBackbone(nn.Module):
    """
    Space to depth, normalization, and two stages of units.

    Most cells of the splat are exactly 0 and have no sign of their own: the normalization's bias
    moves them off zero before the first sign.

    :param in_channels: Channels of the BEV features.
    :param config: Channels, counts and the unit.
    """

    def __init__(self, in_channels: int, config: NanoLayersConfig) -> None:
        super().__init__()
        fine, coarse = config.bev_channels
        unit = config.bev_unit
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), nn.BatchNorm2d(4 * in_channels))
        self.stages = nn.ModuleList([
            unit_chain(4 * in_channels, fine, config.bev_units[0], unit),
            unit_chain(fine, coarse, config.bev_units[1], unit, stride=2)])

    def forward(self, bev: Tensor) -> tuple[Tensor, Tensor]:
        """
        Compute BEV features at strides 2 and 4.

        :param bev: (B, C, Y, X) with sizes that are multiples of 4.
        :return: (B, C1, Y/2, X/2) and (B, C2, Y/4, X/4).
        """
        fine = self.stages[0](self.stem(bev))
        return fine, self.stages[1](fine)


class NanoBevNeck(nn.Sequential):
    """
    Fusion of the two levels and units on the result.

    :param out_channels: Channels of the result.
    :param config: Channels, counts and the unit.
    """

    def __init__(self, out_channels: int, config: NanoLayersConfig) -> None:
        super().__init__(
            LevelFusion(*config.bev_channels, out_channels),
            unit_chain(out_channels, out_channels, config.bev_neck_units, config.bev_unit))
