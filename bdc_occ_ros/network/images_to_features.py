# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Turn images into one map of features per camera: a backbone at two strides, a neck for both."""

from itertools import pairwise

from torch import nn, Tensor
from torch.nn.functional import interpolate

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.network.config import NanoLayersConfig, NetworkConfig
from bdc_occ_ros.network.efficientnet_lite import (
    COARSE_CHANNELS,
    EfficientNetLite,
    FINE_CHANNELS,
)
from bdc_occ_ros.network.layers import ConvBlock, HalvingChain, LevelFusion, unit_chain
from bdc_occ_ros.network.resnet import Resnet50


class FeaturePyramid(nn.Module):
    """
    Fuse maps as the published neck: laterals, nearest upsampling, sum, one last module.

    :param lateral_convs: Brings the fine and the coarse map to the same channels.
    :param output_conv: Applied to the sum.
    """

    def __init__(self, lateral_convs: list[nn.Module], output_conv: nn.Module) -> None:
        super().__init__()
        self.lateral_convs = nn.ModuleList(lateral_convs)
        self.fpn_convs = nn.ModuleList([output_conv])

    def forward(self, levels: tuple[Tensor, Tensor]) -> Tensor:
        """Join (B, C1, H, W) and (B, C2, H/2, W/2) to (B, C, H, W)."""
        fine, coarse = (lateral(level) for lateral, level in zip(self.lateral_convs, levels))
        return self.fpn_convs[0](fine + interpolate(coarse, size=fine.shape[-2:]))


class NanoImageBackbone(nn.Module):
    """Apply a stem of two strided convolutions and three stages of units, binary or not."""

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


class LiteImageBackbone(nn.Module):
    """Apply a pretrained backbone and, at each of its two strides, units of our own."""

    def __init__(self, config: NanoLayersConfig) -> None:
        super().__init__()
        self.pretrained = EfficientNetLite()
        channels, counts = config.image_channels[1:], config.image_units[1:]
        self.entries = nn.ModuleList([
            ConvBlock(before, after, 1, has_bn=True, has_relu=False)
            for before, after in zip((FINE_CHANNELS, COARSE_CHANNELS), channels)])
        self.stages = nn.ModuleList([unit_chain(width, width, count, config.image_unit)
                                     for width, count in zip(channels, counts)])

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Compute features at strides 8 and 16, as `NanoImageBackbone` does."""
        fine, coarse = (stage(entry(level)) for stage, entry, level
                        in zip(self.stages, self.entries, self.pretrained(images)))
        return fine, coarse


def build_image_backbone(config: NetworkConfig) -> nn.Module:
    """Make the image backbone: images (B, 3, H, W) to a fine and a coarse map."""
    if config.nano is None:
        return Resnet50()
    if config.nano.pretrained == 'efficientnet_lite0':
        return LiteImageBackbone(config.nano)
    return NanoImageBackbone(config.nano)


def build_image_neck(config: NetworkConfig) -> nn.Module:
    """Make the image neck: the two maps to (B, feature_channels, h, w)."""
    channels = config.feature_channels
    if config.nano is not None:
        return nn.Sequential(LevelFusion(*config.nano.image_channels[1:], channels),
                             nn.ReLU(inplace=True))
    unit = config.published.image_neck_unit
    if unit is None:
        return FeaturePyramid(
            [ConvBlock(level, channels, 1, has_bn=False, has_relu=False)
             for level in Resnet50.out_channels],
            ConvBlock(channels, channels, 3, has_bn=False, has_relu=False))
    return FeaturePyramid(
        [HalvingChain(level, channels, f'l_conv_{index}', unit)
         for index, level in enumerate(Resnet50.out_channels)],
        BdcUnit(channels, channels, unit))
