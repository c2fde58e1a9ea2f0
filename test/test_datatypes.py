# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Data types refuse what cannot be, and stay as they were made."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from bdc_occ_ros.datatypes import Boxes, Frame, Occupancy
from bdc_occ_ros.errors import (
    InvalidBoxesError,
    InvalidCalibrationError,
    InvalidFrameError,
    InvalidGridError,
    InvalidImageError,
    InvalidPoseError,
)
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig, rigid_transform
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

INTRINSICS = np.array(((100.0, 0, 50), (0, 110, 40), (0, 0, 1)))


def camera(name='CAM_FRONT', **changes):
    return replace(Camera(name, 100, 80, INTRINSICS, np.eye(4)), **changes)


def black(height_px=80, width_px=100):
    return np.zeros((height_px, width_px, 3), dtype=np.uint8)


@pytest.fixture
def rig():
    return CameraRig((camera('LEFT'), camera('RIGHT'), camera('BACK')), key_camera='LEFT')


@pytest.mark.parametrize('matrix', [
    np.diag((-1.0, 1, 1, 1)), np.diag((2.0, 2, 2, 1)), np.full((4, 4), np.nan), np.eye(3),
    np.diag((1.0, 1, 1, 2)), np.zeros((4, 4))])
def test_only_rigid_transforms_pass(matrix):
    with pytest.raises(InvalidPoseError, match='pose of the test'):
        rigid_transform(matrix, 'pose of the test')


@pytest.mark.parametrize(('changes', 'expected'), [
    ({'intrinsics': np.zeros((3, 3))}, 'last row'),
    ({'intrinsics': np.full((3, 3), np.nan)}, 'finite'),
    ({'intrinsics': np.diag((100.0, 100, 2))}, 'last row'),
    ({'intrinsics': np.eye(4)}, r'\(3, 3\)'),
    ({'width_px': 0}, 'size must be positive'),
    ({'distortion_model': 'fov', 'distortion': np.ones(4)}, 'unknown distortion model'),
    ({'distortion_model': 'equidistant', 'distortion': np.ones(5)}, 'takes'),
    ({'distortion': np.ones(5)}, 'no model'),
    ({'distortion_model': 'plumb_bob', 'distortion': np.full(5, np.inf)}, 'lie in .*; got inf'),
])
def test_an_impossible_camera_is_refused_by_name(changes, expected):
    with pytest.raises(InvalidCalibrationError, match=f'CAM_FRONT.*{expected}'):
        camera(**changes)


def test_a_camera_is_frozen_and_its_arrays_cannot_be_written():
    frozen = camera()
    with pytest.raises(FrozenInstanceError):
        frozen.width_px = 5
    for array in (frozen.intrinsics, frozen.ego_from_camera, frozen.distortion):
        with pytest.raises(ValueError, match='read-only'):
            array[...] = 0


def test_distortion_counts_when_a_coefficient_does():
    assert not camera(distortion_model='plumb_bob', distortion=np.zeros(5)).is_distorted
    assert camera(distortion_model='plumb_bob', distortion=np.eye(5)[1]).is_distorted
    assert not camera(distortion_model='equidistant', distortion=np.zeros(4)).is_distorted
    assert camera(distortion_model='equidistant', distortion=np.eye(4)[0]).is_distorted


def test_resizing_scales_the_intrinsics():
    half = camera().resized(50, 20)
    np.testing.assert_allclose(half.intrinsics, ((50, 0, 25), (0, 27.5, 10), (0, 0, 1)))
    assert (half.width_px, half.height_px) == (50, 20)


def test_the_fingerprint_tells_every_calibration_apart():
    other_mount = np.eye(4)
    other_mount[0, 3] = 1e-9
    variants = [camera(), camera('CAM_BACK'), camera().resized(50, 40),
                camera(ego_from_camera=other_mount), camera(width_px=101),
                camera(distortion_model='plumb_bob', distortion=np.full(4, 1e-9)),
                camera(intrinsics=INTRINSICS + np.diag((1e-9, 0, 0)))]
    assert len({variant.fingerprint for variant in variants}) == len(variants)
    assert camera().fingerprint == camera(intrinsics=INTRINSICS.copy()).fingerprint


def test_a_rig_has_one_to_eight_cameras_with_names_of_their_own(rig):
    nine = tuple(camera(f'CAM_{n}') for n in range(9))
    assert CameraRig(nine[:8], 'CAM_3').names == tuple(f'CAM_{n}' for n in range(8))
    for cameras, key, expected in (
            (nine, 'CAM_0', '1 to 8'), ((), 'CAM_0', '1 to 8'),
            ((camera(), camera()), 'CAM_FRONT', 'must differ'), (nine[:2], 'CAM_7', 'key camera')):
        with pytest.raises(InvalidCalibrationError, match=expected):
            CameraRig(cameras, key)
    with pytest.raises(InvalidCalibrationError, match='CAM_TOP'):
        rig['CAM_TOP']


