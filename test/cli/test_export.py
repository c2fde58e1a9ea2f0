# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From weights to a packed file by the command line, and what it says about both."""

import hashlib
import json

import pytest
import torch

from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.weights.checkpoint import Checkpoint, save_checkpoint
from bdc_occ_ros.weights.packed_checkpoint import packed_checkpoint_in
from bdc_occ_ros.weights.weights_file import read_weights_file


@pytest.fixture(autouse=True)
def plain_backend(monkeypatch):
    """Take the backend that every machine has."""
    monkeypatch.setenv('BDC_OCC_BACKEND', 'reference')


@pytest.fixture
def weights(tiny_model, tmp_path):
    """Write weights without ties but for three."""
    torch.manual_seed(5)
    network = OccupancyNetwork(load_network_config(tiny_model))
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith('.b') or 'pr_bias' in name:
                tensor.normal_(0.0, 0.3)
        network.img_bev_encoder_neck[1][0].move0.b[0, :3] = 0.0
    path = tmp_path / 'tiny.safetensors'
    save_checkpoint(path, Checkpoint(network.config, network.state_dict(), {'recipe': 'dice'}))
    return path


def test_weights_become_a_packed_file_that_is_checked(weights, tmp_path, capsys):
    output = tmp_path / 'packed.safetensors'
    assert main(['export', str(weights), '-o', str(output), '--json']) == 0
    report = json.loads(capsys.readouterr().out)
    assert report['model'] == 'tiny' and report['is_trained'] is True
    assert report['folded']['BinaryConv2d'] == 12 and report['real_dtype'] == 'float32'
    assert report['zeros'] == {'b': 3, 'weight': 0}
    assert report['zeros_by_layer'] == {'img_bev_encoder_neck.1.0.move0.b': 3}
    assert report['bytes_before'] == weights.stat().st_size > report['bytes_after']
    assert report['bytes_after'] == output.stat().st_size
    assert report['agreement']['voxels'] > 0.99 and report['agreement']['boxes'] > 0.99
    assert report['backend'] == 'packed on cpu, reference'
    packed = packed_checkpoint_in(read_weights_file(output))
    assert packed.source_sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert packed.provenance == {'recipe': 'dice'}


def test_an_untrained_network_is_packed_and_marked(tiny_model, tmp_path, capsys):
    output = tmp_path / 'packed.safetensors'
    arguments = ['export', '--untrained', str(tiny_model), '--seed', '4', '-o', str(output)]
    assert main([*arguments, '--real-dtype', 'bfloat16']) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        'tiny: untrained: its output means nothing; real layers bfloat16\nfolded: ')
    for expected in ('12 binary convolutions', 'exact zeros: 384 b of redistributions, 0 weights',
                     'an input of 0 is a tie', 'times smaller', f'written: {output}',
                     'of all voxels', 'packed on cpu, reference'):
        assert expected in printed
    packed = packed_checkpoint_in(read_weights_file(output))
    assert not packed.is_trained and packed.source_sha256 == ''
    assert packed.provenance == {'weights': 'untrained, seed 4'}


def test_what_cannot_be_exported_is_refused_in_one_line(weights, tiny_model, tmp_path, capsys):
    output = tmp_path / 'packed.safetensors'
    assert main(['export', '--untrained', str(tiny_model), '-o', str(output)]) == 0
    capsys.readouterr()
    for arguments, expected in (
            (['-o', str(output)], 'give either WEIGHTS or --untrained MODEL'),
            ([str(weights), '--untrained', 'x', '-o', str(output)], 'give either'),
            ([str(weights), '-o', str(weights)], 'would replace the weights'),
            ([str(weights), '-o', str(tmp_path / 'packed.bin')], 'written as .safetensors'),
            ([str(output), '-o', str(tmp_path / 'again.safetensors')], 'these weights are packed'),
            (['--untrained', 'absent', '-o', str(output)], 'no network config'),
            (['--untrained', str(weights), '-o', str(output)], 'not a readable YAML file')):
        assert main(['export', *arguments]) == 2
        printed = capsys.readouterr().err
        assert expected in printed and printed.count('\n') == 1
