# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frames of any rig through the predictor."""

from dataclasses import replace
import itertools
import logging

import numpy as np
import pytest
import torch

from bdc_occ_ros.datatypes import Frame
from bdc_occ_ros.errors import (
    InvalidConfigError,
    InvalidFrameError,
    InvalidWeightsError,
    UsageError,
)
from bdc_occ_ros.geometry.camera_rig import CameraRig
from bdc_occ_ros.geometry.preprocessing import Preprocessor
from bdc_occ_ros.geometry.rig_geometry import RigGeometry
from bdc_occ_ros.network.box_decoding import decode_boxes
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.predictor import key_ego_from_ego, Predictor
from bdc_occ_ros.weights.checkpoint import Checkpoint, save_checkpoint


@pytest.fixture(scope='module')
def small_rig(nuscenes_rig):
    """Return the nuScenes rig at an eighth of its resolution."""
    return nuscenes_rig.resized(200, 112)


@pytest.fixture(scope='module')
def predictor(tiny_model):
    return Predictor(tiny_model)


def frame_of(rig, names=None, seed=0, poses=None):
    """Return noise for some cameras of a rig."""
    rng = np.random.default_rng(seed)
    images = {c.name: rng.integers(0, 256, (c.height_px, c.width_px, 3), dtype=np.uint8)
              for c in rig.cameras}
    chosen = {name: images[name] for name in names or rig.names}
    return Frame(chosen, dict.fromkeys(chosen, 7), rig, stamp_ns=1234, fixed_from_ego=poses)


def assert_same_occupancy(first, second):
    np.testing.assert_array_equal(first.labels, second.labels)
    np.testing.assert_array_equal(first.observed, second.observed)


@pytest.fixture
def made_geometries(monkeypatch):
    """Return a list that grows with every geometry that is worked out."""
    made, build = [], RigGeometry.__init__

    def noted(self, cameras, config):
        made.append([camera.camera.name for camera in cameras])
        build(self, cameras, config)

    monkeypatch.setattr(RigGeometry, '__init__', noted)
    return made


def test_a_frame_becomes_occupancy_and_boxes(predictor, small_rig):
    occupancy, boxes = predictor(frame_of(small_rig))
    assert not predictor.is_trained
    assert occupancy.grid == predictor.config.voxel_grid() and occupancy.labels.dtype == np.uint8
    assert occupancy.class_names[occupancy.free_label] == 'free' and occupancy.confidence is None
    assert len(np.unique(occupancy.labels)) > 1
    assert 0.2 < occupancy.observed.mean() < 1.0
    assert boxes.class_names == predictor.config.boxes.class_names
    assert occupancy.stamp_ns == boxes.stamp_ns == 1234


def test_run_tells_what_each_step_took(predictor, small_rig):
    frame = frame_of(small_rig)
    timed = predictor.run(frame)
    assert list(timed.timings_ms) == ['preprocess', 'inference', 'postprocess']
    assert all(0 < duration_ms < 60_000 for duration_ms in timed.timings_ms.values())
    assert_same_occupancy(timed.prediction.occupancy, predictor(frame).occupancy)


