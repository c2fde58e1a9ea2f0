# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The verb trains a list in pieces and prints one table; the list that is shipped can be used."""

from dataclasses import asdict
import json

from made_scenes import VERSION
import pytest

from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.config_file import with_overrides
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.share import share_path
from bdc_occ_ros.training.sweep import load_sweep, planned
from bdc_occ_ros.weights.checkpoint import load_checkpoint

NARROW = ('image.height_px=32', 'image.width_px=96', 'feature_channels=16', 'context_channels=4',
          'nano.image_channels=[8, 16, 32]', 'nano.image_units=[1, 1, 1]',
          'nano.bev_channels=[16, 32]', 'nano.bev_units=[1, 1]', 'nano.voxel_channels=8',
          'nano.box_channels=8')


@pytest.fixture
def arguments(made_dataroot, tmp_path):
    """Return a sweep of a narrow network on samples of a data set."""
    pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')
    model = tmp_path / 'narrow.json'
    config = with_overrides(load_network_config('bdc_occ_nano_half'), NARROW)
    model.write_text(json.dumps(asdict(config)))
    return ['sweep', 'nano', '--model', str(model), '--out', str(tmp_path / 'out'),
            '--data', str(made_dataroot), '--version', VERSION, '--split', 'learn',
            '--validate', str(made_dataroot), '--validate-split', 'check',
            '--validate-samples', '2', '--workers', '0', '--only', 'fp', 'reactnet',
            *(word for change in ('steps=2', 'batch=1', 'precision=float32', 'bn_batches=1',
                                  'warmup_steps=1') for word in ('--tune', change))]


def test_a_list_is_trained_in_pieces_and_compared(arguments, tmp_path, capsys):
    assert main([*arguments, '--minutes', '0']) == 0
    assert '0 of 2 trainings are scored' in capsys.readouterr().out
    assert main([*arguments, '--minutes', '1e-4']) == 0  # one step
    assert (tmp_path / 'out/fp/seed_0/log.jsonl').exists()
    assert main(arguments) == 0
    lines = capsys.readouterr().out.strip().splitlines()[-3:]
    assert [line.split()[0] for line in lines] == ['network', 'fp', 'reactnet']
    words = load_checkpoint(tmp_path / 'out/reactnet/seed_0/weights.safetensors').provenance
    assert (words['sweep_entry'], words['steps'], words['samples_seen'], words['init']) == (
        'reactnet', '2 of 2', '2', 'seed')
    assert {'commit', 'device', 'command', 'data', 'recipe'} <= words.keys()
    assert main([*arguments, '--json']) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report['planned'], report['scored'], report['failed']) == (2, 2, {})
    rows = report['rows']
    assert [row['name'] for row in rows] == ['fp', 'reactnet']
    assert rows[0]['macs_1bit'] == 0 < rows[1]['macs_1bit'] and rows[1]['macs_mixed'] == 0
    assert rows[1]['gain']['value'] == pytest.approx(
        rows[1]['miou']['value'] - rows[0]['miou']['value'])
    assert all(row['samples_seen'] == 2 and row['mean_ap'] is not None for row in rows)


def test_a_training_that_fails_is_named_and_the_others_go_on(arguments, capsys):
    assert main([*arguments, '--tune', 'learning_rate=1e30', '--tune', 'warmup_steps=0', '--tune',
                 'max_gradient_norm=1e30']) == 1
    printed = capsys.readouterr().out
    assert 'fp/seed_0 failed: step 2: loss' in printed
    assert 'reactnet/seed_0 failed' in printed


def test_scenes_that_are_learned_are_not_scored(arguments, capsys):
    assert main([*arguments, '--validate-split', 'learn']) == 2
    assert '1 of its 1 scenes are learned from too, scene-0001' in capsys.readouterr().err


def test_what_is_not_in_the_list_is_refused(arguments, capsys):
    assert main([*arguments, '--only', 'v9']) == 2
    assert "['v9'] are not in the list" in capsys.readouterr().err


def test_the_list_that_is_shipped_names_networks_of_one_topology():
    configs = {training.entry: training.config for training in planned(
        load_sweep(share_path('config', 'sweep_nano.yaml')))}
    units = {name: config.nano.bev_unit for name, config in configs.items()}
    assert units['v3'] == load_network_config('bdc_occ_nano').nano.bev_unit
    assert [units[name].version for name in ('v0_bisrnet', 'v1', 'v2', 'v3')] == [0, 1, 2, 3]
    assert [units[name].num_branch_layers for name in ('v3_n1', 'v3', 'v3_n3')] == [1, 2, 3]
    assert (units['v3_real'].activation_before_1x1, units['v3'].activation_before_1x1) == (
        'real', 'sign')
    assert not units['fp'].is_binary and len({config.nano.image_unit
                                              for config in configs.values()}) == 1
