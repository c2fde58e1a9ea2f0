# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The transform tree against transforms worked out by hand."""

import threading

import numpy as np
import pytest

from bdc_occ_ros.errors import InvalidPoseError, InvalidTransformError, TransformUnavailableError
from bdc_occ_ros.geometry.transforms import interpolate_rigid, MAX_FRAMES, TransformTree

SECOND = 1_000_000_000


def pose(x_m=0.0, y_m=0.0, yaw_rad=0.0):
    """Return a rigid transform in the plane."""
    result = np.eye(4)
    result[:2, :2] = [[np.cos(yaw_rad), -np.sin(yaw_rad)], [np.sin(yaw_rad), np.cos(yaw_rad)]]
    result[:2, 3] = x_m, y_m
    return result


@pytest.fixture
def driving():
    """Hold a vehicle that drives 10 m/s along x of the map, with a camera 2 m ahead of it."""
    tree = TransformTree()
    for second in range(5):
        tree.set_transform('odom', 'base_link', second * SECOND, pose(x_m=10.0 * second))
        tree.set_transform('map', 'odom', second * SECOND, pose())
    tree.set_transform('base_link', 'CAM_FRONT', 0, pose(x_m=2.0), static=True)
    tree.set_transform('base_link', 'CAM_BACK', 0, pose(x_m=-1.0, yaw_rad=np.pi), static=True)
    return tree


def test_a_chain_maps_the_source_into_the_target(driving):
    map_from_camera = driving.lookup('map', 'CAM_FRONT', 2 * SECOND)
    np.testing.assert_allclose(map_from_camera, pose(x_m=22.0), atol=1e-12)
    np.testing.assert_allclose(
        driving.lookup('CAM_FRONT', 'map', 2 * SECOND), pose(x_m=-22.0), atol=1e-12)


def test_two_cameras_meet_at_their_common_ancestor(driving):
    front_from_back = driving.lookup('CAM_FRONT', 'CAM_BACK')
    np.testing.assert_allclose(front_from_back, pose(x_m=-3.0, yaw_rad=np.pi), atol=1e-12)


def test_a_frame_to_itself_is_the_identity_at_any_time(driving):
    np.testing.assert_array_equal(driving.lookup('base_link', 'base_link', 99 * SECOND), np.eye(4))


def test_between_two_stamps_it_interpolates_place_and_heading():
    tree = TransformTree()
    tree.set_transform('odom', 'base_link', 1 * SECOND, pose(0.0, 0.0, np.radians(170)))
    tree.set_transform('odom', 'base_link', 2 * SECOND, pose(4.0, 2.0, np.radians(-170)))
    quarter = tree.lookup('odom', 'base_link', SECOND + SECOND // 4)
    np.testing.assert_allclose(quarter, pose(1.0, 0.5, np.radians(175)), atol=1e-9)


def test_interpolation_turns_at_constant_speed_about_any_axis():
    axis = np.array([1.0, -2.0, 0.5])
    axis /= np.linalg.norm(axis)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])

    def about_axis(angle_rad):
        result = np.eye(4)
        result[:3, :3] += np.sin(angle_rad) * cross + (1 - np.cos(angle_rad)) * cross @ cross
        return result

    for fraction in (0.0, 0.1, 0.5, 1.0):
        np.testing.assert_allclose(
            interpolate_rigid(about_axis(0.4), about_axis(2.9), fraction),
            about_axis(0.4 + 2.5 * fraction), atol=1e-9)


@pytest.mark.parametrize('stamp_ns', [-1, 4 * SECOND + 1])
def test_it_never_extrapolates_and_says_what_it_knows(driving, stamp_ns):
    with pytest.raises(TransformUnavailableError) as caught:
        driving.lookup('map', 'CAM_FRONT', stamp_ns)
    message = str(caught.value)
    for part in ('map', 'CAM_FRONT', 'odom from base_link', f'{stamp_ns / 1e9:.6f} s',
                 '0.000000 s', '4.000000 s'):
        assert part in message


def test_a_single_sample_serves_its_own_stamp_only():
    tree = TransformTree()
    tree.set_transform('odom', 'base_link', SECOND, pose(1.0))
    np.testing.assert_array_equal(tree.lookup('odom', 'base_link', SECOND), pose(1.0))
    with pytest.raises(TransformUnavailableError):
        tree.lookup('odom', 'base_link', SECOND + 1)


def test_the_latest_time_is_one_that_every_moving_frame_has_reached(driving):
    driving.set_transform('odom', 'base_link', 5 * SECOND, pose(x_m=50.0))
    np.testing.assert_allclose(driving.lookup('map', 'base_link'), pose(x_m=40.0), atol=1e-12)
    np.testing.assert_allclose(driving.lookup('odom', 'base_link'), pose(x_m=50.0), atol=1e-12)


def test_a_static_frame_holds_at_all_times(driving):
    for stamp_ns in (0, 1_700_000_000 * SECOND, None):
        np.testing.assert_array_equal(
            driving.lookup('base_link', 'CAM_FRONT', stamp_ns), pose(x_m=2.0))


def test_unknown_and_unconnected_frames_are_named(driving):
    driving.set_transform('lidar_map', 'lidar', 0, pose(), static=True)
    with pytest.raises(TransformUnavailableError, match='CAM_TOP'):
        driving.lookup('base_link', 'CAM_TOP')
    with pytest.raises(TransformUnavailableError, match='lidar from lidar_map'):
        driving.lookup('base_link', 'lidar')


