# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The modules that change size and channels, and the blocks made of them."""

import torch
from torch.nn import functional

from bdc_occ_ros.binary.blocks import (
    ChannelReduction,
    down_block,
    DownSampling,
    same_block,
    strided_block,
    UpSampling,
)
from bdc_occ_ros.binary.config import UnitConfig

UNIT = UnitConfig()
X = torch.randn(2, 8, 4, 6, generator=torch.Generator().manual_seed(0))


def test_down_sampling_is_two_units_on_the_average():
    module = DownSampling(8, UNIT).eval()
    pooled = functional.avg_pool2d(X, 2)
    expected = torch.cat((module.biconv_1(pooled), module.biconv_2(pooled)), 1)
    assert module(X).shape == (2, 16, 2, 3)
    torch.testing.assert_close(module(X), expected)


def test_up_sampling_is_one_unit_per_half_and_does_not_keep_the_corners():
    module = UpSampling(8, UNIT).eval()
    larger = functional.interpolate(X, scale_factor=2, mode='bilinear', align_corners=False)
    expected = torch.cat((module.biconv_1(larger[:, :4]), module.biconv_2(larger[:, 4:])), 1)
    assert module(X).shape == (2, 8, 8, 12)
    torch.testing.assert_close(module(X), expected)


def test_channel_reduction_is_the_mean_of_one_unit_per_half():
    module = ChannelReduction(8, UNIT).eval()
    expected = (module.biconv_1(X[:, :4]) + module.biconv_2(X[:, 4:])) / 2
    assert module(X).shape == (2, 4, 4, 6)
    torch.testing.assert_close(module(X), expected)


def test_blocks_bend_the_sum_with_their_shortcut():
    for block, shape in ((same_block(8, UNIT), (2, 8, 4, 6)),
                         (strided_block(8, 16, UNIT), (2, 16, 2, 3)),
                         (down_block(8, UNIT), (2, 16, 2, 3))):
        block.eval()
        shortcut = X if block.downsample is None else block.downsample(X)
        assert block(X).shape == shape
        torch.testing.assert_close(block(X), block.relu(block.conv2(block.conv1(X)) + shortcut))


def test_shortcuts_never_have_normalization():
    config = UnitConfig(with_bn=True, with_identity_bn=True)
    for block in (strided_block(8, 16, config), down_block(8, config)):
        names = [name for name in block.state_dict() if name.endswith('running_mean')]
        assert names
        assert not any(name.startswith('downsample') for name in names)
