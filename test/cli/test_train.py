# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The verb that trains, on samples out of thin air."""

import json
from pathlib import Path
import sys

from made_source import MadeSource
import pytest
import torch

from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.predictor import Predictor
from bdc_occ_ros.training.training_data import DataChoice
from bdc_occ_ros.weights.checkpoint import load_checkpoint
from bdc_occ_ros.weights.weights_file import tensors_sha256
from bdc_occ_ros.world.seeds import sources_fingerprint

FEW = ('--batch', '2', '--tune', 'warmup_steps=0', '--threads', '1', '--workers', '0')


@pytest.fixture
def train(tiny_model, tmp_path, monkeypatch):
    """Return what runs the verb on a tiny network."""
    monkeypatch.setattr(DataChoice, 'open', lambda self, config: MadeSource(config, 6))
    threads = torch.get_num_threads()

    def run(folder, *arguments):
        return main(['train', '--config', str(tiny_model), '--data', 'world:0-5',
                     '--out', str(tmp_path / folder), *FEW, *arguments])
    yield run
    torch.set_num_threads(threads)


def test_a_training_in_two_sessions_ends_in_weights_that_run(train, tmp_path, capsys):
    arguments = ('--steps', '2', '--validate', 'world:9', '--validate-samples', '2')
    assert train('stopped', *arguments, '--minutes', '0') == 0
    assert 'after step 1 of 2; --resume goes on' in capsys.readouterr().out
    assert train('stopped', *arguments, '--resume') == 0
    assert train('through', *arguments) == 0
    path = tmp_path / 'stopped' / 'weights.safetensors'
    checkpoint, through = map(load_checkpoint, (path, tmp_path / 'through/weights.safetensors'))
    assert all(torch.equal(tensor, through.tensors[name])
               for name, tensor in checkpoint.tensors.items())
    told = checkpoint.provenance
    assert told['steps'] == '2 of 2' and told['samples_seen'] == '4' and told['seed'] == '0'
    assert told['data'] == ('world:0-5, 40 keyframes per scene, world '
                            + sources_fingerprint()[:12])
    assert told['init'] == told['init_sha256'] == 'seed'
    assert json.loads(told['recipe'])['batch'] == 2
    assert {'command', 'commit', 'device', 'date', 'torch'} < told.keys()
    lines = (tmp_path / 'stopped' / 'log.jsonl').read_text().splitlines()
    assert 'miou' in json.loads(lines[-1])
    assert Predictor(path).is_trained


def test_stages_full_precision_then_binary_with_a_teacher(train, tmp_path, capsys):
    assert train('real', '--steps', '1', '--set', 'nano.bev_unit.is_binary=false') == 0
    real = tmp_path / 'real' / 'weights.safetensors'
    assert not load_checkpoint(real).config.nano.bev_unit.is_binary
    capsys.readouterr()
    assert train('binary', '--steps', '1', '--init', str(real), '--teacher', str(real),
                 '--tune', 'losses.distillation=0.5') == 0
    printed = capsys.readouterr().out
    assert '0 have no place here' in printed and 'anew: img_bev_encoder' in printed
    checkpoint = load_checkpoint(tmp_path / 'binary' / 'weights.safetensors')
    assert checkpoint.config.nano.bev_unit.is_binary
    assert checkpoint.provenance['init'] == checkpoint.provenance['teacher'] == real.name
    assert checkpoint.provenance['init_sha256'] == tensors_sha256(load_checkpoint(real).tensors)
    assert checkpoint.provenance['teacher_sha256'] == checkpoint.provenance['init_sha256']
    log = json.loads((tmp_path / 'binary' / 'log.jsonl').read_text())
    assert 'distillation' in log
    assert train('binary', '--steps', '1', '--resume', '--teacher', str(real),
                 '--tune', 'losses.distillation=0.5') == 2
    assert "not 'seed'; give what it was started with" in capsys.readouterr().err


def test_recipes_go_by_name_and_unknown_names_are_refused(train, tmp_path, capsys):
    assert train('cpu', '--recipe', 'cpu', '--steps', '1', '--tune',
                 'losses.class_power=0') == 0
    recipe = json.loads(load_checkpoint(tmp_path / 'cpu' / 'weights.safetensors')
                        .provenance['recipe'])
    assert (recipe['schedule'], recipe['losses']['heatmap']) == ('constant', 0.3)
    assert train('other', '--recipe', 'gpu') == 2
    assert ("no file gpu; give one, or a name of ('published', 'cpu', 'lite')"
            in capsys.readouterr().err)


def test_the_published_recipe_can_be_asked_for_and_changed(train, tmp_path):
    assert train('published', '--recipe', 'published', '--steps', '1', '--tune',
                 'augmentation.mirror=0.25') == 0
    checkpoint = load_checkpoint(tmp_path / 'published' / 'weights.safetensors')
    recipe = json.loads(checkpoint.provenance['recipe'])
    assert recipe['decayed'] == 'all' and recipe['learning_rate'] == 1e-4 and recipe['batch'] == 2
    assert recipe['augmentation']['mirror'] == 0.25 and recipe['losses']['depth'] == 0
    assert recipe['augmentation']['image_scale'] == [0.864, 1.25]


def test_a_training_is_not_written_over(train, capsys):
    assert train('once', '--steps', '1') == 0
    assert train('once', '--steps', '1') == 2
    assert '--resume' in capsys.readouterr().err


@pytest.mark.parametrize(('arguments', 'words'), [
    (('--steps', '1', '--set', 'nano.bev_unit.is_binry=false'), "unknown keys ['is_binry']"),
    (('--steps', '1', '--set', 'image.height_px=264'), 'goes in steps of 16: 256 or 272'),
    (('--steps', '1', '--set', 'bev.cell_size_m=[0.41, 0.41]'), 'rows of bev goes in steps of 4'),
    (('--steps', '1', '--tune', 'losses.depth=much'), "float is needed; got 'much'"),
    ((), "missing keys ['steps']"),
    (('--steps', '1', '--tune', 'losses.distillation=1'), 'teacher'),
    (('--steps', '1', '--threads', '0'), '--threads is at least 1'),
    (('--steps', '1', '--workers', '-1'), '--workers at least 0; got 1 and -1'),
    (('--steps', '1', '--save-every', '0'), 'save: at least 1 step'),
    (('--steps', '1', '--validate', 'world:9', '--validate-every', '0'), 'validation: at least'),
    (('--steps', '1', '--validate', 'world:9', '--validate-samples', '0'), 'at least one sample'),
    (('--steps', '1', '--validate', 'world:9,5,4'), '2 of its 3 scenes are learned from too, 4'),
    (('--steps', '1', '--validate', 'world:9', '--set', 'occupancy=null'), 'has no voxels')])
def test_what_cannot_be_is_one_line(train, capsys, arguments, words):
    assert train('wrong', *arguments) == 2
    printed = capsys.readouterr().err
    assert words in printed and printed.count('\n') == 1


def test_tensorboard_that_is_not_installed_is_named_with_its_cure(train, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, 'tensorboard', None)
    monkeypatch.delitem(sys.modules, 'torch.utils.tensorboard', raising=False)
    assert train('board', '--steps', '1', '--tensorboard') == 2
    assert 'pip install tensorboard' in capsys.readouterr().err


def test_samples_are_named_by_all_that_changes_them():
    choice = DataChoice('world:0-5', 3, rigs=(Path('a/tall.yaml'), Path('low.yaml')))
    assert str(choice).startswith('world:0-5, 3 keyframes per scene, rigs tall.yaml low.yaml, ')
