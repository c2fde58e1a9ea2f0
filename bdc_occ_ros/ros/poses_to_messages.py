# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rigid transforms as messages."""

from geometry_msgs.msg import Point, Pose, Quaternion
import numpy as np

from bdc_occ_ros.geometry.rotations import quaternion_from_matrix


def point_message(position_m: np.ndarray) -> Point:
    """
    Return a position.

    :param position_m: x, y, z in metres.
    """
    x, y, z = map(float, position_m)
    return Point(x=x, y=y, z=z)


def pose_message(transform: np.ndarray | None) -> Pose:
    """
    Return a pose.

    :param transform: Rigid transform, (4, 4) metres; None is the identity.
    """
    if transform is None:
        return Pose()
    x, y, z, w = map(float, quaternion_from_matrix(transform[:3, :3]))
    return Pose(position=point_message(transform[:3, 3]),
                orientation=Quaternion(x=x, y=y, z=z, w=w))
