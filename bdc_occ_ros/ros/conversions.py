# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Convert stamps, poses and transforms from and to messages; bad ones are refused by name."""

from dataclasses import dataclass
import math

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, Quaternion, TransformStamped
from nav_msgs.msg import Odometry
import numpy as np
from std_msgs.msg import Header

from bdc_occ_ros.errors import InvalidPoseError
from bdc_occ_ros.files import quoted
from bdc_occ_ros.geometry.rotations import matrix_from_quaternion, quaternion_from_matrix
from bdc_occ_ros.geometry.transforms import frame_name

NANOSECONDS = 1_000_000_000
# x right, y down, z forward, as seen from x forward, y left, z up (REP 103)
BODY_FROM_OPTICAL = np.array([
    [0.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])


def to_nanoseconds(stamp: Time) -> int:
    """Return a stamp as nanoseconds from its epoch."""
    return stamp.sec * NANOSECONDS + stamp.nanosec


def to_stamp(stamp_ns: int) -> Time:
    """
    Return nanoseconds as a stamp.

    :param stamp_ns: Nanoseconds from the epoch, before the year 2038.
    """
    sec, nanosec = divmod(stamp_ns, NANOSECONDS)
    return Time(sec=sec, nanosec=nanosec)


def make_header(stamp_ns: int, frame_id: str) -> Header:
    """Return a header."""
    return Header(stamp=to_stamp(stamp_ns), frame_id=frame_id)


def point_message(position_m: np.ndarray) -> Point:
    """Return a position."""
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


@dataclass(frozen=True, eq=False)
class StampedTransform:
    """
    Hold the pose of one frame in another.

    :param parent: Name of the frame that the matrix maps into.
    :param child: Name of the frame that it maps from.
    :param parent_from_child: Rigid transform, (4, 4) float64, metres.
    """

    parent: str
    child: str
    stamp_ns: int
    parent_from_child: np.ndarray


def _matrix(translation_m: tuple[float, float, float], rotation: Quaternion,
            where: str) -> np.ndarray:
    """Build a rigid transform; raise where the numbers cannot be one."""
    quaternion = (rotation.x, rotation.y, rotation.z, rotation.w)
    if not all(map(math.isfinite, (*translation_m, *quaternion))):
        raise InvalidPoseError(
            f'{where}: the numbers must be finite; got translation {translation_m}, rotation '
            f'{quaternion}. Has its publisher been initialised?')
    matrix = np.eye(4)
    try:
        matrix[:3, :3] = matrix_from_quaternion(np.array(quaternion))
    except InvalidPoseError as error:
        raise InvalidPoseError(f'{where}: {error}') from error
    matrix[:3, 3] = translation_m
    return matrix


def transform_from_message(message: TransformStamped) -> StampedTransform:
    """
    Read one transform.

    :param message: The message; a leading slash of a frame name is dropped.
    :raises InvalidPoseError: if numbers are not finite or the quaternion is not of unit length.
    """
    parent, child = frame_name(message.header.frame_id), frame_name(message.child_frame_id)
    position = message.transform.translation
    return StampedTransform(
        parent, child, to_nanoseconds(message.header.stamp),
        _matrix((position.x, position.y, position.z), message.transform.rotation,
                f'transform of {quoted(child)} in {quoted(parent)}'))


def transform_from_odometry(message: Odometry) -> StampedTransform:
    """
    Read the pose of an odometry message.

    :return: Parent is the odometry frame, child the vehicle's; an empty child means the base
        frame and is left to the caller.
    :raises InvalidPoseError: if numbers are not finite or the quaternion is not of unit length.
    """
    parent, child = frame_name(message.header.frame_id), frame_name(message.child_frame_id)
    pose = message.pose.pose
    return StampedTransform(
        parent, child, to_nanoseconds(message.header.stamp),
        _matrix((pose.position.x, pose.position.y, pose.position.z), pose.orientation,
                f'odometry pose of {quoted(child)} in {quoted(parent)}'))


def ego_from_optical(ego_from_frame: np.ndarray, convention: str) -> np.ndarray:
    """
    Return the mount of a camera with optical axes.

    :param ego_from_frame: Where the camera's TF frame is, (4, 4).
    :param convention: Axes of that frame: optical (z forward) or body (x forward).
    """
    return ego_from_frame @ BODY_FROM_OPTICAL if convention == 'body' else ego_from_frame
