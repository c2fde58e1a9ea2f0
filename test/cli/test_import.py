# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a published checkpoint to a weights file that the predictor takes, by the command line."""

import json

from authors_names import shapes_of
import pytest
import torch

from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.weights.checkpoint import load_checkpoint, restore_network


def seeded_state(model):
    """Return a state dict with the authors' names, shapes and plausible numbers."""
    generator = torch.Generator().manual_seed(11)
    return {name: torch.tensor(5) if name.endswith('num_batches_tracked')
            else 0.1 + torch.rand(shape, generator=generator) * 0.1
            for name, shape in shapes_of(model).items()}


@pytest.mark.parametrize('model, is_ema', [
    ('flashocc_r50', False), ('bdc_occ_t', True), ('bdc_occ_b', True), ('bevdet_r50', True),
    ('bdc_det_t', False)])
def test_a_checkpoint_becomes_weights_with_nothing_lost(model, is_ema, tmp_path, capsys):
    state = seeded_state(model)
    source, weights = tmp_path / 'epoch_24.pth', tmp_path / 'weights.safetensors'
    notes = {'epoch': 24, 'updates': 100} if is_ema else {'meta': {'epoch': 24}}
    torch.save({'state_dict': state, **notes}, source)
    assert main(['import', str(source), '-o', str(weights), '--json']) == 0
    report = json.loads(capsys.readouterr().out)
    assert report['model'] == model and report['tensors'] == len(state)
    assert report['left_over'] == 0 and report['epoch'] == '24'
    assert report['weights'] == ('moving average' if is_ema else 'as trained')
    assert report['channel_order'] == 'bgr'
    assert sum(part['tensors'] for part in report['parts'].values()) == len(state)
    loaded = load_checkpoint(weights)
    assert loaded.provenance['source_sha256'] == report['source_sha256']
    restored = restore_network(loaded).state_dict()
    assert restored.keys() == state.keys()
    assert all(torch.equal(restored[name], tensor) for name, tensor in state.items())


def test_the_report_is_also_for_people(tmp_path, capsys):
    source = tmp_path / 'epoch_20.pth'
    torch.save({'state_dict': seeded_state('bevdet_r50')}, source)
    assert main(['import', str(source), '-o', str(tmp_path / 'w.safetensors')]) == 0
    text = capsys.readouterr().out
    assert 'bevdet_r50, as trained, epoch unknown, from state_dict' in text
    assert '478 tensors, none left over' in text


def test_an_unsuitable_file_ends_in_one_line_and_writes_nothing(tmp_path, capsys):
    source, weights = tmp_path / 'x.pth', tmp_path / 'w.safetensors'
    torch.save({'state_dict': {'img_backbone.conv1.weight': torch.ones(1)}}, source)
    assert main(['import', str(source), '-o', str(weights)]) == 2
    assert 'neither' in capsys.readouterr().err
    assert not weights.exists()
