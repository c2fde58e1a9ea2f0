# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes a drive the way a public converter would, faults included."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from rosbags.interfaces import Qos, QosDurability, QosReliability

from bdc_occ_ros.bags import BASE_FRAME, CALIBRATION_FILE, ODOM_FRAME
from bdc_occ_ros.bags.bag_file import BagFile, qos
from bdc_occ_ros.bags.flavours import Flavour, READING_NS, READING_ORDER
from bdc_occ_ros.bags.messages import (
    CAMERA_INFO,
    CLOUD,
    COMPRESSED_IMAGE,
    IMAGE,
    Messages,
    ODOMETRY,
    TF_MESSAGE,
)
from bdc_occ_ros.bags.recorded_image import RecordedImage
from bdc_occ_ros.bags.recorded_scan import RecordedScan
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.geometry.calibration_file import save_calibration
from bdc_occ_ros.geometry.camera_rig import CameraRig

LIDAR = 'LIDAR_TOP'
QUEUE = {'reliable': 10, 'best_effort': 5}


class FlavourBagWriter:
    """
    A bag of a flavour that is being written; use it in a with statement.

    Every image needs its pose. One keyframe is kept back, since some converters write the pose of
    the next one with it.

    :param rig: Calibration of the cameras.
    :param start_ns: Stamp of the first exposure.
    :param has_file: Whether calibration.yaml is written beside what the converter writes.
    :param ego_from_lidar: Mount of the LiDAR, (4, 4), metres; None without one.
    :raises UsageError: if the folder exists already or cannot be made.
    """

    def __init__(self, path: str | Path, rig: CameraRig, flavour: Flavour, *, start_ns: int,
                 has_file: bool = False, ego_from_lidar: np.ndarray | None = None) -> None:
        self._file = BagFile(path, flavour.storage)
        self._messages = Messages(self._file.store)
        self._rig, self._flavour, self._start_ns = rig, flavour, start_ns
        self._has_file = has_file
        self._mount_of = {camera.name: camera.ego_from_camera for camera in rig.cameras}
        self._has_lidar = ego_from_lidar is not None and flavour.lidar_topic is not None
        if self._has_lidar:
            self._mount_of[LIDAR] = ego_from_lidar
        self.num_sets = self.num_images = 0
        self._is_raw = flavour.encoding != 'jpeg'
        self._last_keyframe: tuple[int, np.ndarray] | None = None
        self._waiting: list[tuple[int, str, Any]] = []

    def __enter__(self) -> 'FlavourBagWriter':
        file, flavour = self._file.__enter__(), self._flavour
        if self._has_file:
            save_calibration(self._rig, file.path / CALIBRATION_FILE)
        for name in self._rig.names:
            file.connect(self._named(flavour.image_topic, name),
                         IMAGE if self._is_raw else COMPRESSED_IMAGE, self._qos())
            if flavour.info_topic:
                file.connect(self._named(flavour.info_topic, name), CAMERA_INFO, self._qos())
        if self._has_lidar:
            file.connect(self._named(flavour.lidar_topic, LIDAR), CLOUD, self._qos())
        if flavour.transforms != 'none':
            file.connect('/tf', TF_MESSAGE, self._qos(100))
        if flavour.transforms == 'static':
            file.connect('/tf_static', TF_MESSAGE, qos(1, QosDurability.TRANSIENT_LOCAL))
            file.write('/tf_static', self._start_ns,
                       self._messages.tf(self._mounts(self._start_ns)))
        if flavour.odometry_topic:
            file.connect(flavour.odometry_topic, ODOMETRY, self._qos())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if error is None:
            self._release(next_keyframe=None)
        self._file.__exit__(kind, error, trace)

    def write_set(self, images: Sequence[RecordedImage], is_keyframe: bool = True,
                  scan: RecordedScan | None = None) -> None:
        """
        Write the images of one trigger.

        :param images: In the order of their stamps.
        :param is_keyframe: Whether the set is annotated, two of which there are per second.
        :param scan: Sweep of the LiDAR at the keyframe, or None.
        :raises UsageError: if an image has no pose.
        """
        if any(image.fixed_from_ego is None for image in images):
            raise UsageError('bags of converters hold a pose for every image; this recording '
                             'does not know them')
        last = images[-1]
        if is_keyframe:
            self._release((last.stamp_ns, last.fixed_from_ego))
        elif self._flavour.is_keyframes_only:
            return
        self.num_sets += 1
        self.num_images += len(images)
        if self._flavour.recorded == 'reading':
            images = sorted(images, key=lambda image: READING_ORDER.index(image.camera))
        for place, image in enumerate(images):
            recorded_ns = image.stamp_ns
            if self._flavour.recorded == 'keyframe' and is_keyframe:
                recorded_ns = last.stamp_ns
            if self._flavour.recorded == 'reading':
                recorded_ns = last.stamp_ns + (place + 1) * READING_NS
            self._add_image(image, recorded_ns)
        if scan is not None:
            is_read = self._flavour.recorded == 'reading'
            self._add_scan(scan, last.stamp_ns + (len(images) + 1) * READING_NS if is_read
                           else scan.stamp_ns)

    def write_sweep(self, scan: RecordedScan) -> None:
        """
        Write a sweep of the LiDAR between keyframes, if the converter takes those.

        :param scan: Later than what was written before.
        """
        if not self._flavour.is_keyframes_only:
            self._add_scan(scan, scan.stamp_ns)

    def _add_image(self, image: RecordedImage, recorded_ns: int) -> None:
        """Queue an image, its camera_info and what is sent about the vehicle at its time."""
        flavour, name = self._flavour, image.camera
        stamp_ns = self._written_ns(image.stamp_ns, recorded_ns)
        self._add_poses(image, recorded_ns)
        frame = self._named(flavour.frame, name)
        if flavour.info_topic:
            self._add(recorded_ns, self._named(flavour.info_topic, name),
                      self._messages.camera_info(
                          stamp_ns, frame, self._rig[name], flavour.rectification,
                          flavour.distortion_model, flavour.num_distortion))
        self._add(recorded_ns, self._named(flavour.image_topic, name),
                  self._image_message(image, stamp_ns, frame))

    def _add_scan(self, scan: RecordedScan, recorded_ns: int) -> None:
        """Queue a sweep and what is sent about the vehicle at its time."""
        flavour = self._flavour
        self._add_poses(scan, recorded_ns)
        self._add(recorded_ns, self._named(flavour.lidar_topic, LIDAR), self._messages.cloud(
            self._written_ns(scan.stamp_ns, recorded_ns), self._named(flavour.frame, LIDAR),
            scan.points, flavour.lidar_layout))

    def _written_ns(self, taken_ns: int, recorded_ns: int) -> int:
        """Return the stamp that a converter gives to a reading."""
        return {'exposure': taken_ns, 'zero': 0, 'writing': recorded_ns}[self._flavour.stamps]

    def _image_message(self, image: RecordedImage, stamp_ns: int, frame: str) -> Any:
        if not self._is_raw:
            return self._messages.compressed_image(stamp_ns, frame, image.jpeg)
        pixels = cv2.imdecode(np.frombuffer(image.jpeg, np.uint8), cv2.IMREAD_COLOR)
        return self._messages.image(stamp_ns, frame, pixels, self._flavour.encoding)

    def _add_poses(self, reading: RecordedImage | RecordedScan, recorded_ns: int) -> None:
        """Queue the transforms and the odometry that go with a reading."""
        flavour, make, pose = self._flavour, self._messages.transform, reading.fixed_from_ego
        stamp_ns = recorded_ns if flavour.stamps == 'writing' else reading.stamp_ns
        if flavour.odometry_topic:
            self._add(recorded_ns, flavour.odometry_topic, self._messages.odometry(
                stamp_ns, flavour.world_frame, BASE_FRAME, pose))
        if flavour.transforms in ('none', 'keyframes'):
            return
        if flavour.transforms == 'static':
            tree = [make(stamp_ns, flavour.world_frame, BASE_FRAME, pose)]
        elif flavour.transforms == 'live':
            tree = [make(stamp_ns, flavour.world_frame, ODOM_FRAME, np.eye(4)),
                    make(stamp_ns, flavour.world_frame, BASE_FRAME, pose),
                    *self._mounts(stamp_ns)]
        else:
            tree = [make(stamp_ns, flavour.world_frame, ODOM_FRAME, np.eye(4)),
                    make(stamp_ns, ODOM_FRAME, BASE_FRAME, pose), *self._mounts(stamp_ns)]
        self._add(recorded_ns, '/tf', self._messages.tf(tree))

    def _mounts(self, stamp_ns: int) -> list[Any]:
        """Return where every sensor is on the vehicle."""
        return [self._messages.transform(
            stamp_ns, BASE_FRAME, self._named(self._flavour.frame or '{lower}', name), mount)
            for name, mount in self._mount_of.items()]

    def _release(self, next_keyframe: tuple[int, np.ndarray] | None) -> None:
        """Write what waited for the next keyframe, now that it is known."""
        if self._flavour.transforms == 'keyframes' and self._last_keyframe is not None:
            poses = [entry for entry in (self._last_keyframe, next_keyframe) if entry is not None]
            tree = [part for stamp_ns, pose in poses for part in (
                self._messages.transform(stamp_ns, self._flavour.world_frame, BASE_FRAME, pose),
                *self._mounts(stamp_ns))]
            self._add(self._last_keyframe[0], '/tf', self._messages.tf(tree))
        for recorded_ns, topic, message in sorted(self._waiting, key=lambda entry: entry[0]):
            self._file.write(topic, recorded_ns, message)
        self._waiting = []
        self._last_keyframe = next_keyframe

    def _add(self, recorded_ns: int, topic: str, message: Any) -> None:
        self._waiting.append((recorded_ns, topic, message))

    def _named(self, pattern: str, name: str) -> str:
        return pattern.format(name=name, lower=name.lower(),
                              number=list(self._mount_of).index(name))

    def _qos(self, depth: int | None = None) -> Qos | None:
        """Return what the bag says that a publisher offered."""
        if self._flavour.reliability is None:
            return None
        return qos(depth or QUEUE[self._flavour.reliability],
                   reliability=QosReliability[self._flavour.reliability.upper()])
