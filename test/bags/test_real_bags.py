# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Real keyframes to a bag and back: nothing may change."""

import json

import numpy as np
import pytest

from bdc_occ_ros.bags import TRUTH_FILE
from bdc_occ_ros.bags.bag_frames import RigBag
from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.bags.keyframe import load_keyframe, write_keyframe_bag
from bdc_occ_ros.bags.truth_file import load_truth
from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.geometry.rotations import matrix_from_quaternion

pytestmark = pytest.mark.data

FOLDERS = ('nuscenes_full_scene0003', 'nuscenes_surround_dev/n015-2018-08-03_1533280036162460',
           'nuscenes_surround_dev/n008-2018-08-27_1535385040612404', 'dgp_rig_3cam')


@pytest.mark.parametrize('calibration', ['tf', 'file'])
@pytest.mark.parametrize('folder', FOLDERS)
def test_stamps_frames_and_calibration_come_back(folder, calibration, data_folder, tmp_path):
    keyframe = load_keyframe(data_folder / folder)
    summary = write_keyframe_bag(tmp_path / 'bag', keyframe, calibration=calibration)
    assert summary.num_images == len(keyframe.rig.names)
    bag = RigBag(tmp_path / 'bag')
    frame, = bag.frames()
    assert dict(frame.stamps_ns) == dict(keyframe.stamps_ns)
    assert frame.stamp_ns == keyframe.stamps_ns[keyframe.rig.key_camera]
    assert set(bag.rig.names) == set(keyframe.rig.names)
    for name in keyframe.rig.names:
        expected, camera = keyframe.rig[name], bag.rig[name]
        assert (camera.width_px, camera.height_px) == (expected.width_px, expected.height_px)
        assert np.array_equal(camera.intrinsics, expected.intrinsics)
        assert np.allclose(camera.ego_from_camera, expected.ego_from_camera, atol=1e-12)
        assert not camera.is_distorted
        assert frame.images[name].shape == (expected.height_px, expected.width_px, 3)
        if keyframe.fixed_from_ego is not None:
            assert np.allclose(frame.fixed_from_ego[name], keyframe.fixed_from_ego[name],
                               atol=1e-6)
    assert (frame.fixed_from_ego is None) == (keyframe.fixed_from_ego is None)


def test_images_are_the_recorded_bytes(data_folder, tmp_path):
    folder = data_folder / 'nuscenes_full_scene0003'
    write_keyframe_bag(tmp_path / 'bag', load_keyframe(folder))
    found = {}
    with BagReader(tmp_path / 'bag') as bag:
        for message in bag.messages():
            if message.topic.endswith('compressed'):
                image = bag.decode(message)
                found[image.header.frame_id] = (image.format, bytes(image.data))
    assert found == {path.stem: ('jpeg', path.read_bytes())
                     for path in (folder / 'images').glob('*.jpg')}


def test_poses_are_those_of_the_recording(data_folder, tmp_path):
    folder = data_folder / 'nuscenes_full_scene0003'
    write_keyframe_bag(tmp_path / 'bag', load_keyframe(folder))
    frame, = RigBag(tmp_path / 'bag').frames()
    for name, entry in load_json(folder / 'calibration.json')['cameras'].items():
        expected = pose(entry['ego_translation_global'], entry['ego_rotation_global_wxyz'])
        assert np.allclose(frame.fixed_from_ego[name], expected, atol=1e-9)
        mount = pose(entry['translation_ego_cam'], entry['rotation_ego_cam_wxyz'])
        assert np.allclose(frame.rig[name].ego_from_camera, mount, atol=1e-9)
        assert frame.stamps_ns[name] == entry['timestamp_us'] * 1000


def test_lidar_points_lie_in_the_boxes_beside_the_bag(data_folder, tmp_path):
    folder = data_folder / 'nuscenes_full_scene0003'
    write_keyframe_bag(tmp_path / 'bag', load_keyframe(folder))
    truth, = load_truth(tmp_path / 'bag' / TRUTH_FILE)
    assert truth.occupancy is None and len(truth.boxes) == 37
    document = load_json(folder / 'calibration.json')['lidar']
    ego_from_lidar = pose(document['translation_ego_lidar'], document['rotation_ego_lidar_wxyz'])
    points = np.fromfile(folder / 'lidar_top.bin', '<f4').reshape(-1, 5)[:, :3]
    points = points @ ego_from_lidar[:3, :3].T + ego_from_lidar[:3, 3]
    agreed, ends = 0, truth.boxes.points_m(np.array([(0.5, 0, 0), (-0.5, 0, 0)]))
    for index, entry in enumerate(load_json(folder / 'boxes.json')['boxes']):
        front, back = ends[index]
        forward = (front - back) / np.linalg.norm(front - back)
        offset = points - truth.boxes.centers_m[index]
        local = np.stack((offset @ forward, offset @ (-forward[1], forward[0], 0.0),
                          offset[:, 2]), axis=-1)
        inside = (np.abs(local) <= truth.boxes.sizes_m[index] / 2).all(axis=1).sum()
        agreed += abs(int(inside) - entry['num_lidar_pts']) <= 3
    assert agreed >= 35


def test_view_draws_a_real_bag(data_folder, tmp_path):
    assert main(['bag', 'write', '--keyframe', str(data_folder / 'nuscenes_full_scene0003'),
                 '-o', str(tmp_path / 'bag')]) == 0
    assert main(['view', str(tmp_path / 'bag'), '-o', str(tmp_path / 'picture.png')]) == 0
    assert (tmp_path / 'picture.png').stat().st_size > 1_000_000


def load_json(path):
    return json.loads(path.read_text())


def pose(translation, rotation_wxyz):
    transform = np.eye(4)
    transform[:3, 3] = translation
    transform[:3, :3] = matrix_from_quaternion(np.roll(rotation_wxyz, -1))
    return transform