def test_history_is_bounded_and_late_stamps_are_told(driving):
    tree = TransformTree(history_s=2.0)
    for second in range(100):
        assert tree.set_transform('odom', 'base_link', second * SECOND, pose(x_m=float(second)))
    assert not tree.set_transform('odom', 'base_link', 90 * SECOND, pose())
    np.testing.assert_array_equal(tree.lookup('odom', 'base_link', 97 * SECOND), pose(x_m=97.0))
    with pytest.raises(TransformUnavailableError, match='97.000000 s to 99.000000 s'):
        tree.lookup('odom', 'base_link', 96 * SECOND)


def test_stamps_may_arrive_out_of_order_and_repeat():
    tree = TransformTree()
    for second, x_m in ((3, 3.0), (1, 1.0), (2, 7.0), (2, 2.0)):
        tree.set_transform('odom', 'base_link', second * SECOND, pose(x_m=x_m))
    for second in (1.0, 1.5, 2.0, 2.5, 3.0):
        np.testing.assert_allclose(
            tree.lookup('odom', 'base_link', int(second * SECOND)), pose(x_m=second), atol=1e-12)


def test_a_new_parent_forgets_the_former_one(driving):
    driving.set_transform('trailer', 'CAM_BACK', 0, pose(x_m=-8.0), static=True)
    np.testing.assert_array_equal(driving.lookup('trailer', 'CAM_BACK'), pose(x_m=-8.0))
    with pytest.raises(TransformUnavailableError):
        driving.lookup('base_link', 'CAM_BACK')


def test_a_static_frame_can_become_a_moving_one(driving):
    driving.set_transform('base_link', 'CAM_FRONT', 2 * SECOND, pose(x_m=3.0))
    np.testing.assert_array_equal(
        driving.lookup('base_link', 'CAM_FRONT', 2 * SECOND), pose(x_m=3.0))
    with pytest.raises(TransformUnavailableError):
        driving.lookup('base_link', 'CAM_FRONT', SECOND)


def test_loops_are_refused_and_change_nothing(driving):
    with pytest.raises(InvalidTransformError, match='map cannot have the parent CAM_FRONT'):
        driving.set_transform('CAM_FRONT', 'map', 0, pose())
    np.testing.assert_allclose(driving.lookup('map', 'base_link', SECOND), pose(10.0), atol=1e-12)


def test_bad_input_is_refused():
    tree = TransformTree()
    for names in (('', 'a'), ('a', ''), ('/', 'a'), ('a', 'a'), ('a', '/a'), ('a', 'b' * 300)):
        with pytest.raises(InvalidTransformError, match='two different frame names'):
            tree.set_transform(*names, 0, pose())
    with pytest.raises(InvalidPoseError, match='numbers up to 1e'):
        tree.set_transform('odom', 'base_link', 0, pose(1e300))
    mirrored = np.diag((-1.0, 1.0, 1.0, 1.0))
    with pytest.raises(InvalidPoseError, match='odom from base_link'):
        tree.set_transform('odom', 'base_link', 0, mirrored)
    assert tree.frames() == ()


def test_a_leading_slash_says_nothing():
    tree = TransformTree()
    tree.set_transform('/base_link', 'front', 0, pose(1.0), static=True)
    assert tree.lookup('base_link', '/front')[0, 3] == 1.0


def test_ever_new_frames_find_no_more_room_and_messages_stay_short():
    tree = TransformTree()
    for number in range(MAX_FRAMES):
        tree.set_transform('base_link', f'frame_{number}', 0, pose(), static=True)
    with pytest.raises(InvalidTransformError, match='one frame too many'):
        tree.set_transform('base_link', 'another', 0, pose(), static=True)
    tree.set_transform('base_link', 'frame_7', 0, pose(2.0), static=True)  # a known one moves
    assert tree.lookup('base_link', 'frame_7')[0, 3] == 2.0
    with pytest.raises(TransformUnavailableError) as caught:
        tree.lookup('base_link', 'elsewhere')
    assert len(str(caught.value)) < 500


def test_a_stored_transform_does_not_follow_the_callers_array():
    tree, matrix = TransformTree(), pose(x_m=1.0)
    tree.set_transform('odom', 'base_link', 0, matrix, static=True)
    matrix[0, 3] = 5.0
    assert tree.lookup('odom', 'base_link')[0, 3] == 1.0


def test_clear_keeps_the_static_frames(driving):
    driving.clear()
    assert driving.frames() == ('CAM_BACK', 'CAM_FRONT', 'base_link')
    with pytest.raises(TransformUnavailableError):
        driving.lookup('odom', 'base_link')


def test_readers_and_writers_may_run_at_once():
    tree, failures = TransformTree(history_s=1e-6), []
    tree.set_transform('odom', 'base_link', 0, pose())

    def read():
        for _ in range(2000):
            matrix = tree.lookup('odom', 'base_link')
            if matrix[0, 3] != -matrix[1, 3]:
                failures.append(matrix)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for count in range(4000):
        tree.set_transform('odom', 'base_link', count, pose(float(count), -float(count)))
    for reader in readers:
        reader.join()
    assert not failures
