# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The verb world: samples kept for training, classes counted, speed measured."""

import json

import pytest
import torch

from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.dataset.class_shares import ClassShares, OCC3D_COUNTS
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.training.training_data import DataChoice, require_apart


def test_a_cache_is_filled_and_then_left_alone(tmp_path, tiny_model, capsys):
    arguments = ['world', 'cache', str(tmp_path / 'kept'), '--seeds', '2-3', '--model',
                 str(tiny_model), '--keyframes-per-scene', '1', '--json']
    assert main(arguments) == 0
    files = sorted((tmp_path / 'kept').rglob('*.npz'))
    written_at = [file.stat().st_mtime_ns for file in files]
    assert json.loads(capsys.readouterr().out)['samples'] == 2 == len(files)
    assert main(arguments) == 0
    assert [file.stat().st_mtime_ns for file in files] == written_at


def test_shares_are_counted_over_observed_voxels(capsys):
    assert main(['world', 'shares', '--seeds', '5', '--keyframes-per-scene', '2', '--json']) == 0
    report = json.loads(capsys.readouterr().out)
    assert report['keyframes'] == 2 and 0.02 < report['observed'] < 0.3
    road = report['classes']['driveable_surface']
    assert road['keyframes'] == 2 and road['share'] > 0.05
    assert sum(entry['share'] for entry in report['classes'].values()) == pytest.approx(1.0)


def test_every_class_is_as_frequent_as_in_occ3d_within_a_factor_of_3(capsys):
    arguments = ['world', 'shares', '--seeds', '0-39', '--keyframes-per-scene', '1', '--json']
    assert main(arguments) == 0
    classes = json.loads(capsys.readouterr().out)['classes']
    ratios = {name: round(entry['ratio'], 2) for name, entry in classes.items()}
    assert len(ratios) == 17 and all(1 / 3 <= ratio <= 3 for ratio in ratios.values()), ratios


def test_ratios_compare_with_occ3d():
    shares = ClassShares()
    semantics = torch.full((1, 4, 4, 4), 17, dtype=torch.uint8)
    semantics[0, 0, 0, :3], semantics[0, 1, 0, 0] = 11, 4
    semantics[0, 3, 3, 3] = 9  # not observed
    observed = torch.ones(1, 4, 4, 4, dtype=torch.bool)
    observed[0, 3] = False
    shares.add(semantics, observed)
    occupied = sum(OCC3D_COUNTS[:17])
    assert shares.ratios()[11] == pytest.approx(0.75 * occupied / OCC3D_COUNTS[11])
    assert shares.ratios()[9] == 0.0 and shares.keyframes.sum() == 3
    assert shares.observed_share == 0.75 and shares.free_share == pytest.approx(44 / 48)
    assert any(line.startswith('trailer') and line.endswith('!') for line in shares.lines())


def test_the_speed_is_reported_by_size_and_part(capsys):
    assert main(['world', 'bench', '--seeds', '1', '--sizes', '64x36', '96x32', '--json']) == 0
    rows = json.loads(capsys.readouterr().out)['rows']
    assert [row['size'] for row in rows] == ['64x36', '96x32']
    for row in rows:
        assert row['streamed_per_minute'] > row['with_lidar_per_minute'] > 1
        assert set(row['ms']) == {'scene', 'world', 'images', 'label', 'LiDAR'}


@pytest.mark.parametrize('arguments', (
    ['make', 'x', '--seeds', '5-3'], ['make', 'x', '--seeds', 'all'],
    ['make', 'x', '--seeds', '1', '--sweeps', '6'], ['bench', '--sizes', '12'], ['shares']))
def test_bad_arguments_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(['world', *arguments])
    assert stopped.value.code == 2 and 'usage' in capsys.readouterr().err


@pytest.mark.parametrize('arguments, words', (
    (['make', 'x', '--seeds', '1', '--height', '-5'], '32x18'),
    (['make', 'x', '--seeds', '1', '--height', '0'], '32x18'),
    (['bench', '--batch', '0'], 'at once'), (['bench', '--batch', '37'], 'at once'),
    (['make', '/proc/nowhere', '--seeds', '1'], 'cannot be written')))
def test_impossible_numbers_are_refused_in_one_line(arguments, words, capsys):
    assert main(['world', *arguments]) == 2
    printed = capsys.readouterr().err
    assert words in printed and printed.count('\n') == 1


def made(folder, *arguments):
    return main(['world', 'make', str(folder), '--keyframes-per-scene', '1', '--width', '64',
                 *arguments])


def test_scenes_keep_their_split_when_others_join(tmp_path, capsys):
    pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')
    splits = tmp_path / 'v1.0-made' / 'splits.json'
    assert made(tmp_path, '--seeds', '1-2') == 0
    assert json.loads(splits.read_text()) == {'made_train': ['scene-0001'],
                                              'made_val': ['scene-0002']}
    assert made(tmp_path, '--seeds', '1-4') == 0
    divided = {'made_train': ['scene-0001', 'scene-0003', 'scene-0004'],
               'made_val': ['scene-0002']}
    assert json.loads(splits.read_text()) == divided
    splits.write_text(json.dumps({**divided, 'few': ['scene-0003']}))
    assert made(tmp_path, '--seeds', '1-4') == 0
    assert json.loads(splits.read_text()) == {**divided, 'few': ['scene-0003']}
    capsys.readouterr()
    for seed in ('1', '9'):  # learned from already, and not there
        assert made(tmp_path, '--seeds', '1-4', '--val-seeds', seed) == 2
        assert f'scene-000{seed}' in capsys.readouterr().err
    assert NuscenesDataset(tmp_path, 'v1.0-made', 'made_val').keys[0].scene_name == 'scene-0002'
    assert NuscenesDataset(tmp_path, 'v1.0-made', 'few').keys[0].scene_name == 'scene-0003'


@pytest.mark.parametrize('text, words', [
    ('[]', 'names of scenes by split'), ('{"made_train": null}', 'names of scenes by split'),
    ('{"made_train": ["scene-0007"]}', "names ['scene-0007']")])
def test_splits_that_cannot_be_kept_are_refused_before_anything_is_made(
        tmp_path, text, words, capsys):
    (tmp_path / 'v1.0-made').mkdir()
    (tmp_path / 'v1.0-made/splits.json').write_text(text)
    assert made(tmp_path, '--seeds', '1') == 2
    assert words in capsys.readouterr().err and not (tmp_path / 'samples').exists()


def test_drives_on_disk_are_those_that_stream(tmp_path):
    pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')
    assert made(tmp_path, '--seeds', '7') == 0
    on_disk = DataChoice(str(tmp_path), version='v1.0-made', split='made_val')
    source = on_disk.open(load_network_config('bdc_occ_nano_half'))
    with pytest.raises(UsageError, match='1 of its 1 scenes are learned from too, 7'):
        require_apart(DataChoice('world:0-9').scenes(source), on_disk.scenes(source))


def test_the_tables_of_another_data_set_are_left_alone(tmp_path, capsys):
    theirs = tmp_path / 'v1.0-mini' / 'scene.json'
    theirs.parent.mkdir()
    theirs.write_text('[]')
    assert made(tmp_path, '--version', 'v1.0-mini', '--seeds', '1') == 2
    assert 'tables of another data set' in capsys.readouterr().err
    assert [path.name for path in theirs.parent.iterdir()] == ['scene.json']


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_a_gpu_that_is_not_there_is_refused_in_one_line(capsys):
    assert main(['world', 'shares', '--seeds', '1', '--device', 'cuda']) == 2
    assert 'sees no GPU' in capsys.readouterr().err