def test_a_frame_orders_its_images_like_the_rig_and_names_the_missing(rig):
    frame = Frame({'BACK': black(), 'LEFT': black()}, {'LEFT': 5, 'BACK': 7}, rig, stamp_ns=5)
    assert list(frame.images) == ['LEFT', 'BACK'] and frame.missing == ('RIGHT',)
    with pytest.raises(TypeError):
        frame.images['RIGHT'] = black()
    with pytest.raises(ValueError, match='read-only'):
        frame.images['LEFT'][0, 0] = 1


@pytest.mark.parametrize(('images', 'stamps_ns', 'stamp_ns', 'error', 'expected'), [
    ({}, {}, 0, InvalidFrameError, 'needs images'),
    ({'TOP': black()}, {'TOP': 0}, 0, InvalidFrameError, 'TOP'),
    ({'LEFT': black()}, {}, 0, InvalidFrameError, 'needs a stamp'),
    ({'LEFT': black()}, {'LEFT': -1}, 0, InvalidFrameError, 'negative'),
    ({'LEFT': black()}, {'LEFT': 0}, -1, InvalidFrameError, 'negative'),
    ({'LEFT': black(81)}, {'LEFT': 0}, 0, InvalidImageError, 'LEFT.*81, 100'),
    ({'LEFT': black()[..., 0]}, {'LEFT': 0}, 0, InvalidImageError, 'LEFT'),
    ({'LEFT': black().astype(np.float32)}, {'LEFT': 0}, 0, InvalidImageError, 'float32'),
])
def test_a_frame_whose_parts_do_not_fit_is_refused(
        rig, images, stamps_ns, stamp_ns, error, expected):
    with pytest.raises(error, match=expected):
        Frame(images, stamps_ns, rig, stamp_ns)


def test_poses_are_needed_for_every_image_and_the_key_camera(rig):
    images, stamps_ns = {'BACK': black()}, {'BACK': 0}
    poses = {'BACK': np.eye(4), 'LEFT': np.eye(4)}
    assert set(Frame(images, stamps_ns, rig, 0, poses).fixed_from_ego) == {'BACK', 'LEFT'}
    with pytest.raises(InvalidFrameError, match='LEFT'):
        Frame(images, stamps_ns, rig, 0, {'BACK': np.eye(4)})
    with pytest.raises(InvalidPoseError, match='BACK'):
        Frame(images, stamps_ns, rig, 0, poses | {'BACK': np.diag((1.0, 1, -1, 1))})


def test_the_default_grid_is_that_of_occ3d():
    grid = VoxelGrid()
    np.testing.assert_allclose(grid.centers_m(np.array((0, 199, 15))), (-39.8, 39.8, 5.2))
    np.testing.assert_allclose(grid.upper_m, (40.0, 40.0, 5.4))


def test_cells_and_their_centres_belong_together():
    grid = VoxelGrid((-3.0, 1.0, 0.0), (0.5, 0.25, 1.0), (4, 3, 2))
    cells = np.indices(grid.shape).reshape(3, -1).T
    back, inside = grid.indices_of(grid.centers_m(cells))
    assert inside.all()
    np.testing.assert_array_equal(back, cells)
    outside = np.array(((-3.01, 1.1, 0.5), (-1.0, 1.1, 0.5), (-2.9, 1.76, 0.5), (-2.9, 1.1, -0.1)))
    assert not grid.indices_of(outside)[1].any()  # rounded down, not toward zero


@pytest.mark.parametrize('parts', [
    ((0, 0, np.nan), (1, 1, 1), (2, 2, 2)), ((0, 0, 0), (1, 0, 1), (2, 2, 2)),
    ((0, 0, 0), (1, 1, 1), (2, -2, 2))])
def test_an_impossible_grid_is_refused(parts):
    with pytest.raises(InvalidGridError):
        VoxelGrid(*parts)


def occupancy(**changes):
    values = {'labels': np.zeros((2, 3, 4), np.uint8), 'observed': np.ones((2, 3, 4), bool),
              'class_names': ('car', 'free'), 'free_label': 1, 'confidence': None} | changes
    return Occupancy(VoxelGrid((0, 0, 0), (1, 1, 1), (2, 3, 4)), stamp_ns=9, **values)


def test_occupied_is_what_is_seen_and_not_free():
    labels, observed = np.zeros((2, 3, 4), np.uint8), np.ones((2, 3, 4), bool)
    labels[0], observed[:, 0] = 1, False
    occupied = occupancy(labels=labels, observed=observed).occupied
    assert not occupied[0].any() and not occupied[:, 0].any() and occupied[1, 1:].all()


@pytest.mark.parametrize(('changes', 'expected'), [
    ({'labels': np.zeros((2, 3, 4), np.int64)}, 'labels'),
    ({'labels': np.zeros((3, 2, 4), np.uint8)}, 'labels'),
    ({'labels': np.full((2, 3, 4), 2, np.uint8)}, 'labels go up to 2'),
    ({'observed': np.ones((2, 3, 4), np.uint8)}, 'observed'),
    ({'free_label': 2}, 'free_label 2'),
    ({'confidence': np.ones((2, 3), np.float32)}, 'confidence'),
])
def test_occupancy_that_does_not_fit_its_grid_is_refused(changes, expected):
    with pytest.raises(InvalidGridError, match=expected):
        occupancy(**changes)


