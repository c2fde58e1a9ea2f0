# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Make ROS messages without ROS, and hold the message types that bags consist of."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from rosbags.typesys import get_types_from_msg, get_typestore, Stores
from rosbags.typesys.store import Typestore

from bdc_occ_ros.geometry.camera_rig import Camera
from bdc_occ_ros.geometry.rotations import quaternion_from_matrix
from bdc_occ_ros.share import share_path

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'
TF_MESSAGE = 'tf2_msgs/msg/TFMessage'
ODOMETRY = 'nav_msgs/msg/Odometry'
CLOUD = 'sensor_msgs/msg/PointCloud2'
FLOAT32 = 7
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@cache
def message_types() -> Typestore:
    """Return the types of Jazzy and those of vision_msgs, which the library lacks."""
    store = get_typestore(Stores.ROS2_JAZZY)
    for path in sorted(share_path('resource', 'interfaces', 'vision_msgs', 'msg').iterdir()):
        store.register(get_types_from_msg(path.read_text(), f'vision_msgs/msg/{path.stem}'))
    return store


def stamp_ns_of(header: Any) -> int:
    """Return the stamp of a header."""
    return header.stamp.sec * 10**9 + header.stamp.nanosec


def transform(stamp_ns: int, parent: str, child: str, parent_from_child: np.ndarray) -> Any:
    """
    Make one entry of a TF message.

    :param parent_from_child: Rigid transform, (4, 4), metres.
    """
    pose = _make('geometry_msgs/msg/Transform', *_components(parent_from_child, 'Vector3'))
    return _make('geometry_msgs/msg/TransformStamped', _header(stamp_ns, parent), child, pose)


def tf(transforms: Sequence[Any]) -> Any:
    """Make a TF message."""
    return _make(TF_MESSAGE, list(transforms))


def odometry(stamp_ns: int, parent: str, child: str, parent_from_child: np.ndarray) -> Any:
    """
    Make an odometry message without twist.

    :param parent_from_child: Pose of the vehicle, (4, 4), metres.
    """
    pose = _make('geometry_msgs/msg/Pose', *_components(parent_from_child, 'Point'))
    zero = _make('geometry_msgs/msg/Vector3', 0.0, 0.0, 0.0)
    twist = _make('geometry_msgs/msg/Twist', zero, zero)
    return _make(ODOMETRY, _header(stamp_ns, parent), child,
                 _make('geometry_msgs/msg/PoseWithCovariance', pose, np.zeros(36)),
                 _make('geometry_msgs/msg/TwistWithCovariance', twist, np.zeros(36)))


def compressed_image(stamp_ns: int, frame: str, jpeg: bytes) -> Any:
    """Make a compressed image."""
    return _make(COMPRESSED_IMAGE, _header(stamp_ns, frame), 'jpeg', np.frombuffer(jpeg, np.uint8))


def image(stamp_ns: int, frame: str, pixels: np.ndarray, encoding: str) -> Any:
    """
    Make a raw image.

    :param pixels: (H, W, 3) uint8 in the order of the encoding.
    """
    height, width = pixels.shape[:2]
    return _make(IMAGE, _header(stamp_ns, frame), height, width, encoding, 0, 3 * width,
                 np.ascontiguousarray(pixels).reshape(-1))


def cloud(stamp_ns: int, frame: str, points: np.ndarray, layout: np.dtype) -> Any:
    """
    Make a point cloud.

    :param points: (N, C) float32, a column per field of the layout or more.
    :param layout: Structured type of a point, all fields float32.
    """
    packed = np.zeros(len(points), layout)
    for name, column in zip(layout.names, points.T):
        packed[name] = column
    fields = [_make('sensor_msgs/msg/PointField', name, layout.fields[name][1], FLOAT32, 1)
              for name in layout.names]
    return _make(CLOUD, _header(stamp_ns, frame), 1, len(points), fields, False, layout.itemsize,
                 packed.nbytes, packed.view(np.uint8), True)


def camera_info(stamp_ns: int, frame: str, camera: Camera, rectification: Sequence[float],
                model_if_straight: str, num_straight: int) -> Any:
    """
    Make the intrinsics of a camera; the images are as distorted as the camera says.

    :param rectification: What R says, 9 numbers.
    :param model_if_straight: What distortion_model says of a camera without distortion.
    :param num_straight: How many zeros D has then.
    """
    projection = np.hstack((camera.intrinsics, np.zeros((3, 1))))
    is_straight = not len(camera.distortion)
    return _make(
        CAMERA_INFO, header=_header(stamp_ns, frame), height=camera.height_px,
        width=camera.width_px,
        distortion_model=model_if_straight if is_straight else camera.distortion_model,
        d=np.zeros(num_straight) if is_straight else np.array(camera.distortion),
        k=camera.intrinsics.reshape(-1).copy(), r=np.array(rectification),
        p=projection.reshape(-1), binning_x=0, binning_y=0,
        roi=_make('sensor_msgs/msg/RegionOfInterest', 0, 0, 0, 0, False))


def _make(msgtype: str, *values: Any, **named: Any) -> Any:
    return message_types().types[msgtype](*values, **named)


def _header(stamp_ns: int, frame: str) -> Any:
    stamp = _make('builtin_interfaces/msg/Time', *divmod(stamp_ns, 10**9))
    return _make('std_msgs/msg/Header', stamp, frame)


def _components(pose: np.ndarray, position_type: str) -> tuple[Any, Any]:
    """Return the position and the quaternion of a rigid transform as messages."""
    return (_make(f'geometry_msgs/msg/{position_type}', *pose[:3, 3].tolist()),
            _make('geometry_msgs/msg/Quaternion', *quaternion_from_matrix(pose[:3, :3]).tolist()))
