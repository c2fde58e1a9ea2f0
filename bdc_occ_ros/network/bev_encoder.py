# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Encode bird's-eye features: a backbone at several strides, a neck that joins them."""

from torch import cat, nn, Tensor

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.blocks import (
    ChannelReduction,
    down_block,
    same_block,
    strided_block,
    UpSampling,
)
from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.network.config import NanoLayersConfig, NetworkConfig
from bdc_occ_ros.network.layers import LevelFusion, unit_chain


class ResidualBlock(nn.Module):
    """
    Apply two 3x3 convolutions with a shortcut, full precision.

    :param stride: 1, or 2 with a strided 3x3 convolution as the shortcut.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1:
            self.downsample = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, Ci, H, W) to (B, Co, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(x + shortcut)


class BevBackbone(nn.Module):
    """Halve the size stage by stage; the first and the last map are passed on."""

    def __init__(self, stages: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(stages)

    def forward(self, bev: Tensor) -> tuple[Tensor, Tensor]:
        """
        Compute the stages.

        :param bev: (B, C, Y, X) with sizes that are multiples of 8.
        :return: (B, C1, Y/2, X/2) and (B, C3, Y/8, X/8).
        """
        fine, *_, coarse = (bev := layer(bev) for layer in self.layers)
        return fine, coarse


class BevNeck(nn.Module):
    """
    Upsample the coarse map, join it with the fine one, return to the size of the grid.

    :param up: Coarse map to the size of the fine one.
    :param conv: Applied to both together; up2 returns to the grid and the channels wanted.
    """

    def __init__(self, up: nn.Module, conv: nn.Module, up2: nn.Module) -> None:
        super().__init__()
        self.up = up
        self.conv = conv
        self.up2 = up2

    def forward(self, levels: tuple[Tensor, Tensor]) -> Tensor:
        """Join (B, C1, Y/2, X/2) and (B, C3, Y/8, X/8) to (B, C, Y, X)."""
        fine, coarse = levels
        return self.up2(self.conv(cat((fine, self.up(coarse)), dim=1)))


class NanoBevBackbone(nn.Module):
    """
    Apply space to depth, normalization, and two stages of units.

    Most cells of the splat are exactly 0 and have no sign of their own: the normalization's bias
    moves them off zero before the first sign.
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


def _conv_bn_relu(in_channels: int, out_channels: int) -> list[nn.Module]:
    """Return the three modules of a full-precision 3x3 layer."""
    return [nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)]


def _full_precision_backbone(channels: tuple[int, int, int, int]) -> BevBackbone:
    """Make three stages of two residual blocks."""
    return BevBackbone([
        nn.Sequential(ResidualBlock(before, after, 2), ResidualBlock(after, after, 1))
        for before, after in zip(channels, channels[1:])])


def _binary_backbone(channels: tuple[int, int, int, int], unit: UnitConfig) -> BevBackbone:
    """Make three stages of two binary blocks; only the first strides with units."""
    first, second, third, fourth = channels
    return BevBackbone([
        nn.Sequential(strided_block(first, second, unit), same_block(second, unit)),
        nn.Sequential(down_block(second, unit), same_block(third, unit)),
        nn.Sequential(down_block(third, unit), same_block(fourth, unit))])


def _full_precision_neck(fine: int, coarse: int, hidden: int, out_channels: int) -> BevNeck:
    """Make the neck of FlashOcc and BEVDet; its bilinear maps keep the corners."""
    return BevNeck(
        nn.Upsample(scale_factor=4, mode='bilinear', align_corners=True),
        nn.Sequential(*_conv_bn_relu(fine + coarse, hidden), *_conv_bn_relu(hidden, hidden)),
        nn.Sequential(nn.Upsample(scale_factor=2, mode='bilinear', align_corners=True),
                      *_conv_bn_relu(hidden, out_channels),
                      nn.Conv2d(out_channels, out_channels, 1)))


def _binary_neck(fine: int, coarse: int, hidden: int, out_channels: int,
                 unit: UnitConfig) -> BevNeck:
    """Make the neck of BDC; its first convolution stays in full precision."""
    return BevNeck(
        nn.Sequential(UpSampling(coarse, unit), UpSampling(coarse, unit)),
        nn.Sequential(*_conv_bn_relu(fine + coarse, hidden), BdcUnit(hidden, hidden, unit)),
        nn.Sequential(UpSampling(hidden, unit), ChannelReduction(hidden, unit),
                      BdcUnit(out_channels, out_channels, unit)))


def build_bev_backbone(config: NetworkConfig) -> nn.Module:
    """Make the BEV backbone: (B, context_channels, Y, X) to a fine and a coarse map."""
    if config.nano is not None:
        return NanoBevBackbone(config.context_channels, config.nano)
    channels = (config.context_channels, *config.published.bev_channels)
    unit = config.published.bev_unit
    return _full_precision_backbone(channels) if unit is None else _binary_backbone(channels, unit)


def build_bev_neck(config: NetworkConfig) -> nn.Module:
    """
    Make the BEV neck: the two maps to (B, feature_channels, Y', X').

    The published neck returns to the grid's own size, the nano neck to half of it.
    """
    nano, channels = config.nano, config.feature_channels
    if nano is not None:
        return nn.Sequential(LevelFusion(*nano.bev_channels, channels), unit_chain(
            channels, channels, nano.bev_neck_units, nano.bev_unit))
    fine, _, coarse = config.published.bev_channels
    sizes = (fine, coarse, config.published.bev_neck_channels, channels)
    unit = config.published.bev_unit
    return _full_precision_neck(*sizes) if unit is None else _binary_neck(*sizes, unit)
