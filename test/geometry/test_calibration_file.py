# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Calibration files and the rotations in them."""

import json

import numpy as np
import pytest
import yaml

from bdc_occ_ros.errors import InvalidCalibrationError, InvalidPoseError
from bdc_occ_ros.geometry.calibration_file import load_calibration, save_calibration
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig
from bdc_occ_ros.geometry.rotations import matrix_from_quaternion, quaternion_from_matrix


def random_rotation(generator: np.random.Generator) -> np.ndarray:
    q, r = np.linalg.qr(generator.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


@pytest.fixture
def rig():
    generator = np.random.default_rng(7)
    cameras = []
    for name, model, count in (('left', 'plumb_bob', 5), ('right', 'equidistant', 4)):
        mount = np.eye(4)
        mount[:3, :3] = random_rotation(generator)
        mount[:3, 3] = generator.normal(size=3)
        matrix = np.array([[1000.5, 0, 640], [0, 1001, 360], [0, 0, 1]])
        cameras.append(Camera(name, 1280, 720, matrix, mount, model,
                              generator.normal(size=count) / 10))
    return CameraRig(tuple(cameras), 'right')


def test_round_trip_keeps_every_number(rig, tmp_path):
    path = tmp_path / 'rig.yaml'
    save_calibration(rig, path)
    loaded = load_calibration(path)
    assert loaded.names == ('left', 'right') and loaded.key_camera == 'right'
    for before, after in zip(rig.cameras, loaded.cameras, strict=True):
        assert np.array_equal(before.intrinsics, after.intrinsics)
        assert np.array_equal(before.distortion, after.distortion)
        assert before.distortion_model == after.distortion_model
        np.testing.assert_allclose(before.ego_from_camera, after.ego_from_camera, atol=1e-12)


def test_json_holds_the_same(rig, tmp_path):
    save_calibration(rig, tmp_path / 'rig.yaml')
    document = yaml.safe_load((tmp_path / 'rig.yaml').read_text())
    (tmp_path / 'rig.json').write_text(json.dumps(document))
    loaded = load_calibration(tmp_path / 'rig.json')
    assert [camera.fingerprint for camera in loaded.cameras] == [
        camera.fingerprint for camera in load_calibration(tmp_path / 'rig.yaml').cameras]


@pytest.mark.parametrize(('edit', 'message'), [
    (lambda d: d.pop('key_camera'), "missing keys \\['key_camera'\\]"),
    (lambda d: d.update(key_camera='rear'), "key camera 'rear'"),
    (lambda d: d.update(comment='x'), "unknown keys \\['comment'\\]"),
    (lambda d: d.update(cameras=[]), 'cameras must map'),
    (lambda d: d['cameras']['left'].pop('intrinsics'), "left: missing keys \\['intrinsics'\\]"),
    (lambda d: d['cameras']['left'].update(width_px='1280'), 'left: width_px must be an integer'),
    (lambda d: d['cameras']['left'].update(intrinsics=[1, 2]), 'left: intrinsics must be a list'),
    (lambda d: d['cameras']['left'].update(intrinsics=[0] * 9), 'last row 0 0 1'),
    (lambda d: d['cameras']['left'].update(distortion_model='fish'), "model 'fish'"),
    (lambda d: d['cameras']['left'].update(distortion=[0.1, 0.2]), 'takes'),
    (lambda d: d['cameras']['left']['ego_from_camera'].update(rotation_xyzw=[0, 0, 0, 0]),
     'unit quaternion'),
    (lambda d: d['cameras']['left']['ego_from_camera'].update(translation_m=[float('nan')] * 3),
     'finite'),
])
def test_every_mistake_is_named_with_file_and_cure(rig, tmp_path, edit, message):
    path = tmp_path / 'rig.yaml'
    save_calibration(rig, path)
    document = yaml.safe_load(path.read_text())
    edit(document)
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(InvalidCalibrationError, match=message) as caught:
        load_calibration(path)
    assert str(path) in str(caught.value)


def test_unreadable_files_are_named(tmp_path):
    with pytest.raises(InvalidCalibrationError, match='absent.yaml'):
        load_calibration(tmp_path / 'absent.yaml')
    (tmp_path / 'broken.yaml').write_text('cameras: [')
    with pytest.raises(InvalidCalibrationError, match='broken.yaml: not a readable YAML file'):
        load_calibration(tmp_path / 'broken.yaml')


def test_quaternions_and_matrices_agree_both_ways():
    generator = np.random.default_rng(3)
    half_turns = [np.diag(signs) for signs in ((1, -1, -1), (-1, 1, -1), (-1, -1, 1))]
    for rotation in [np.eye(3), *half_turns, *(random_rotation(generator) for _ in range(50))]:
        quaternion = quaternion_from_matrix(rotation)
        assert quaternion[3] >= 0
        np.testing.assert_allclose(matrix_from_quaternion(quaternion), rotation, atol=1e-12)


def test_quarter_turn_about_z_sends_x_to_y():
    rotation = matrix_from_quaternion(np.array([0, 0, np.sqrt(0.5), np.sqrt(0.5)]))
    np.testing.assert_allclose(rotation @ [1, 0, 0], [0, 1, 0], atol=1e-12)


@pytest.mark.parametrize('quaternion', [(0, 0, 0, 2), (0, 0, 0, 0), (0, 0, 0, np.nan), (0, 0, 1)])
def test_what_is_no_rotation_is_refused(quaternion):
    with pytest.raises(InvalidPoseError, match='unit quaternion'):
        matrix_from_quaternion(np.array(quaternion, dtype=float))
