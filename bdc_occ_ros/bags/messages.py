# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The messages that a rig's bag consists of, made without ROS."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from rosbags.typesys.store import Typestore

from bdc_occ_ros.bags.recorded_scan import CloudLayout
from bdc_occ_ros.geometry.camera_rig import Camera
from bdc_occ_ros.geometry.rotations import quaternion_from_matrix

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'
TF_MESSAGE = 'tf2_msgs/msg/TFMessage'
ODOMETRY = 'nav_msgs/msg/Odometry'
CLOUD = 'sensor_msgs/msg/PointCloud2'
FLOAT32 = 7
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


class Messages:
    """
    Makes messages of a type store.

    :param store: Where the types are.
    """

    def __init__(self, store: Typestore) -> None:
        self._types = store.types

    def header(self, stamp_ns: int, frame: str) -> Any:
        """
        Make a header.

        :param frame: Frame.
        """
        stamp = self._types['builtin_interfaces/msg/Time'](*divmod(stamp_ns, 10**9))
        return self._types['std_msgs/msg/Header'](stamp, frame)

    def transform(self, stamp_ns: int, parent: str, child: str, parent_from_child: np.ndarray
                  ) -> Any:
        """
        Make one entry of a TF message.

        :param parent: Frame.
        :param child: Frame below it.
        :param parent_from_child: Rigid transform, (4, 4), metres.
        """
        position, rotation = self._position_and_rotation(parent_from_child, 'Vector3')
        return self._types['geometry_msgs/msg/TransformStamped'](
            self.header(stamp_ns, parent), child,
            self._types['geometry_msgs/msg/Transform'](position, rotation))

    def tf(self, transforms: Sequence[Any]) -> Any:
        """Make a TF message."""
        return self._types[TF_MESSAGE](list(transforms))

    def odometry(self, stamp_ns: int, parent: str, child: str, parent_from_child: np.ndarray
                 ) -> Any:
        """
        Make an odometry message without twist.

        :param parent: Frame of the pose.
        :param child: Frame of the vehicle.
        :param parent_from_child: Pose, (4, 4), metres.
        """
        kinds = self._types
        pose = kinds['geometry_msgs/msg/Pose'](
            *self._position_and_rotation(parent_from_child, 'Point'))
        still = kinds['geometry_msgs/msg/Vector3'](0.0, 0.0, 0.0)
        return kinds[ODOMETRY](
            self.header(stamp_ns, parent), child,
            kinds['geometry_msgs/msg/PoseWithCovariance'](pose, np.zeros(36)),
            kinds['geometry_msgs/msg/TwistWithCovariance'](
                kinds['geometry_msgs/msg/Twist'](still, still), np.zeros(36)))

    def compressed_image(self, stamp_ns: int, frame: str, jpeg: bytes) -> Any:
        """
        Make a compressed image.

        :param frame: Frame.
        """
        return self._types[COMPRESSED_IMAGE](self.header(stamp_ns, frame), 'jpeg',
                                             np.frombuffer(jpeg, np.uint8))

    def image(self, stamp_ns: int, frame: str, pixels: np.ndarray, encoding: str) -> Any:
        """
        Make a raw image.

        :param frame: Frame.
        :param pixels: (H, W, 3) uint8 in the order of the encoding.
        :param encoding: What the message says that order is.
        """
        height, width = pixels.shape[:2]
        return self._types[IMAGE](self.header(stamp_ns, frame), height, width, encoding, 0,
                                  3 * width, np.ascontiguousarray(pixels).reshape(-1))

    def cloud(self, stamp_ns: int, frame: str, points: np.ndarray, layout: CloudLayout) -> Any:
        """
        Make a point cloud.

        :param frame: Frame.
        :param points: (N, C) float32, a column per field of the layout or more.
        :param layout: Where the fields are.
        """
        packed = np.zeros(len(points), np.dtype({
            'names': layout.names, 'formats': ['<f4'] * len(layout.names),
            'offsets': layout.offsets, 'itemsize': layout.step}))
        for name, column in zip(layout.names, points.T):
            packed[name] = column
        fields = [self._types['sensor_msgs/msg/PointField'](name, offset, FLOAT32, 1)
                  for name, offset in zip(layout.names, layout.offsets)]
        return self._types[CLOUD](
            self.header(stamp_ns, frame), 1, len(points), fields, False, layout.step,
            layout.step * len(points), packed.view(np.uint8), True)

    def camera_info(self, stamp_ns: int, frame: str, camera: Camera,
                    rectification: Sequence[float] = IDENTITY,
                    model_if_straight: str = 'plumb_bob', num_straight: int = 5) -> Any:
        """
        Make the intrinsics of a camera; the images are as distorted as the camera says.

        :param frame: Frame.
        :param rectification: What R says, 9 numbers.
        :param model_if_straight: What distortion_model says of a camera without distortion.
        :param num_straight: How many zeros D has then.
        """
        projection = np.hstack((camera.intrinsics, np.zeros((3, 1))))
        is_straight = not len(camera.distortion)
        return self._types[CAMERA_INFO](
            header=self.header(stamp_ns, frame), height=camera.height_px, width=camera.width_px,
            distortion_model=model_if_straight if is_straight else camera.distortion_model,
            d=np.zeros(num_straight) if is_straight else np.array(camera.distortion),
            k=camera.intrinsics.reshape(-1).copy(), r=np.array(rectification),
            p=projection.reshape(-1), binning_x=0, binning_y=0,
            roi=self._types['sensor_msgs/msg/RegionOfInterest'](0, 0, 0, 0, False))

    def _position_and_rotation(self, pose: np.ndarray, position_kind: str) -> tuple[Any, Any]:
        rotation = quaternion_from_matrix(pose[:3, :3]).tolist()
        return (self._types[f'geometry_msgs/msg/{position_kind}'](*pose[:3, 3].tolist()),
                self._types['geometry_msgs/msg/Quaternion'](*rotation))
