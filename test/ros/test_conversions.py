# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Transforms and poses of messages, there and back, and those that cannot be."""

import math

from geometry_msgs.msg import TransformStamped
from nav_msgs.msg import Odometry
import numpy as np
import pytest

from bdc_occ_ros.errors import InvalidPoseError
from bdc_occ_ros.ros.conversions import (
    ego_from_optical,
    make_header,
    pose_message,
    to_nanoseconds,
    to_stamp,
    transform_from_message,
    transform_from_odometry,
)

HALF = math.sqrt(0.5)


def message(parent='odom', child='base_link', **changes):
    """Return a quarter turn to the left at (1, 2, 3)."""
    result = TransformStamped(header=make_header(12_000_000_034, parent), child_frame_id=child)
    values = {'x': 0.0, 'y': 0.0, 'z': HALF, 'w': HALF} | changes
    for name, value in values.items():
        setattr(result.transform.rotation, name, value)
    translation = result.transform.translation
    translation.x, translation.y, translation.z = 1.0, 2.0, 3.0
    return result


def test_transform_is_read():
    stamped = transform_from_message(message())
    assert (stamped.parent, stamped.child, stamped.stamp_ns) == (
        'odom', 'base_link', 12_000_000_034)
    np.testing.assert_allclose(
        stamped.parent_from_child,
        [[0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]], atol=1e-12)


def test_leading_slashes_are_dropped():
    stamped = transform_from_message(message('/map', '/base_link'))
    assert (stamped.parent, stamped.child) == ('map', 'base_link')


@pytest.mark.parametrize('changes, match', [
    ({'w': float('nan')}, 'must be finite'), ({'x': float('inf')}, 'must be finite'),
    ({'z': 0.0, 'w': 0.0}, 'unit quaternion'), ({'w': 2.0}, 'unit quaternion')])
def test_rotations_that_are_none_name_the_frames(changes, match):
    with pytest.raises(InvalidPoseError, match=f"transform of 'base_link' in 'odom': .*{match}"):
        transform_from_message(message(**changes))


def test_translation_must_be_finite():
    bad = message()
    bad.transform.translation.y = float('nan')
    with pytest.raises(InvalidPoseError, match='translation .1.0, nan, 3.0'):
        transform_from_message(bad)


def test_odometry_is_read_as_a_pose():
    transform = message().transform
    odometry = Odometry(header=make_header(5, 'odom'), child_frame_id='base_link')
    odometry.pose.pose.orientation = transform.rotation
    odometry.pose.pose.position.x = 7.0
    stamped = transform_from_odometry(odometry)
    assert (stamped.parent, stamped.child, stamped.stamp_ns) == ('odom', 'base_link', 5)
    np.testing.assert_allclose(stamped.parent_from_child[:3, 3], (7, 0, 0))
    odometry.pose.pose.orientation.w = float('nan')
    with pytest.raises(InvalidPoseError, match='odometry pose'):
        transform_from_odometry(odometry)


def test_pose_message_and_back():
    expected = transform_from_message(message()).parent_from_child
    pose = pose_message(expected)
    odometry = Odometry()
    odometry.pose.pose = pose
    np.testing.assert_allclose(transform_from_odometry(odometry).parent_from_child, expected,
                               atol=1e-12)
    assert pose_message(None).orientation.w == 1.0


def test_body_convention_makes_x_the_viewing_direction():
    mount = np.eye(4)
    mount[:3, 3] = 1.0, 0.0, 1.5
    assert ego_from_optical(mount, 'optical') is mount
    ego_from_camera = ego_from_optical(mount, 'body')
    along_axis, right, below = (ego_from_camera @ point for point in (
        (0, 0, 10, 1), (2, 0, 0, 1), (0, 3, 0, 1)))
    np.testing.assert_array_equal(along_axis, (11, 0, 1.5, 1))
    np.testing.assert_array_equal(right, (1, -2, 1.5, 1))
    np.testing.assert_array_equal(below, (1, 0, -1.5, 1))


@pytest.mark.parametrize('stamp_ns', [0, 999_999_999, 1_000_000_000, 1_532_402_927_612_460_123])
def test_stamps_lose_nothing(stamp_ns):
    assert to_nanoseconds(to_stamp(stamp_ns)) == stamp_ns