def test_a_cell_moves_to_where_the_other_frame_sees_it():
    grid = VoxelGrid((-2.0, -2.0, 0.0), (0.5, 0.5, 0.5), (8, 8, 2))
    labels, observed = np.full(grid.shape, 1, np.uint8), np.ones(grid.shape, bool)
    labels[6, 3, 1], observed[5, 3, 1] = 0, False  # at (1.25, -0.25, 0.75) and half a metre behind
    seen = Occupancy(grid, labels, observed, ('car', 'free'), 1, 9,
                     np.where(labels == 0, 0.9, 0.3).astype(np.float32))
    ahead = np.eye(4)
    ahead[0, 3] = 0.6  # more than a cell, less than a cell and a half
    moved = seen.resampled(ahead)
    assert np.argwhere(moved.labels == 0).tolist() == [[5, 3, 1]]
    assert not moved.observed[7].any() and np.argwhere(~moved.observed[:7]).tolist() == [[4, 3, 1]]
    assert moved.confidence[5, 3, 1] == np.float32(0.9) and (moved.confidence[7] == 0).all()
    left = np.eye(4)
    left[:2, :2] = [[0, -1], [1, 0]]  # turned left: what was ahead lies to the right
    assert np.argwhere(seen.resampled(left).labels == 0).tolist() == [[3, 1, 1]]
    back = moved.resampled(np.linalg.inv(ahead))
    assert np.array_equal(back.labels, labels) and not back.observed[0].any()
    assert np.array_equal(back.observed[1:], observed[1:])


def test_boxes_seen_from_elsewhere_are_where_they_were():
    boxes = Boxes(np.array([[10.0, 2, 1]]), np.array([[4.0, 2, 1.5]]), np.array([0.5]),
                  np.array([[3.0, np.nan]]), np.ones(1), np.zeros(1, np.int64), ('car',), 9)
    left = np.eye(4)
    left[:2, :2], left[:3, 3] = [[0, -1], [1, 0]], (1, 2, 0.5)
    seen = boxes.seen_from(left)
    assert np.allclose(seen.centers_m, [[1 - 2, 2 + 10, 1.5]])
    assert np.allclose(seen.yaws_rad, 0.5 + np.pi / 2)
    assert np.array_equal(seen.sizes_m, boxes.sizes_m)
    assert np.isnan(seen.velocities_mps).all()  # half a velocity has no direction
    again = replace(boxes, velocities_mps=np.array([[3.0, 4]])).seen_from(left)
    assert np.allclose(again.velocities_mps, [[-4, 3]])
    assert np.allclose(again.seen_from(np.linalg.inv(left)).centers_m, boxes.centers_m)
    with pytest.raises(InvalidPoseError, match='other_from_own'):
        boxes.seen_from(np.diag((1.0, 1, -1, 1)))


def test_a_standing_vehicle_changes_nothing():
    pose = np.eye(4)
    pose[:2, :2], pose[:3, 3] = [[0.6, -0.8], [0.8, 0.6]], (1234.5, -987.6, 0.3)
    labels = np.random.default_rng(3).integers(0, 2, VoxelGrid().shape, np.uint8)
    still = Occupancy(VoxelGrid(), labels, labels == 0, ('car', 'free'), 1, 9)
    moved = still.resampled(np.linalg.inv(pose) @ pose)
    assert np.array_equal(moved.labels, labels) and np.array_equal(moved.observed, labels == 0)
    with pytest.raises(InvalidPoseError, match='own_from_other'):
        still.resampled(np.diag((1.0, 1, -1, 1)))


def boxes(**changes):
    values = {'centers_m': np.zeros((2, 3)), 'sizes_m': np.ones((2, 3)), 'yaws_rad': np.zeros(2),
              'velocities_mps': np.zeros((2, 2)), 'scores': np.array((0.5, 1.0)),
              'labels': np.array((0, 1)), 'class_names': ('car', 'bus'), 'stamp_ns': 0} | changes
    return Boxes(**values)


def test_boxes_have_a_length_and_may_have_unknown_velocities():
    assert len(boxes(velocities_mps=np.full((2, 2), np.nan))) == 2


@pytest.mark.parametrize(('changes', 'expected'), [
    ({'centers_m': np.zeros((3, 3))}, 'centers_m must be'),
    ({'centers_m': np.full((2, 3), np.nan)}, 'centers_m must be finite'),
    ({'sizes_m': np.zeros((2, 3))}, 'positive'),
    ({'scores': np.array((0.5, 1.5))}, '0 to 1'),
    ({'labels': np.array((0, 2))}, 'labels must index'),
    ({'labels': np.array((-1, 0))}, 'labels must index'),
])
def test_impossible_boxes_are_refused(changes, expected):
    with pytest.raises(InvalidBoxesError, match=expected):
        boxes(**changes)
