# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""CameraInfo as drivers and bags really fill it."""

import numpy as np
import pytest

from bdc_occ_ros.bags.messages import CAMERA_INFO, message_types
from bdc_occ_ros.errors import InvalidCalibrationError
from bdc_occ_ros.geometry.camera_info import camera_from_info, camera_info_remarks
from bdc_occ_ros.geometry.camera_rig import DISTORTION_LENGTHS

TYPES = message_types().types

K = [1000.0, 0.0, 800.0, 0.0, 1010.0, 450.0, 0.0, 0.0, 1.0]
P = [900.0, 0.0, 780.0, -50.0, 0.0, 905.0, 440.0, 0.0, 0.0, 0.0, 1.0, 0.0]
D = [-0.3, 0.1, 0.001, -0.002, 0.0]
IDENTITY = np.eye(3).reshape(-1).tolist()
MALFORMED_R = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0]
TILT = [1.0, 0.0, 0.0, 0.0, 0.8, -0.6, 0.0, 0.6, 0.8]
MOUNT = np.array([[0.0, 0.0, 1.0, 1.5], [-1.0, 0.0, 0.0, 0.2], [0.0, -1.0, 0.0, 1.6],
                  [0.0, 0.0, 0.0, 1.0]])


def info(**changes):
    fields = {'width': 1600, 'height': 900, 'k': K, 'p': P, 'd': D, 'r': IDENTITY,
              'distortion_model': 'plumb_bob', 'header': None, 'binning_x': 0, 'binning_y': 0,
              'roi': region()}
    return TYPES[CAMERA_INFO](**(fields | changes))


def region(x=0, y=0, width=0, height=0):
    return TYPES['sensor_msgs/msg/RegionOfInterest'](x, y, height, width, False)


def camera(rectified=False, undistort=True, **changes):
    return camera_from_info(info(**changes), 'CAM_LEFT', MOUNT, rectified, undistort)


def test_raw_images_take_k_and_d():
    result = camera()
    np.testing.assert_array_equal(result.intrinsics, np.reshape(K, (3, 3)))
    np.testing.assert_array_equal(result.distortion, D)
    assert (result.width_px, result.height_px, result.distortion_model) == (1600, 900, 'plumb_bob')
    np.testing.assert_array_equal(result.ego_from_camera, MOUNT)


def test_undistortion_can_be_left_out():
    result = camera(undistort=False)
    assert not result.is_distorted and result.distortion_model == ''


def test_rectified_images_take_p_without_distortion():
    result = camera(rectified=True)
    np.testing.assert_array_equal(result.intrinsics, np.reshape(P, (3, 4))[:, :3])
    assert not result.is_distorted


def test_rectified_with_zero_p_takes_k():
    result = camera(rectified=True, p=[0.0] * 12)
    np.testing.assert_array_equal(result.intrinsics, np.reshape(K, (3, 3)))
    assert not result.is_distorted
    assert 'P is zero' in camera_info_remarks(info(p=[0.0] * 12), rectified=True)[0]


def test_rotation_turns_the_mount_of_rectified_images_only():
    np.testing.assert_array_equal(camera(r=TILT).ego_from_camera, MOUNT)
    turned = camera(rectified=True, r=TILT).ego_from_camera
    ray = np.array((0.1, -0.2, 1.0))  # in the camera before rectification
    rectified_ray = np.reshape(TILT, (3, 3)) @ ray
    np.testing.assert_allclose(turned[:3, :3] @ rectified_ray, MOUNT[:3, :3] @ ray, atol=1e-12)
    np.testing.assert_array_equal(turned[:3, 3], MOUNT[:3, 3])


@pytest.mark.parametrize('broken', [MALFORMED_R, [0.0] * 9, [float('nan')] * 9,
                                    (-np.eye(3)).reshape(-1).tolist()])
@pytest.mark.parametrize('rectified', [False, True])
def test_r_that_is_no_rotation_is_ignored_and_remarked(broken, rectified):
    np.testing.assert_array_equal(
        camera(rectified=rectified, r=broken).ego_from_camera, MOUNT)
    remarks = camera_info_remarks(info(r=broken), rectified)
    if rectified or any(broken):
        assert 'R is no rotation' in remarks[0]
    else:
        assert remarks == ()  # raw images need no R
    assert camera_info_remarks(info()) == ()


