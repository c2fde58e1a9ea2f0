# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images to one map of features per camera: a backbone at two strides, a neck that joins them."""

from torch import nn, Tensor
from torch.nn import functional

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.blocks import ChannelReduction
from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.network.config import NetworkConfig
from bdc_occ_ros.network.conv_block import ConvBlock
from bdc_occ_ros.network.nano_layers import NanoImageBackbone, NanoImageNeck
from bdc_occ_ros.network.resnet import Resnet50


class HalvingChain(nn.Module):
    """
    Channel reductions in a row, until the channels wanted are left.

    :param in_channels: Channels of the input.
    :param out_channels: Channels of the result: in_channels halved some times.
    :param prefix: Name of the modules, which are numbered from 0.
    """

    def __init__(self, in_channels: int, out_channels: int, prefix: str,
                 config: UnitConfig) -> None:
        super().__init__()
        for index in range((in_channels // out_channels).bit_length() - 1):
            self.add_module(f'{prefix}_{index}', ChannelReduction(in_channels >> index, config))

    def forward(self, x: Tensor) -> Tensor:
        """
        Apply the reductions.

        :param x: (B, Ci, H, W).
        :return: (B, Co, H, W).
        """
        for reduction in self.children():
            x = reduction(x)
        return x


class FeaturePyramid(nn.Module):
    """
    The published image neck: laterals, nearest upsampling, sum, one last module.

    :param lateral_convs: Brings the fine and the coarse map to the same channels.
    :param output_conv: Applied to the sum.
    """

    def __init__(self, lateral_convs: list[nn.Module], output_conv: nn.Module) -> None:
        super().__init__()
        self.lateral_convs = nn.ModuleList(lateral_convs)
        self.fpn_convs = nn.ModuleList([output_conv])

    def forward(self, levels: tuple[Tensor, Tensor]) -> Tensor:
        """
        Join two levels.

        :param levels: (B, C1, H, W) and (B, C2, H/2, W/2).
        :return: (B, C, H, W).
        """
        fine, coarse = (lateral(level) for lateral, level in zip(self.lateral_convs, levels))
        return self.fpn_convs[0](fine + functional.interpolate(coarse, size=fine.shape[-2:]))


def build_image_backbone(config: NetworkConfig) -> nn.Module:
    """Make the image backbone: images (B, 3, H, W) to a fine and a coarse map."""
    return Resnet50() if config.nano is None else NanoImageBackbone(config.nano)


def build_image_neck(config: NetworkConfig) -> nn.Module:
    """Make the image neck: the two maps to (B, feature_channels, h, w)."""
    channels = config.feature_channels
    if config.nano is not None:
        return NanoImageNeck(config.nano.image_channels[1:], channels)
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
