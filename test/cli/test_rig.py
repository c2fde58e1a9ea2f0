# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""bdc-occ rig on calibration files of sound and of odd rigs."""

from dataclasses import replace
import json

import cv2
import numpy as np
import pytest

from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.geometry.calibration_file import save_calibration
from bdc_occ_ros.geometry.camera_rig import CameraRig


@pytest.fixture
def mounted(forward_camera):
    """Return a camera that was moved and turned about the axes of the vehicle, in degrees."""
    def mount(name='front', height_m=1.5, turn_deg=(0, 0, 0), **changes):
        pose = forward_camera.ego_from_camera.copy()
        for axis in (0, 1, 2):  # roll, then pitch, then yaw
            pose[:3, :3] = cv2.Rodrigues(
                np.radians(turn_deg[axis]) * np.eye(3)[axis])[0] @ pose[:3, :3]
        pose[2, 3] = height_m
        return replace(forward_camera, name=name, ego_from_camera=pose, **changes)
    return mount


@pytest.fixture
def report(tmp_path, capsys):
    """Return what the verb says about cameras: exit status and JSON."""
    def ask(*cameras, arguments=()):
        path = tmp_path / 'calibration.yaml'
        save_calibration(CameraRig(cameras, cameras[0].name), path)
        status = main(['rig', str(path), '--json', *arguments])
        return status, json.loads(capsys.readouterr().out)
    return ask


def test_a_sound_surround_rig_has_nothing_odd(mounted, report):
    cameras = [mounted(f'cam{yaw}', turn_deg=(0, 0, yaw)) for yaw in (0, 90, 180, 270)]
    status, result = report(*cameras)
    assert status == 0 and result['odd'] == []
    numbers = result['cameras']['cam90']
    assert (numbers['yaw_deg'], numbers['pitch_deg'], numbers['roll_deg']) == (90.0, 0.0, 0.0)
    assert numbers['horizontal_deg'] == pytest.approx(89.4, abs=0.2)
    assert numbers['rows'] == 64 and numbers['first_row'] == 0 and result['input_rows'] == 240
    assert 0 < numbers['free_cells'] < result['free_cells'] < 40_000


def test_the_rows_of_a_car_s_camera_are_those_below_the_sky(mounted, report):
    wide = np.array(((1266.0, 0, 800), (0, 1266, 450), (0, 0, 1)))
    _, result = report(mounted(width_px=1600, height_px=900, intrinsics=wide))
    assert result['input_rows'] == 128 and result['cameras']['front']['first_row'] == 319


@pytest.mark.parametrize(('changes', 'words', 'status'), [
    ({}, 'nothing can be found free from 50 to 180 degrees', 0),
    ({'height_m': 0.0}, 'front is 0.0 m above the base frame, which must lie on the ground as', 0),
    ({'turn_deg': (0, 60, 0)}, 'pitch -60.0 and roll 0.0 degrees; is its frame an optical one', 1),
    ({'turn_deg': (90, 0, 0)}, 'pitch 0.0 and roll 90.0 degrees', 0),
    ({'turn_deg': (0, 50, 0)}, 'front alone finds no cell free', 1)])
def test_what_is_odd_about_a_rig_is_said(mounted, report, changes, words, status):
    found, result = report(mounted(**changes))
    assert words in ' '.join(result['odd']) and found == status
    assert (result['free_cells'] == 0) == (status == 1)


def test_two_cameras_that_see_the_same_are_named(mounted, report):
    _, result = report(mounted('one'), mounted('other', turn_deg=(0, 0, 3)))
    assert 'one and other see the same; are both mounts right?' in result['odd']


def test_the_picture_shows_pixels_and_cells(mounted, report, tmp_path, capsys):
    lens = {'distortion_model': 'equidistant', 'distortion': np.array((0.9, 0.0, 0.0, 0.0))}
    path = tmp_path / 'rig.png'
    report(mounted(), mounted('bent', turn_deg=(0, 0, 90), **lens), arguments=('-o', str(path)))
    picture = cv2.imread(str(path)).astype(int)
    def share(half, blue_green_red):
        return (np.abs(half - blue_green_red).max(axis=2) < 10).mean()
    rows = len(picture) // 2
    assert share(picture[:rows], (70, 130, 150)) > 0.05 < share(picture[rows:], (90, 160, 70))
    assert share(picture[:rows], (40, 33, 30)) > 0.01  # what the bent lens does not fill
    assert main(['rig', str(tmp_path / 'calibration.yaml'), '-o', str(tmp_path / 'no' / 'a')]) == 2
    assert 'cannot be written' in capsys.readouterr().err
