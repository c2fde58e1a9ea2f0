# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Structured arrays as PointCloud2, through sensor_msgs_py where it is installed."""

import array
from collections.abc import Sequence
import importlib.util
import sys

import numpy as np
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

_DATATYPES = {np.dtype(np.float32): PointField.FLOAT32, np.dtype(np.uint32): PointField.UINT32}


def build_cloud(header: Header, fields: Sequence[PointField], points: np.ndarray) -> PointCloud2:
    """
    Do what sensor_msgs_py.point_cloud2.create_cloud does with a structured array.

    :param header: Stamp and frame.
    :param fields: Description of the array's fields.
    :param points: Structured array, (N,), contiguous.
    :return: An unorganized cloud, byte for byte that of sensor_msgs_py.
    """
    cloud = PointCloud2(
        header=header, height=1, width=len(points), fields=list(fields), is_dense=False,
        is_bigendian=sys.byteorder == 'big', point_step=points.dtype.itemsize,
        row_step=points.dtype.itemsize * len(points))
    # rclpy takes an array('B') as it is; of anything else it checks every element
    data = array.array('B')
    data.frombytes(memoryview(points).cast('B'))
    cloud.data = data
    return cloud


if importlib.util.find_spec('sensor_msgs_py'):
    from sensor_msgs_py.point_cloud2 import create_cloud
else:
    create_cloud = build_cloud


def cloud_from_points(header: Header, points: np.ndarray) -> PointCloud2:
    """
    Make a cloud whose fields are those of a structured array.

    :param header: Stamp and frame.
    :param points: Structured array without gaps, (N,); fields are float32 or uint32.
    """
    fields = [PointField(name=name, offset=offset, datatype=_DATATYPES[dtype], count=1)
              for name, (dtype, offset) in points.dtype.fields.items()]
    return create_cloud(header, fields, points)
