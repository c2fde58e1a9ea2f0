# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""bdc-occ view of a data set: the right sample, in the frame of its label."""

import json

import cv2
from made_scenes import NUM_SAMPLES, PERIOD_US, START_US, VERSION, world_from_car, world_from_ego
import numpy as np
import pytest

from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.drawing.sheet import WIDTH_PX
from bdc_occ_ros.drawing.sources import choose_sample, source_of_sample
from bdc_occ_ros.errors import UsageError

pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')


@pytest.fixture(scope='module')
def dataset(made_dataroot):
    return NuscenesDataset(made_dataroot, VERSION, None)


def test_a_sample_is_found_by_token_scene_and_time(dataset):
    assert len(dataset) == 2 * NUM_SAMPLES  # of all scenes
    first, *_, last = [key for key in dataset.keys if key.scene_name == 'scene-0002']
    assert choose_sample(dataset, last.token, None, None) == last
    assert choose_sample(dataset, last.token[:12], None, None) == last
    assert choose_sample(dataset, None, 'scene-0002', 0.1) == first
    assert choose_sample(dataset, None, 'scene-0002', 1.4) == last
    assert choose_sample(dataset, None, None, 0.6) == dataset.keys[1]
    for token, scene in (('absent', None), ('', None), (None, 'scene-7')):
        with pytest.raises(UsageError, match='scene-0001|one is needed'):
            choose_sample(dataset, token, scene, None)


def test_everything_is_in_the_frame_of_the_label(dataset):
    source = source_of_sample(dataset, dataset.keys[2])
    stamp_us = START_US + 2 * PERIOD_US
    assert np.allclose(source.overlay.fixed_from_ego, world_from_ego(stamp_us))
    car = np.linalg.inv(world_from_ego(stamp_us)) @ world_from_car(stamp_us)
    column, = source.columns
    assert np.allclose(column.boxes.centers_m[0], car[:3, 3], atol=1e-5)
    assert column.occupancy.occupied.sum() == 200 * 200 + 1
    assert column.occupancy.labels[102, 7, 3] == 4
    assert source.overlay.boxes is column.boxes and source.overlay.voxels is column.occupancy


def test_a_sample_without_label_still_shows_its_boxes(dataset, monkeypatch, tmp_path):
    monkeypatch.setattr(dataset, 'label_path', lambda _: tmp_path / 'absent.npz')
    source = source_of_sample(dataset, dataset.keys[0])
    column, = source.columns
    assert column.occupancy is None and source.overlay.voxels is None
    assert column.caption == 'boxes; nobody labelled the cells' and len(column.boxes) == 2


def test_view_as_typed(made_dataroot, tmp_path, capsys):
    picture = tmp_path / 'sample.png'
    assert main(['view', str(made_dataroot), '--scene', 'scene-0002', '--at', '0.5', '-o',
                 str(picture), '--json']) == 0
    result = json.loads(capsys.readouterr().out)
    assert result['title'].startswith('scene-0002, sample') and result['boxes'] == 2
    assert result['has_images'] and result['has_occupancy']
    sheet = cv2.imread(str(picture))
    assert sheet.shape[1] == WIDTH_PX
    road = sheet[480:500, 1000:1400].reshape(-1, 3).mean(axis=0)  # below the horizon, ahead
    assert road[[0, 2]].min() > road[1] + 30  # purple voxels over the dark image


@pytest.mark.parametrize('arguments, reason', [
    (['{data}', '--sample', 'absent'], 'one is needed'),
    (['{data}', '--version', 'v1.0-other'], 'no v1.0-other/sample.json'),
    (['{tmp}', '--scene', 'scene-0001'], 'no nuScenes data set'),
    (['{tmp}/absent'], 'does not exist'),
])
def test_what_is_not_there_is_named(arguments, reason, made_dataroot, tmp_path, capsys):
    words = [word.format(data=made_dataroot, tmp=tmp_path) for word in arguments]
    assert main(['view', *words, '-o', str(tmp_path / 'x.png')]) == 2
    assert reason in ' '.join(capsys.readouterr().err.split())
