# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""bdc-occ bag write and bdc-occ view, as typed."""

import json

import cv2
import numpy as np
import pytest

from bdc_occ_ros.bags.bag_frames import RigBag
from bdc_occ_ros.bags.snapshot import save_snapshot
from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.drawing.sheet import WIDTH_PX
from bdc_occ_ros.geometry.calibration_file import load_calibration
from bdc_occ_ros.world.drive import Drive

SCENE = ['bag', 'write', '--scene', '--seconds', '0.04', '--size', '96x54', '--seed', '1']


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    path = tmp_path_factory.mktemp('bags') / 'drive'
    assert main([*SCENE, '-o', str(path), '--calibration', 'file']) == 0
    return path


def test_write_says_what_it_wrote(tmp_path, capsys):
    assert main([*SCENE, '-o', str(tmp_path / 'bag'), '--json']) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary == {'path': str(tmp_path / 'bag'), 'num_sets': 1, 'num_images': 6,
                       'num_truths': 1, 'duration_s': pytest.approx(0.0426)}


def test_view_of_a_bag_shows_images_and_truth(bag, tmp_path, capsys):
    assert main(['view', str(bag), '-o', str(tmp_path / 'picture.png'), '--json']) == 0
    result = json.loads(capsys.readouterr().out)
    assert result['has_images'] and result['has_occupancy'] and result['boxes'] > 5
    picture = cv2.imread(str(tmp_path / 'picture.png'))
    assert picture.shape[1] == WIDTH_PX
    # what the network is not given of the first image, the upper 35 % of 448 rows, is darker
    assert 1.5 * picture[180:238, 200:600].mean() < picture[242:300, 200:600].mean()


def test_view_of_a_snapshot(bag, tmp_path, capsys):
    rig = load_calibration(bag / 'calibration.yaml')
    save_snapshot(tmp_path / 'saved.npz', next(iter(RigBag(bag).frames())),
                  *Drive(rig, seed=1).truth(0))
    assert main(['view', str(tmp_path / 'saved.npz'), '-o', str(tmp_path / 'a.png')]) == 0
    assert 'snapshot saved.npz' in capsys.readouterr().out
    assert main(['view', str(bag), '-o', str(tmp_path / 'b.png')]) == 0
    first, second = (cv2.imread(str(tmp_path / name)) for name in ('a.png', 'b.png'))
    assert np.array_equal(first[200:1000], second[200:1000])  # the same images and boxes


@pytest.mark.parametrize('arguments', [
    ['bag'], ['bag', 'write'], ['bag', 'write', '--scene'], ['bag', 'play'],
    [*SCENE[:-4], '--size', '1x1', '-o', 'x'], ['bag', 'write', '--scene', '--keyframe', 'x'],
    ['view', 'x'],
])
def test_bad_usage(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2 and 'usage' in capsys.readouterr().err


@pytest.mark.parametrize('arguments, reason', [
    (['bag', 'write', '--scene', '-o', '{bag}', '--seconds', '1'], 'exists already'),
    (['bag', 'write', '--scene', '-o', '{tmp}/x', '--seconds', '99'], 'up to 20 s'),
    (['bag', 'write', '--scene', '-o', '{tmp}/x', '--rig', 'absent.yaml'], 'absent.yaml'),
    (['bag', 'write', '--keyframe', '{tmp}', '-o', '{tmp}/x'], 'no keyframe'),
    (['view', '{tmp}', '-o', '{tmp}/x.png'], 'not a readable rosbag2 bag'),
    (['view', '{bag}', '-o', '{tmp}/absent/x.png'], 'cannot be written'),
    (['bag', 'write', '--scene', '-o', '/proc/x', '--size', '64x36'], 'cannot be written'),
])
def test_bad_input_is_one_line_and_status_2(arguments, reason, bag, tmp_path, capsys):
    assert main([word.format(bag=bag, tmp=tmp_path) for word in arguments]) == 2
    printed = capsys.readouterr().err
    assert reason in printed and printed.count('\n') == 1
