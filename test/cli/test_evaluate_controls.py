# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Evaluation prints beside a score what is reached without looking, and by other images."""

import json
import shutil

from made_scenes import NUM_SAMPLES, VERSION
import pytest

from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset, SampleKey
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.evaluation.controls import keys_of_other_scenes, OtherSceneSource
from bdc_occ_ros.share import share_path

pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')


@pytest.fixture(scope='module')
def dataroot(made_dataroot, tmp_path_factory):
    """Return a copy of the data set with a split of both scenes."""
    copy = tmp_path_factory.mktemp('controls') / 'copy'
    shutil.copytree(made_dataroot, copy)
    (copy / VERSION / 'splits.json').write_text(json.dumps(
        {'learn': ['scene-0001'], 'check': ['scene-0002'],
         'both': ['scene-0001', 'scene-0002']}))
    return copy


def arguments_for(dataroot, split, *control):
    return ['evaluate', '--dataroot', str(dataroot), '--version', VERSION, '--split', split,
            '--no-rays', '--samples', '4', '--model',
            str(share_path('config', 'model_bdc_occ_nano_half.yaml')), *control]


def test_the_prior_of_other_scenes_stands_beside_the_score(dataroot, capsys):
    arguments = arguments_for(dataroot, 'check', '--prior', 'learn')
    assert main([*arguments, '--json']) == 0
    prior = json.loads(capsys.readouterr().out)['voxel_prior']
    assert prior['model'] == 'voxel prior of learn' and prior['samples'] == NUM_SAMPLES
    # the road is the same everywhere; the car is elsewhere in every sample
    assert prior['per_class']['driveable_surface'] == 100.0
    assert prior['per_class']['car'] == 0.0 and prior['miou'] == 50.0
    assert main(arguments) == 0
    assert 'miou, voxel prior       50.000' in capsys.readouterr().out
    assert main(arguments_for(dataroot, 'both', '--prior', 'learn')) == 2
    assert '1 of its scenes are scored too, scene-0001' in capsys.readouterr().err


def test_images_of_another_scene_stand_beside_the_score(dataroot, capsys):
    arguments = arguments_for(dataroot, 'both', '--other-scene')
    assert main([*arguments, '--json']) == 0
    report = json.loads(capsys.readouterr().out)
    assert report['other_scene']['samples'] == 4
    # images of one number are alike in both scenes
    assert report['other_scene']['miou'] == pytest.approx(report['miou'])
    assert main(arguments) == 0
    assert 'miou, other scene' in capsys.readouterr().out
    assert main(arguments_for(dataroot, 'learn', '--other-scene')) == 2
    assert 'need two scenes' in capsys.readouterr().err


def test_every_sample_is_answered_by_one_of_another_scene(dataroot):
    dataset = NuscenesDataset(dataroot, VERSION, 'both')
    others = keys_of_other_scenes(dataset.keys)
    assert set(others) == set(dataset.keys) == set(others.values())
    assert all(key.scene_name != other.scene_name for key, other in others.items())
    assert others[dataset.keys[1]] == dataset.keys[NUM_SAMPLES + 1]

    class Echo:
        class_names, free_label, grid, keys, about = (), 0, None, dataset.keys, {}

        def __call__(self, key):
            return key

    assert OtherSceneSource(Echo())(dataset.keys[1]) == others[dataset.keys[1]]


def test_scenes_of_different_lengths_still_find_others():
    keys = [SampleKey(f'{scene}{place}', scene) for scene, count in (('a', 3), ('b', 1), ('c', 2))
            for place in range(count)]
    others = {key.token: other.token for key, other in keys_of_other_scenes(keys).items()}
    assert others == {'a0': 'b0', 'a1': 'b0', 'a2': 'b0', 'b0': 'c0', 'c0': 'a0', 'c1': 'a1'}
    with pytest.raises(UsageError, match='need two scenes'):
        keys_of_other_scenes(keys[:3])
