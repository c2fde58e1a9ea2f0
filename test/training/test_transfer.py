# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""First weights from another network."""

from dataclasses import replace

import pytest
import torch

from bdc_occ_ros.binary.config import BinarizerConfig
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.training.transfer import transfer_weights
from bdc_occ_ros.weights.checkpoint import Checkpoint


@pytest.fixture(scope='module')
def real_config(tiny_config):
    unit = replace(tiny_config.nano.bev_unit, is_binary=False)
    return replace(tiny_config, nano=replace(tiny_config.nano, bev_unit=unit))


def checkpoint_of(config, seed):
    torch.manual_seed(seed)
    return Checkpoint(config, OccupancyNetwork(config).state_dict(), {})


def test_a_binary_network_takes_all_layers_of_a_real_one(tiny_config, real_config):
    checkpoint = checkpoint_of(real_config, 1)
    network = OccupancyNetwork(tiny_config)
    transfer = transfer_weights(checkpoint, network)
    assert transfer.unused == ()
    assert {name.rpartition('.')[2] for name in transfer.fresh} == {'k', 'b', 'beta'}
    branch = 'img_bev_encoder_backbone.stages.0.0.se_block.fc'
    for new, old in (('2.weight', '0.weight'), ('3.pr_prelu.weight', '1.pr_prelu.weight'),
                     ('6.weight', '2.weight')):
        assert transfer.tensors[f'{branch}.{new}'] is checkpoint.tensors[f'{branch}.{old}']
    assert not transfer.tensors.keys() & set(transfer.fresh)
    assert transfer.tensors.keys() | set(transfer.fresh) == network.state_dict().keys()


def test_a_binarizer_without_shifts_takes_the_branch_too(tiny_config, real_config):
    unit = replace(tiny_config.nano.bev_unit, binarizer=BinarizerConfig(before_sign='nothing'))
    config = replace(tiny_config, nano=replace(tiny_config.nano, bev_unit=unit))
    transfer = transfer_weights(checkpoint_of(real_config, 1), OccupancyNetwork(config))
    assert transfer.unused == ()
    assert {name.rpartition('.')[2] for name in transfer.fresh} == {'beta'}


def test_the_same_network_takes_everything(tiny_config):
    checkpoint = checkpoint_of(tiny_config, 1)
    network = OccupancyNetwork(tiny_config)
    transfer = transfer_weights(checkpoint, network)
    assert transfer.fresh == transfer.unused == ()
    network.load_state_dict(dict(transfer.tensors))
    assert all(map(torch.equal, network.state_dict().values(), checkpoint.tensors.values()))


def test_other_shapes_are_left_and_named(tiny_config):
    other = replace(tiny_config, nano=replace(tiny_config.nano, voxel_channels=8))
    transfer = transfer_weights(checkpoint_of(other, 1), OccupancyNetwork(tiny_config))
    assert 'occ_head.predicter.weight' in transfer.fresh
    assert 'occ_head.predicter.weight' in transfer.unused
    assert all(name.startswith('occ_head.') for name in transfer.fresh + transfer.unused)
