# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every binarizer learns a small task within a second: a gradient that leads uphill shows here."""

import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.config import BinarizerConfig, UnitConfig

CLASSES, STEPS, BATCH = 4, 40, 48
UNITS = {
    'v0, BiSRNet': UnitConfig(version=0),
    'v1': UnitConfig(version=1),
    'v2': UnitConfig(version=2),
    'v3': UnitConfig(),
    'v3, N=1': UnitConfig(num_branch_layers=1),
    'v3, real 1x1': UnitConfig(activation_before_1x1='real', activation_in_branch='real'),
    'ReActNet': UnitConfig(version=0, binarizer=BinarizerConfig(
        'shift', 'polynomial', 'after_sum')),
    'BBCU': UnitConfig(version=0, binarizer=BinarizerConfig('shift', 'clip')),
    'bare signs': UnitConfig(version=0, binarizer=BinarizerConfig('nothing', 'clip')),
}


def stripes(generator):
    """Make noisy stripes in one of four directions; no pixel by itself says which."""
    labels = torch.randint(CLASSES, (BATCH,), generator=generator)
    phase = 6.28 * torch.rand(BATCH, 1, 1, generator=generator)
    angle = labels[:, None, None] * torch.pi / CLASSES
    y, x = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing='ij')
    wave = torch.sin(1.6 * (x * angle.cos() + y * angle.sin()) + phase)
    return (wave + 0.5 * torch.randn(BATCH, 8, 8, generator=generator))[:, None], labels


def accuracy_after_training(config, *, learns_inside=True):
    """Train a classifier of two units and return how often it is right on new images."""
    torch.manual_seed(0)
    config = dataclasses.replace(config, with_bn=True)
    units = nn.Sequential(BdcUnit(16, 16, config), BdcUnit(16, 32, config, stride=2))
    network = nn.Sequential(nn.Conv2d(1, 16, 1), units, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                            nn.Linear(32, CLASSES))
    units.requires_grad_(learns_inside)
    optimizer = torch.optim.AdamW(network.parameters(), 0.02, weight_decay=0)
    generator = torch.Generator().manual_seed(0)
    for _ in range(STEPS):
        images, labels = stripes(generator)
        optimizer.zero_grad()
        functional.cross_entropy(network(images), labels).backward()
        optimizer.step()
    images, labels = stripes(generator)
    return (network(images).argmax(1) == labels).float().mean().item()


@pytest.mark.parametrize('name', UNITS)
def test_every_binarizer_learns_the_direction_of_stripes(name):
    assert accuracy_after_training(UNITS[name]) > 0.9


def test_what_surrounds_the_units_cannot_learn_it_alone():
    assert accuracy_after_training(UNITS['v0, BiSRNet'], learns_inside=False) < 0.8