@pytest.mark.parametrize('model, coefficients', [
    ('', []), ('plumb_bob', []), ('plumb_bob', [0.0] * 5), ('my_lens', []), ('my_lens', [0.0]),
    ('equidistant', [0.0] * 4), ('rational_polynomial', [0.0] * 14)])
def test_no_distortion_where_d_is_empty_or_zero(model, coefficients):
    result = camera(distortion_model=model, d=coefficients)
    assert not result.is_distorted and result.distortion_model == ''


@pytest.mark.parametrize('model, count', [('rational_polynomial', 8), ('equidistant', 4)])
def test_other_models_pass_through(model, count):
    result = camera(distortion_model=model, d=[0.01] * count)
    assert result.distortion_model == model and len(result.distortion) == count


@pytest.mark.parametrize('model, given, used', [
    ('plumb_bob', 8, 5), ('plumb_bob', 5, 5), ('plumb_bob', 14, 4), ('equidistant', 8, 4),
    ('rational_polynomial', 14, 8), ('rational_polynomial', 14, 12), ('rational_polynomial', 9, 8),
])
def test_zeros_at_the_end_say_nothing(model, given, used):
    numbers = [0.01] * used + [0.0] * (given - used)
    result = camera(distortion_model=model, d=numbers)
    assert result.distortion_model == model
    assert len(result.distortion) in DISTORTION_LENGTHS[model]
    np.testing.assert_array_equal(np.trim_zeros(result.distortion, 'b'), numbers[:used])


def test_region_moves_and_binning_divides():
    result = camera(roi=region(200, 100, 800, 600), binning_x=2, binning_y=3)
    assert (result.width_px, result.height_px) == (400, 200)
    np.testing.assert_allclose(result.intrinsics, [
        [500.0, 0.0, 300.0], [0.0, 1010.0 / 3, 350.0 / 3], [0.0, 0.0, 1.0]])


def test_a_mount_far_off_the_vehicle_is_refused():
    far = MOUNT.copy()
    far[0, 3] = 150.0
    with pytest.raises(InvalidCalibrationError, match='CAM_LEFT: mount in metres .*; got 150'):
        camera_from_info(info(), 'CAM_LEFT', far)


def test_binning_of_zero_means_one():
    np.testing.assert_array_equal(camera(binning_x=0, binning_y=1).intrinsics,
                                  np.reshape(K, (3, 3)))


@pytest.mark.parametrize('changes, match', [
    ({'k': [0.0] * 9}, 'last row 0 0 1'),
    ({'k': [float('nan'), *K[1:]]}, 'finite'),
    ({'k': [0.0, *K[1:]]}, 'focal length fx must lie in'),
    ({'k': [*K[:8], 0.0]}, 'last row 0 0 1'),
    ({'width': 0, 'height': 0}, 'size must be positive.* claims 0x0'),
    ({'d': [float('inf')] * 5}, 'distortion must lie in .*; got inf'),
    ({'d': [0.1, 0.2]}, 'takes .* coefficients; got 2'),
    ({'d': [0.1] * 8}, 'plumb_bob takes .4, 5. coefficients; got 8'),
    ({'d': [0.1] * 4, 'distortion_model': ''}, 'no model takes no coefficients; got 4'),
    ({'d': [1e6] * 5}, 'distortion must lie in -100000 to 100000'),
    ({'k': [*K[:5], 1.7e308, 0.0, 0.0, 1.0]}, 'principal point cy must lie in -16000 to 16000'),
    ({'k': [1.0, *K[1:]]}, 'focal length fx must lie in 16 to 160000'),
    ({'k': [*K[:4], 1e9, *K[5:]]}, 'focal length fy must lie in'),
    ({'k': [K[0], 300.0, *K[2:]]}, 'skew must lie in -100 to 100'),
    ({'k': [*K[:3], 5.0, *K[4:]]}, 'zeros below the diagonal'),
    ({'width': 40000, 'height': 16}, 'sides up to 16384, .*; this one claims 40000x16'),
    ({'distortion_model': 'my_lens'}, "unknown distortion model 'my_lens'"),
    ({'roi': region(1000, 0, 800, 600)}, 'region of interest'),
    ({'binning_x': 2000}, 'size must be positive'),
])
def test_impossible_calibrations_name_the_camera(changes, match):
    with pytest.raises(InvalidCalibrationError, match=f'CAM_LEFT.*{match}'):
        camera(**changes)