def test_the_same_seed_draws_the_same_weights_and_leaves_torch_alone(tiny_model, small_rig):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    frame = frame_of(small_rig)
    first, again, other = (
        Predictor(tiny_model, seed=seed)(frame).occupancy.labels for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


@pytest.mark.parametrize('num_cameras', range(1, 9))
def test_one_to_eight_cameras_of_any_size_and_lens(predictor, small_rig, num_cameras):
    sizes = [(200, 112), (193, 121), (64, 48), (400, 60), (96, 32), (120, 300), (97, 97), (31, 17)]
    lenses = [('', ()), ('plumb_bob', (-0.2, 0.05, 0, 0, 0)), ('equidistant', (0.01, 0, 0, 0)),
              ('rational_polynomial', (0.1, 0, 0, 0, 0, 0.2, 0, 0))]
    cameras = []
    for n in range(num_cameras):
        model, distortion = lenses[n % 4]
        camera = small_rig.cameras[n % 6].resized(*sizes[n])
        cameras.append(replace(camera, name=f'cam{n}', distortion_model=model,
                               distortion=np.array(distortion, dtype=float)))
    occupancy, boxes = predictor(frame_of(CameraRig(tuple(cameras), 'cam0')))
    assert occupancy.observed.any() and boxes is not None


def test_a_dead_cameras_sector_is_not_observed(predictor, small_rig):
    everything = predictor(frame_of(small_rig)).occupancy.observed
    alive = [name for name in small_rig.names if name != 'CAM_BACK']
    observed = predictor(frame_of(small_rig, alive)).occupancy.observed
    grid = predictor.config.voxel_grid()
    behind, _ = grid.indices_of(np.array((-10.0, 0.0, 0.5)))
    ahead, _ = grid.indices_of(np.array((10.0, 0.0, 0.5)))
    assert everything[tuple(behind)] and not observed[tuple(behind)] and observed[tuple(ahead)]
    assert (observed <= everything).all()


def is_in_a_picture(point_m, rig, names, image):
    """Tell by plain projection whether a point falls on a pixel that the network was given."""
    for name in names:
        camera = rig[name]
        x, y, depth = camera.intrinsics @ (np.linalg.inv(camera.ego_from_camera)
                                           @ (*point_m, 1.0))[:3]
        first_row = Preprocessor(camera, image).first_row_px
        if depth > 0.1 and 0 <= x / depth <= camera.width_px - 1 and (
                first_row <= y / depth <= camera.height_px - 1):
            return True
    return False


def points_of(boxes, index):
    """List the corners of a box, the middles of its edges and sides, and its centre."""
    cosine, sine = np.cos(boxes.yaws_rad[index]), np.sin(boxes.yaws_rad[index])
    for shares in itertools.product((-0.5, 0.0, 0.5), repeat=3):
        x, y, z = shares * boxes.sizes_m[index]
        yield boxes.centers_m[index] + (cosine * x - sine * y, sine * x + cosine * y, z)


@pytest.mark.parametrize('dead', [('CAM_BACK',), ('CAM_FRONT', 'CAM_BACK_LEFT')])
def test_boxes_that_no_camera_sees_are_left_out(predictor, small_rig, monkeypatch, dead):
    found = []

    def noted(*arguments):
        found.append(decode_boxes(*arguments))
        return found[-1]
    monkeypatch.setattr('bdc_occ_ros.predictor.decode_boxes', noted)
    alive = [name for name in small_rig.names if name not in dead]
    kept = predictor(frame_of(small_rig, alive)).boxes
    expected = [index for index in range(len(found[0])) if any(
        is_in_a_picture(point_m, small_rig, alive, predictor.config.image)
        for point_m in points_of(found[0], index))]
    for name in ('centers_m', 'sizes_m', 'yaws_rad', 'velocities_mps', 'scores', 'labels'):
        np.testing.assert_array_equal(getattr(kept, name), getattr(found[0], name)[expected])
    assert 0 < len(expected) < len(found[0])


def test_the_key_camera_need_not_deliver(predictor, small_rig):
    others = [name for name in small_rig.names if name != small_rig.key_camera]
    poses = dict.fromkeys(small_rig.names, np.eye(4))
    occupancy, _ = predictor(frame_of(small_rig, others, poses=poses))
    assert occupancy.stamp_ns == 1234 and occupancy.observed.any()


def test_geometry_is_worked_out_once_per_calibration(tiny_model, small_rig, made_geometries):
    predictor = Predictor(tiny_model)
    for seed in range(3):
        predictor(frame_of(small_rig, seed=seed))
    equal_rig = small_rig.resized(200, 112)
    predictor(frame_of(equal_rig))
    assert made_geometries == [list(small_rig.names)]


def test_geometry_follows_a_changed_calibration(tiny_model, small_rig, made_geometries):
    predictor = Predictor(tiny_model)
    before = predictor(frame_of(small_rig)).occupancy
    turned = np.diag((-1.0, -1.0, 1.0, 1.0))  # the rig was mounted backwards
    changed = CameraRig(tuple(
        replace(camera, ego_from_camera=turned @ camera.ego_from_camera)
        for camera in small_rig.cameras), small_rig.key_camera)
    after = predictor(frame_of(changed)).occupancy
    np.testing.assert_array_equal(after.observed, before.observed[::-1, ::-1])
    assert (after.labels != before.labels).any()
    assert_same_occupancy(predictor(frame_of(small_rig)).occupancy, before)
    assert len(made_geometries) == 2


def test_old_calibrations_are_forgotten(tiny_model, small_rig, made_geometries):
    predictor = Predictor(tiny_model)
    camera = small_rig.cameras[0]
    for width_px in range(100, 140):
        predictor(frame_of(CameraRig((camera.resized(width_px, 64),), camera.name)))
    assert len(made_geometries) == 40
    assert len(predictor._geometries._cameras) == len(predictor._geometries._rigs) == 16


def test_standing_still_equals_no_poses(predictor, small_rig):
    somewhere = np.eye(4)
    somewhere[:3, 3] = 1000.0, -2000.0, 5.0
    poses = dict.fromkeys(small_rig.names, somewhere)
    assert_same_occupancy(predictor(frame_of(small_rig, poses=poses)).occupancy,
                          predictor(frame_of(small_rig)).occupancy)


def test_motion_is_relative_to_the_key_cameras_exposure(small_rig):
    poses = {}
    for n, name in enumerate(small_rig.names):
        poses[name] = np.eye(4)
        poses[name][0, 3] = 500_000.0 + 0.4 * n
    frame = frame_of(small_rig, ('CAM_BACK', 'CAM_FRONT_LEFT'), poses=poses)
    motion = key_ego_from_ego(frame)
    np.testing.assert_allclose(motion[:, 0, 3], (0.0, 1.6), atol=1e-9)  # FRONT_LEFT is the key
    assert key_ego_from_ego(frame_of(small_rig)) is None
    elsewhere = poses['CAM_FRONT_LEFT'].copy()
    elsewhere[0, 3] += 0.5
    motion = key_ego_from_ego(replace(frame, fixed_from_output=elsewhere))
    np.testing.assert_allclose(motion[:, 0, 3], (-0.5, 1.1), atol=1e-9)
    with pytest.raises(InvalidFrameError, match='give fixed_from_ego'):
        replace(frame_of(small_rig), fixed_from_output=elsewhere)


def test_weights_are_loaded_with_their_config(tiny_model, small_rig, tmp_path):
    torch.manual_seed(9)
    network = OccupancyNetwork(load_network_config(tiny_model))
    path = tmp_path / 'tiny.safetensors'
    save_checkpoint(path, Checkpoint(network.config, network.state_dict(), {}))
    predictor = Predictor(path)
    assert predictor.is_trained and predictor.config == network.config
    frame = frame_of(small_rig)
    same_weights = Predictor(network.config, seed=9)
    assert_same_occupancy(predictor(frame).occupancy, same_weights(frame).occupancy)


def test_either_head_is_optional(tiny_model, small_rig):
    config = load_network_config(tiny_model)
    occupancy, boxes = Predictor(replace(config, boxes=None))(frame_of(small_rig))
    assert boxes is None and occupancy is not None
    occupancy, boxes = Predictor(replace(config, occupancy=None))(frame_of(small_rig))
    assert occupancy is None and boxes is not None


def test_confidence_is_there_when_asked_for(tiny_model, small_rig):
    occupancy, _ = Predictor(tiny_model, with_confidence=True)(frame_of(small_rig))
    assert occupancy.confidence.shape == occupancy.grid.shape
    assert (1 / 18 <= occupancy.confidence).all() and (occupancy.confidence <= 1).all()


def test_warming_up_prepares_the_geometry(tiny_model, small_rig, made_geometries):
    predictor = Predictor(tiny_model)
    predictor.warm_up(small_rig)
    predictor(frame_of(small_rig))
    assert made_geometries == [list(small_rig.names)]


def test_the_nano_network_takes_jpegs_at_a_quarter(nuscenes_rig):
    config = load_network_config('bdc_occ_nano')
    predictor = Predictor(config)
    camera = nuscenes_rig.cameras[0]
    assert predictor.decode_reduction(camera) == 4
    assert camera.resized(400, 225).width_px >= config.image.width_px


def test_unknown_models_and_devices_are_refused_with_the_cure(tiny_model, tmp_path):
    with pytest.raises(InvalidConfigError, match='bdc_occ_nano'):
        Predictor('bdc_occ_mega')
    with pytest.raises(InvalidWeightsError, match='cannot be read'):
        Predictor(tmp_path / 'gone.safetensors')
    (tmp_path / 'weights.pth').write_bytes(b'PK\x03\x04' + bytes(100))
    with pytest.raises(InvalidWeightsError, match='pickle'):
        Predictor(tmp_path / 'weights.pth')
    with pytest.raises(UsageError, match="'tpu'"):
        Predictor(tiny_model, device='tpu')


def test_a_device_is_never_chosen_silently(tiny_model, caplog, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(UsageError, match='PyTorch finds none'):
        Predictor(tiny_model, device='cuda')
    with caplog.at_level(logging.INFO, logger='bdc_occ_ros'):
        assert Predictor(tiny_model, device='auto').device.type == 'cpu'
    assert 'device auto: cpu' in caplog.text
