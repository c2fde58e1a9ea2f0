# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sweeps of data sets, bags and keyframes in the ego frame of the sweep, and the verb on them."""

from dataclasses import replace
import json
from types import SimpleNamespace

from made_scenes import NUM_SAMPLES, pose, VERSION
import numpy as np
import pytest

from bdc_occ_ros.bags import BASE_FRAME, messages, ODOM_FRAME
from bdc_occ_ros.bags.formats import OWN_FORMAT
from bdc_occ_ros.bags.rig_bag import RecordedReading, RigBagWriter
from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.dataset.taxonomy import LIDAR
from bdc_occ_ros.errors import InvalidBagError, InvalidKeyframeError
from bdc_occ_ros.evaluation.lidar_moments import _sweep_of, moments_in
from bdc_occ_ros.geometry.transforms import TransformTree
from bdc_occ_ros.share import share_path

pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')
UNTRAINED = str(share_path('config', 'model_bdc_occ_nano_half.yaml'))
MOUNT = pose(0.9, 0.0, 1.8, -np.pi / 2)


def test_the_sweep_of_a_sample_lies_in_its_own_ego_frame(made_dataroot):
    files = moments_in(made_dataroot, VERSION, 'check')
    assert [file.scene for file in files] == ['scene-0002'] * NUM_SAMPLES
    moment = files[2].load()
    # the sensor's x points to the right, its y ahead
    np.testing.assert_allclose(moment.sweep.points_m, [
        [0.9 + 2, -1, 4.8], [0.9 + 5, -4, 7.8], [0.9, -2, 1.8]], atol=1e-5)
    np.testing.assert_allclose(moment.sweep.origins_m, [[0.9, 0, 1.8]] * 3, atol=1e-9)
    dataset = NuscenesDataset(made_dataroot, VERSION, 'check')
    expected = dataset.world_from_ego(dataset.keys[2], LIDAR)
    np.testing.assert_allclose(moment.frame.fixed_from_output, expected)
    assert len(moment.boxes) == 2 and len(moment.frame.images) == 6


@pytest.mark.parametrize('has_poses', (True, False))
def test_points_are_put_where_the_vehicle_was_when_they_were_met(has_poses):
    transforms, start_ns = TransformTree(100.0), 10**18
    transforms.set_transform(BASE_FRAME, 'lidar', 0, MOUNT, static=True)
    if has_poses:  # at 10 m/s
        for shift_s in (-0.2, 0.2):
            transforms.set_transform(ODOM_FRAME, BASE_FRAME, start_ns + round(shift_s * 1e9),
                                     pose(10 * shift_s, 5.0))
    layout = np.dtype([(name, '<f4') for name in ('x', 'y', 'z', 'time')])
    points = np.array([[0, 7, 0, 0.0], [0, 7, 0, -0.1], [np.nan, 0, 0, 0]], np.float32)
    cloud = messages.cloud(start_ns, 'lidar', points, layout)
    sweep = _sweep_of(SimpleNamespace(transforms=transforms), cloud)
    moved_m = -1.0 if has_poses else 0.0  # in a tenth of a second
    np.testing.assert_allclose(sweep.points_m, [[7.9, 0, 1.8], [7.9 + moved_m, 0, 1.8]], atol=1e-4)
    np.testing.assert_allclose(sweep.origins_m, [[0.9, 0, 1.8], [0.9 + moved_m, 0, 1.8]],
                               atol=1e-4)
    assert (sweep.fixed_from_ego is not None) == has_poses


def write_bag(path, rig, *, with_cloud):
    """Write two sets of images at 10 m/s, the second with a sweep 40 ms later."""
    rng = np.random.default_rng(0)
    with RigBagWriter(path, rig, 10**18, ego_from_lidar=MOUNT if with_cloud else None,
                      converter=replace(OWN_FORMAT, lidar_topic='/lidar/points')) as bag:
        for number in range(2):
            stamp_ns = 10**18 + number * 500_000_000
            readings = [RecordedReading(name, stamp_ns, _jpeg(rng, rig[name]), pose(5.0 * number))
                        for name in rig.names]
            scan = RecordedReading(LIDAR, stamp_ns + 40_000_000, np.array(
                [[0, 10, -1.8, 1], [3, 12, 0, 1]], np.float32), pose(5.0 * number + 0.4))
            bag.write_set(readings, scan=scan if with_cloud and number else None)
    return path


def _jpeg(rng, camera):
    import cv2
    return cv2.imencode('.jpg', rng.integers(
        0, 255, (camera.height_px, camera.width_px, 3), np.uint8))[1].tobytes()


def test_a_set_of_a_bag_has_the_cloud_near_it(tmp_path, small_rig):
    file, = moments_in(write_bag(tmp_path / 'bag', small_rig, with_cloud=True), VERSION, 'val')
    moment = file.load()
    np.testing.assert_allclose(moment.sweep.points_m, [[10.9, 0, 0], [12.9, -3, 1.8]], atol=1e-5)
    np.testing.assert_allclose(moment.frame.fixed_from_output, pose(5.4), atol=1e-9)
    assert moment.frame.stamp_ns == 10**18 + 500_000_000 and moment.boxes is None


def test_a_bag_without_points_is_refused(tmp_path, small_rig):
    with pytest.raises(InvalidBagError, match='PointCloud2'):
        moments_in(write_bag(tmp_path / 'bag', small_rig, with_cloud=False), VERSION, 'val')


def test_the_verb_prints_scores_and_controls(made_dataroot, small_rig, tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', small_rig, with_cloud=True)
    scores, pictures = tmp_path / 'scores.json', tmp_path / 'pictures'
    assert main(['evaluate', '--lidar', str(bag), str(made_dataroot), '--version', VERSION,
                 '--split', 'check', '--samples', '2', '--model', UNTRAINED, '-o', str(scores),
                 '--pictures', str(pictures)]) == 0
    table = capsys.readouterr().out
    report = json.loads(scores.read_text())
    assert '2 sweeps' in table and 'flat world' in table and 'voxel prior' in table
    assert {'network', 'flat_world', 'voxel_prior', 'other_scene'} <= set(report)
    assert report['network']['sweeps'] == report['other_scene']['sweeps'] == 2
    # the ray to the bag's one return on the ground enters that 1.1 m before it
    assert report['flat_world']['ground']['score'] == pytest.approx(2 / 3)
    assert len(list(pictures.iterdir())) == 2
    assert main(['evaluate', '--lidar', str(made_dataroot), '--bag', 'x']) == 2
    assert 'give --model' in capsys.readouterr().err


def test_real_keyframes_have_sweeps_on_the_ground_and_boxes(data_folder):
    for name, least in (('nuscenes_full_scene0003', 30), ('dgp_rig_3cam', 90)):
        file, = moments_in(data_folder / name, VERSION, 'val')
        moment = file.load()
        near = np.linalg.norm(moment.sweep.points_m[:, :2], axis=1) < 20
        low = near & (np.abs(moment.sweep.points_m[:, 2]) < 0.3)
        assert low.sum() > 0.2 * near.sum() and len(moment.boxes) >= least
        assert moment.frame.fixed_from_output is not None
    images_only = next(path for path in (data_folder / 'nuscenes_surround_dev').iterdir()
                       if path.is_dir())
    file, = moments_in(images_only, VERSION, 'val')
    with pytest.raises(InvalidKeyframeError, match='no LiDAR sweep'):
        file.load()
