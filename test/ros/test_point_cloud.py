# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The own builder of clouds against sensor_msgs_py and against hand-made bytes."""

import array
import struct

import numpy as np
import pytest
from rclpy.serialization import serialize_message
from sensor_msgs.msg import PointField

from bdc_occ_ros.ros.conversions import make_header
from bdc_occ_ros.ros.occupancy_to_messages import cloud_from_points

DTYPE = [('x', np.float32), ('y', np.float32), ('z', np.float32), ('label', np.uint32)]
HEADER = make_header(1_500_000_007, 'base_link')


def random_points(count):
    rng = np.random.default_rng(count)
    points = np.empty(count, DTYPE)
    for name in 'xyz':
        points[name] = rng.normal(size=count)
    points['label'] = rng.integers(0, 2 ** 32, count)
    return points


def test_bytes_are_those_of_the_values():
    points = np.array([(1.0, -2.0, 0.5, 7), (3.0, 4.0, 5.0, 2 ** 31)], DTYPE)
    cloud = cloud_from_points(HEADER, points)
    assert cloud.data.tobytes() == struct.pack('<fffIfffI', 1, -2, 0.5, 7, 3, 4, 5, 2 ** 31)
    assert (cloud.height, cloud.width, cloud.point_step, cloud.row_step) == (1, 2, 16, 32)
    assert not cloud.is_bigendian
    assert [(f.name, f.offset, f.datatype, f.count) for f in cloud.fields] == [
        ('x', 0, PointField.FLOAT32, 1), ('y', 4, PointField.FLOAT32, 1),
        ('z', 8, PointField.FLOAT32, 1), ('label', 12, PointField.UINT32, 1)]
    assert (cloud.header.stamp.sec, cloud.header.stamp.nanosec) == (1, 500_000_007)
    assert cloud.header.frame_id == 'base_link'


def test_data_take_the_fast_path():
    data = cloud_from_points(HEADER, random_points(3)).data
    assert isinstance(data, array.array) and data.typecode == 'B'


def test_nothing_gives_a_valid_empty_cloud():
    cloud = cloud_from_points(HEADER, random_points(0))
    assert (cloud.width, cloud.height, cloud.point_step, len(cloud.data)) == (0, 1, 16, 0)
    assert serialize_message(cloud)


@pytest.mark.parametrize('count', [0, 1, 1000])
def test_equals_sensor_msgs_py_byte_for_byte(count):
    theirs = pytest.importorskip(
        'sensor_msgs_py.point_cloud2', reason='sensor_msgs_py is not installed')
    points = random_points(count)
    ours = cloud_from_points(HEADER, points)
    expected = theirs.create_cloud(HEADER, ours.fields, points)
    assert ours.data.tobytes() == expected.data.tobytes()
    assert ours == expected  # every field; serialized bytes differ in CDR padding, which is random
    np.testing.assert_array_equal(theirs.read_points(ours), points)
