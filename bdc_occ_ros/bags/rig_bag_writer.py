# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes what a camera rig records: images, calibration and the pose at every exposure."""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from rosbags.interfaces import Connection
from rosbags.interfaces import Qos
from rosbags.interfaces import QosDurability
from rosbags.interfaces import QosHistory
from rosbags.interfaces import QosLiveliness
from rosbags.interfaces import QosReliability
from rosbags.interfaces import QosTime
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer

from bdc_occ_ros.bags import BASE_FRAME
from bdc_occ_ros.bags import CALIBRATION_FILE
from bdc_occ_ros.bags import ODOM_FRAME
from bdc_occ_ros.bags.message_types import message_types
from bdc_occ_ros.calibration_file import save_calibration
from bdc_occ_ros.camera_rig import Camera
from bdc_occ_ros.camera_rig import CameraRig
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.rotations import quaternion_from_matrix

VERSION_OF_HUMBLE = 8
LEAD_IN_NS = 500_000_000
CALIBRATION_SOURCES = ('tf', 'file')


def qos(depth: int, durability: QosDurability = QosDurability.VOLATILE) -> Qos:
    """
    Return a reliable keep-last profile in the terms of a bag.

    :param depth: How many messages a publisher keeps.
    :param durability: Whether late subscribers get them.
    """
    unlimited = QosTime(9223372036, 854775807)
    return Qos(QosHistory.KEEP_LAST, depth, QosReliability.RELIABLE, durability, unlimited,
               unlimited, QosLiveliness.AUTOMATIC, unlimited, False)


@dataclass(frozen=True)
class BagSummary:
    """
    What was written.

    :param path: The bag.
    :param num_sets: Sets of images.
    :param num_images: Images.
    :param num_truths: Sets with right answers.
    :param duration_s: From the first exposure to the last.
    """

    path: str
    num_sets: int
    num_images: int
    num_truths: int
    duration_s: float


class RigBagWriter:
    """
    A bag that is being written; use it in a with statement.

    Messages must come in the order of their stamps, poses before the images they belong to.

    :param path: Folder to create.
    :param rig: Calibration of the cameras.
    :param calibration: 'tf' writes camera_info and /tf_static into the bag, 'file' writes
        calibration.yaml beside it instead.
    :param start_ns: Stamp of the first exposure; calibration is recorded a little earlier, as
        it would be on a running vehicle.
    :raises UsageError: if the folder exists already or cannot be made.
    """

    def __init__(self, path: str | Path, rig: CameraRig, *, calibration: str, start_ns: int
                 ) -> None:
        self.path = Path(path)
        if self.path.exists():
            raise UsageError(f'{path} exists already; choose another name or remove it')
        self._rig = rig
        self._in_bag = calibration == 'tf'
        self._start_ns = start_ns - LEAD_IN_NS
        self._store = message_types()
        self._writer = Writer(self.path, version=VERSION_OF_HUMBLE,
                              storage_plugin=StoragePlugin.MCAP)
        self._connections: dict[str, Connection] = {}

    def __enter__(self) -> 'RigBagWriter':
        try:
            self._writer.open()
        except OSError as error:
            raise UsageError(f'{self.path} cannot be written: {error}') from error
        for camera in self._rig.cameras:
            self._connect(f'/camera/{camera.name}/image/compressed',
                          'sensor_msgs/msg/CompressedImage', qos(10))
        self._connect('/tf', 'tf2_msgs/msg/TFMessage', qos(100))
        if not self._in_bag:
            save_calibration(self._rig, self.path / CALIBRATION_FILE)
            return self
        self._connect('/tf_static', 'tf2_msgs/msg/TFMessage',
                      qos(1, QosDurability.TRANSIENT_LOCAL))
        mounts = [self._transform(self._start_ns, BASE_FRAME, c.name, c.ego_from_camera)
                  for c in self._rig.cameras]
        self._write('/tf_static', self._start_ns,
                    self._store.types['tf2_msgs/msg/TFMessage'](mounts))
        for camera in self._rig.cameras:
            self._connect(f'/camera/{camera.name}/camera_info', 'sensor_msgs/msg/CameraInfo',
                          qos(10))
            self._write_info(camera, self._start_ns)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._writer.__exit__(kind, error, trace)

    def write_pose(self, stamp_ns: int, fixed_from_ego: np.ndarray) -> None:
        """
        Write where the vehicle was.

        :param stamp_ns: When.
        :param fixed_from_ego: Pose in the odometry frame, (4, 4), metres.
        """
        moved = self._transform(stamp_ns, ODOM_FRAME, BASE_FRAME, fixed_from_ego)
        self._write('/tf', stamp_ns, self._store.types['tf2_msgs/msg/TFMessage']([moved]))

    def write_image(self, name: str, stamp_ns: int, jpeg: bytes) -> None:
        """
        Write one image and, when the bag carries the calibration, its camera_info.

        :param name: Camera of the rig.
        :param stamp_ns: When it was exposed.
        :param jpeg: The compressed image.
        """
        image = self._store.types['sensor_msgs/msg/CompressedImage'](
            self._header(stamp_ns, name), 'jpeg', np.frombuffer(jpeg, np.uint8))
        if self._in_bag:
            self._write_info(self._rig[name], stamp_ns)
        self._write(f'/camera/{name}/image/compressed', stamp_ns, image)

    def _connect(self, topic: str, msgtype: str, profile: Qos) -> None:
        self._connections[topic] = self._writer.add_connection(
            topic, msgtype, typestore=self._store, offered_qos_profiles=[profile])

    def _write(self, topic: str, stamp_ns: int, message: object) -> None:
        connection = self._connections[topic]
        self._writer.write(connection, stamp_ns,
                           self._store.serialize_cdr(message, connection.msgtype))

    def _header(self, stamp_ns: int, frame: str) -> object:
        types = self._store.types
        stamp = types['builtin_interfaces/msg/Time'](*divmod(stamp_ns, 10**9))
        return types['std_msgs/msg/Header'](stamp, frame)

    def _transform(self, stamp_ns: int, parent: str, child: str, parent_from_child: np.ndarray
                   ) -> object:
        types = self._store.types
        x, y, z = parent_from_child[:3, 3].tolist()
        rotation = quaternion_from_matrix(parent_from_child[:3, :3]).tolist()
        return types['geometry_msgs/msg/TransformStamped'](
            self._header(stamp_ns, parent), child, types['geometry_msgs/msg/Transform'](
                types['geometry_msgs/msg/Vector3'](x, y, z),
                types['geometry_msgs/msg/Quaternion'](*rotation)))

    def _write_info(self, camera: Camera, stamp_ns: int) -> None:
        """Write the intrinsics; the images of the bag are as distorted as the camera says."""
        projection = np.hstack((camera.intrinsics, np.zeros((3, 1))))
        types = self._store.types
        info = types['sensor_msgs/msg/CameraInfo'](
            header=self._header(stamp_ns, camera.name), height=camera.height_px,
            width=camera.width_px, distortion_model=camera.distortion_model or 'plumb_bob',
            d=np.array(camera.distortion if len(camera.distortion) else np.zeros(5)),
            k=camera.intrinsics.reshape(-1).copy(), r=np.eye(3).reshape(-1),
            p=projection.reshape(-1), binning_x=0, binning_y=0,
            roi=types['sensor_msgs/msg/RegionOfInterest'](0, 0, 0, 0, False))
        self._write(f'/camera/{camera.name}/camera_info', stamp_ns, info)
