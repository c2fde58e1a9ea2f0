# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Order of samples, groups and rate of the optimizer, averaged weights."""

import math

import pytest
import torch
from torch import nn

from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.training.batches import sample_numbers
from bdc_occ_ros.training.optimizer import build_optimizer, learning_rate
from bdc_occ_ros.training.recipe import Recipe
from bdc_occ_ros.training.trainer import AveragedNetwork


def test_an_epoch_holds_every_sample_once_and_every_epoch_is_another():
    whole = sample_numbers(0, 30, 10, seed=4)
    epochs = [whole[start:start + 10] for start in (0, 10, 20)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    assert sample_numbers(7, 9, 10, seed=4) == whole[7:16]
    assert sample_numbers(0, 30, 10, seed=5) != whole


def test_only_real_weights_decay(tiny_config):
    network = OccupancyNetwork(tiny_config)
    optimizer = build_optimizer(network, Recipe(steps=1, weight_decay=0.3))
    decays = {id(parameter): group['weight_decay'] for group in optimizer.param_groups
              for parameter in group['params']}
    of = {name: decays[id(parameter)] for name, parameter in network.named_parameters()}
    bev = 'img_bev_encoder_backbone.stages.0.0'
    assert of['img_backbone.stem.0.weight'] == of['occ_head.predicter.weight'] == 0.3
    assert of['img_backbone.stages.0.0.binary_conv_relu.0.weight'] == 0.3  # full precision here
    for spared in ('binary_conv_relu.0.weight', 'move0.k', 'move0.b', 'binary_activation.beta',
                   'binary_conv_relu.1.weight', 'binary_conv_relu.2.pr_prelu.weight',
                   'binary_conv_relu.2.pr_bias0.bias', 'se_block.fc.2.weight'):
        assert of[f'{bev}.{spared}'] == 0, spared
    assert of['occ_head.predicter.bias'] == 0
    everything = build_optimizer(network, Recipe(steps=1, decayed='all', weight_decay=0.3))
    group, = everything.param_groups
    assert group['weight_decay'] == 0.3
    assert len(group['params']) == len(list(network.parameters()))


def test_rates():
    cosine = Recipe(steps=100, warmup_steps=20, learning_rate=2.0)
    assert learning_rate(cosine, 0) == pytest.approx(0.002)
    assert learning_rate(cosine, 10) == pytest.approx(1.001)
    assert learning_rate(cosine, 20) == 2.0
    assert learning_rate(cosine, 60) == pytest.approx(1.0)
    assert learning_rate(cosine, 100) == pytest.approx(0.0)
    published = Recipe(steps=100, warmup_steps=20, learning_rate=2.0, schedule='constant')
    assert learning_rate(published, 20) == learning_rate(published, 99) == 2.0


def test_averaged_weights_follow_with_the_published_decay():
    network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm2d(1))
    averaged = AveragedNetwork(network, 10560)
    before = float(averaged.network[0].weight)
    with torch.no_grad():
        network[0].weight.add_(1.0)
        network[1].running_mean.fill_(2.0)
        network[1].num_batches_tracked.fill_(5)
    averaged.follow(network, 1)
    decay = 0.999 * (1 - math.exp(-10561 / 2000))
    assert decay == pytest.approx(0.9939, abs=1e-4)
    assert float(averaged.network[0].weight) == pytest.approx(before + 1 - decay, abs=1e-6)
    assert float(averaged.network[1].running_mean) == pytest.approx(2 * (1 - decay), rel=1e-4)
    assert int(averaged.network[1].num_batches_tracked) == 5
    assert not averaged.network[0].weight.requires_grad and not averaged.network.training


@pytest.mark.parametrize('wrong', [{'steps': 0}, {'batch': 0}, {'learning_rate': 0.0},
                                   {'warmup_steps': -1}])
def test_impossible_recipes_are_refused(wrong):
    with pytest.raises(InvalidConfigError, match='recipe'):
        Recipe(**{'steps': 1, **wrong})


@pytest.mark.parametrize('factor', (0.0, 0.1))
def test_a_pretrained_backbone_is_held_or_moves_slowly(factor):
    with torch.device('meta'):
        network = OccupancyNetwork(load_network_config('bdc_occ_lite'))
    optimizer = build_optimizer(network, Recipe(steps=1, pretrained_rate=factor))
    factors = {id(parameter): group['rate_factor'] for group in optimizer.param_groups
               for parameter in group['params']}
    for name, parameter in network.named_parameters():
        expected = factor if name.startswith('img_backbone.pretrained.') else 1.0
        assert factors.get(id(parameter), 0.0) == expected, name
        assert parameter.requires_grad == (expected > 0)
