# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Define the binarized deep convolution unit (arXiv:2405.17037): 3x3, 1x1, per-channel branch.

Attribute names are those of the authors' checkpoints; the spelling se_block is theirs.
"""

from torch import addcmul, cat, nn, Tensor

from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.binary.layers import BinaryConv2d, Redistribution, RPReLU
from bdc_occ_ros.binary.sign import BinaryActivation
from bdc_occ_ros.errors import InvalidConfigError


def _convolution(config: UnitConfig, in_channels: int, out_channels: int, kernel_size: int,
                 stride: int = 1, *, is_input_binary: bool) -> nn.Conv2d:
    if not config.is_binary:
        return nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2,
                         bias=False)
    return BinaryConv2d(in_channels, out_channels, kernel_size, stride,
                        sign_of_zero=config.sign_of_zero, is_input_binary=is_input_binary)


def _norm(is_wanted: bool, channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels) if is_wanted else nn.Identity()  # keeps others' numbering


def _sign_steps(config: UnitConfig, channels: int, is_wanted: bool) -> tuple[nn.Module, nn.Module]:
    """Make the layer before a sign and the sign, or two placeholders."""
    if not is_wanted:
        return nn.Identity(), nn.Identity()
    learned = config.binarizer.before_sign
    move = nn.Identity() if learned == 'nothing' else Redistribution(
        channels, has_scale=learned == 'scale_and_shift')
    return move, BinaryActivation(config.sign_of_zero, config.binarizer.sign_gradient)


class ChannelBranch(nn.Module):
    """Apply the channel branch: 1x1 convolutions (MulBiconv) with RPReLU between them."""

    def __init__(self, channels: int, config: UnitConfig) -> None:
        super().__init__()
        is_signed = config.is_binary and config.activation_in_branch == 'sign'
        layers: list[nn.Module] = []
        for index in range(config.num_branch_layers):
            if index:
                layers.append(RPReLU(channels))
            if is_signed:
                layers += _sign_steps(config, channels, True)
            layers.append(_convolution(config, channels, channels, 1, is_input_binary=is_signed))
        self.fc = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layers to (B, C, H, W)."""
        return self.fc(x)


class BdcUnit(nn.Module):
    """
    Compute a BDC unit of any version and binarizer; an identity path is always added.

    V0 is one 3x3 convolution, V1 adds the 1x1, V2 the channel branch in series, V3 (the paper's
    choice) lets the branch see the global average and gate the channels through a sigmoid. The
    3x3 keeps the channels where a 1x1 follows. The identity is average pooled at stride 2 and
    concatenated with itself where channels double. Where they halve it is the mean of its two
    halves, which is our choice: the published units have no identity there.

    Only the first convolution sees signs in the authors' code; activation_before_1x1 = sign and
    activation_in_branch = sign binarize the input of the others, each with a redistribution and a
    sign of its own. What stands around the signs is the binarizer's. With is_binary off the same
    structure runs in full precision.

    :param out_channels: As many, twice as many or half as many.
    :param stride: 1 or 2; at 2 height and width must be even.
    :raises InvalidConfigError: if no identity path leads from in_channels to out_channels.
    """

    def __init__(self, in_channels: int, out_channels: int, config: UnitConfig,
                 stride: int = 1) -> None:
        super().__init__()
        if in_channels < 1 or in_channels not in (out_channels, 2 * out_channels) and (
                out_channels != 2 * in_channels):
            raise InvalidConfigError(
                'BdcUnit: out_channels must be in_channels, twice or half that; got '
                f'{in_channels} to {out_channels}')
        self.in_channels, self.out_channels = in_channels, out_channels
        self.version = config.version
        self.has_inner_shortcut = config.has_inner_shortcut
        self.bends_sum = config.binarizer.activation == 'after_sum'
        self.move0, self.binary_activation = _sign_steps(config, in_channels, config.is_binary)
        middle = in_channels if config.version > 0 else out_channels
        layers = [_convolution(config, in_channels, middle, 3, stride, is_input_binary=True),
                  _norm(config.with_bn, middle), RPReLU(middle)]
        if config.version > 0:
            is_signed = config.is_binary and config.activation_before_1x1 == 'sign'
            self.move1, self.binary_activation1 = _sign_steps(config, middle, is_signed)
            layers += [_convolution(config, middle, out_channels, 1, is_input_binary=is_signed),
                       _norm(config.with_bn, out_channels), RPReLU(out_channels)]
        self.binary_conv_relu = nn.Sequential(*layers)
        if config.version > 1:
            self.se_block = ChannelBranch(out_channels, config)
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.pool = nn.AvgPool2d(2) if stride == 2 else nn.Identity()
        self.bn_fp = _norm(config.with_identity_bn, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """
        Apply the unit.

        :param x: (B, Ci, H, W) floating.
        :return: (B, Co, H / stride, W / stride) real.
        """
        shortcut = self.pool(x)
        convolution, norm, activation, *last = self.binary_conv_relu
        main = norm(convolution(self.binary_activation(self.move0(x))))
        if self.bends_sum:
            return activation(main + self._identity(shortcut))
        main = activation(main)
        if last:
            if self.has_inner_shortcut:
                main = main + shortcut
            convolution, norm, activation = last
            main = activation(norm(convolution(self.binary_activation1(self.move1(main)))))
        if self.version == 2:
            main = self.se_block(main)
        shortcut = self._identity(shortcut)
        if self.version < 3:
            return shortcut + main
        return addcmul(shortcut, main, self.se_block(self.global_pool(main)).sigmoid())

    def _identity(self, shortcut: Tensor) -> Tensor:
        """Return the shortcut with as many channels as the result."""
        if self.out_channels > self.in_channels:
            shortcut = cat((shortcut, shortcut), dim=1)
        elif self.out_channels < self.in_channels:
            first, second = shortcut.chunk(2, dim=1)
            shortcut = (first + second) / 2
        return self.bn_fp(shortcut)
