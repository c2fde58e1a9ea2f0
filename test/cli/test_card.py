# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Manifest and model card hold what the files say, and are refused where files disagree."""

from dataclasses import replace
import hashlib
import json

import pytest
import torch
import yaml

from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.weights import model_card
from bdc_occ_ros.weights.checkpoint import Checkpoint, save_checkpoint
from bdc_occ_ros.weights.packed_checkpoint import pack_checkpoint, save_packed
from bdc_occ_ros.weights.weights_file import tensors_sha256

NAME = 'bdc_occ_nano_half'
EARLIER = {'weight': torch.arange(3.0)}
PROVENANCE = {'data': 'world:0-9999', 'seed': '7', 'recipe': '{"steps": 5}', 'commit': 'abc',
              'device': 'a processor', 'steps': '5 of 5', 'command': 'a | b',
              'init_sha256': tensors_sha256(EARLIER)}


@pytest.fixture(scope='module')
def packed():
    torch.manual_seed(1)
    return pack_checkpoint(OccupancyNetwork(load_network_config(NAME)).eval(),
                           real_dtype='float32', is_trained=True, source_sha256='ab' * 32,
                           provenance=PROVENANCE)


@pytest.fixture
def weights(packed, tmp_path):
    path = tmp_path / f'{NAME}.safetensors'
    save_packed(path, packed)
    return path


def earlier_stage(folder):
    """Write the weights that the packed ones began with."""
    path = folder / 'earlier.safetensors'
    save_checkpoint(path, Checkpoint(load_network_config(NAME), EARLIER,
                                     {'seed': '6', 'init_sha256': 'seed'}))
    return path


def report_of(weights, **changes):
    """Write scores of a file beside it and return their path."""
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    report = {'model': str(weights), 'split': 'val', 'samples': 200, 'miou': 41.25,
              'rayiou': None, 'mAP': 0.3125, 'per_class': {'car': 50.5, 'bus': None},
              'AP': {'car': 0.5},
              'voxel_prior': {'model': str(weights), 'miou': 9.75, 'per_class': {'car': 1.0}},
              'weights_sha256': sha256, **changes}
    path = weights.with_name(f'{len(list(weights.parent.iterdir()))}.json')
    path.write_text(json.dumps(report))
    return str(path)


def test_manifest_and_card_say_what_the_files_say(weights, tmp_path, capsys):
    twin = report_of(weights, weights_sha256='of the twin', miou=43.5)
    before = earlier_stage(tmp_path)
    arguments = ['card', str(weights), '--results', report_of(weights), '--beside', f'twin={twin}',
                 '--stages', str(before), '--json']
    assert main(arguments) == 0
    manifest = yaml.safe_load(weights.with_suffix('.yaml').read_text())
    assert manifest == json.loads(capsys.readouterr().out)
    assert manifest['sha256'] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert manifest['bytes'] == weights.stat().st_size
    assert manifest['name'] == NAME and manifest['grid']['shape'] == [200, 200, 16]
    assert len(manifest['classes']['occupancy']) == 18
    results = manifest['results']
    assert results['model'] == results['voxel_prior']['model'] == weights.name
    assert results['miou'] == 41.25 and manifest['beside']['twin']['miou'] == 43.5
    sha256 = hashlib.sha256(before.read_bytes()).hexdigest()
    assert manifest['stages'] == [
        {'sha256': sha256, 'seed': '6', 'init_sha256': 'seed'}, PROVENANCE]
    lines = weights.with_suffix('.md').read_text().splitlines()
    assert lines[0] == f'# {NAME}' and any('Not for a car' in line for line in lines)
    assert '|  | this file | twin | voxel prior, no image |' in lines
    assert '| mIoU, % | 41.2 | 43.5 | 9.8 |' in lines
    assert '| car | 50.5 | 50.5 | 1.0 |' in lines and '| bus | - | - | - |' in lines
    assert '| mAP | 0.312 | 0.312 | - |' in lines and '| seed | `7` |' in lines
    assert '| command | `a \\| b` |' in lines


def test_stages_must_follow_each_other(weights, packed, tmp_path, capsys):
    before, other = earlier_stage(tmp_path), weights.with_name('other.safetensors')
    save_checkpoint(other, Checkpoint(load_network_config(NAME), {'weight': torch.ones(3)}, {}))
    arguments = ['card', str(weights), '--results', report_of(weights), '--stages']
    assert main([*arguments, str(other)]) == 2
    assert 'did not begin with these weights' in capsys.readouterr().err
    assert main([*arguments, str(other), str(before)]) == 2  # the second names no first
    assert main([*arguments, str(before)]) == 0
    assert main(arguments[:-1]) == 2  # the first stage is not named
    assert 'name the weights of all stages' in capsys.readouterr().err


def test_scores_must_be_those_of_the_weights(weights, tmp_path, capsys):
    stages = ['--stages', str(earlier_stage(tmp_path))]
    for other in (report_of(weights, weights_sha256='another'), str(weights),
                  report_of(weights, split=None).replace('.json', '.none')):
        assert main(['card', str(weights), '--results', other]) == 2
    packed_source = report_of(weights, weights_sha256='ab' * 32)
    assert main(['card', str(weights), '--results', packed_source, *stages]) == 0
    beside = report_of(weights, samples=3)
    assert main(['card', str(weights), '--results', packed_source, '--beside', f'x={beside}']) == 2
    printed = capsys.readouterr().err
    assert 'these are scores of other weights' in printed and 'only on one split' in printed


@pytest.mark.parametrize('changes, reason', [
    ({'is_trained': False}, 'a card needs trained weights'),
    ({'provenance': {'data': 'x'}}, "lacks ['commit'"),
    ({'provenance': {**PROVENANCE, 'commit': 'unknown'}}, "lacks ['commit']"),
])
def test_weights_without_a_history_get_no_card(packed, changes, reason, tmp_path, capsys):
    path = tmp_path / f'{NAME}.safetensors'
    save_packed(path, replace(packed, **changes))
    assert main(['card', str(path), '--results', report_of(path)]) == 2
    assert reason in capsys.readouterr().err and not path.with_suffix('.yaml').exists()


def test_name_and_size_must_fit(weights, monkeypatch, capsys):
    other = weights.rename(weights.with_name('bdc_occ_nano.safetensors'))
    assert main(['card', str(other), '--results', report_of(other)]) == 2
    assert f'the file says {NAME}' in capsys.readouterr().err
    weights = other.rename(weights)
    monkeypatch.setattr(model_card, 'MAX_BYTES', 1000)
    assert main(['card', str(weights), '--results', report_of(weights)]) == 2
    assert 'at most 1000 bytes' in capsys.readouterr().err
