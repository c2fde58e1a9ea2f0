# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes what a camera rig records: images, calibration and the pose at every exposure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from rosbags.interfaces import QosDurability

from bdc_occ_ros.bags import BASE_FRAME, CALIBRATION_FILE, ODOM_FRAME
from bdc_occ_ros.bags.bag_file import BagFile, qos
from bdc_occ_ros.bags.messages import CAMERA_INFO, COMPRESSED_IMAGE, Messages, TF_MESSAGE
from bdc_occ_ros.bags.recorded_image import RecordedImage
from bdc_occ_ros.bags.recorded_scan import RecordedScan
from bdc_occ_ros.geometry.calibration_file import save_calibration
from bdc_occ_ros.geometry.camera_rig import CameraRig

LEAD_IN_NS = 500_000_000
CALIBRATION_SOURCES = ('tf', 'file')


@dataclass(frozen=True)
class BagSummary:
    """
    What was written.

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
    A bag that is being written as this package likes it; use it in a with statement.

    :param rig: Calibration of the cameras.
    :param calibration: 'tf' writes camera_info and /tf_static into the bag, 'file' writes
        calibration.yaml beside it instead.
    :param start_ns: Stamp of the first exposure; calibration is recorded a little earlier, as
        it would be on a running vehicle.
    :raises UsageError: if the folder exists already or cannot be made.
    """

    def __init__(self, path: str | Path, rig: CameraRig, *, calibration: str, start_ns: int
                 ) -> None:
        self._file = BagFile(path)
        self._messages = Messages(self._file.store)
        self._rig = rig
        self._in_bag = calibration == 'tf'
        self._start_ns = start_ns - LEAD_IN_NS
        self.num_sets = self.num_images = 0

    def __enter__(self) -> 'RigBagWriter':
        file = self._file.__enter__()
        for camera in self._rig.cameras:
            file.connect(f'/camera/{camera.name}/image/compressed', COMPRESSED_IMAGE, qos(10))
        file.connect('/tf', TF_MESSAGE, qos(100))
        if self._in_bag:
            self._write_calibration()
        else:
            save_calibration(self._rig, file.path / CALIBRATION_FILE)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._file.__exit__(kind, error, trace)

    def write_set(self, images: Sequence[RecordedImage], is_keyframe: bool = True,
                  scan: RecordedScan | None = None) -> None:
        """
        Write the images of one trigger, the poses they belong to before each.

        :param images: In the order of their stamps.
        :param is_keyframe: Taken for the sake of other writers; all sets are written alike.
        :param scan: The same; sweeps are not written.
        """
        self.num_sets += 1
        self.num_images += len(images)
        for image in images:
            if image.fixed_from_ego is not None:
                self._write_pose(image.stamp_ns, image.fixed_from_ego)
            if self._in_bag:
                self._write_info(image.camera, image.stamp_ns)
            self._file.write(
                f'/camera/{image.camera}/image/compressed', image.stamp_ns,
                self._messages.compressed_image(image.stamp_ns, image.camera, image.jpeg))

    def _write_calibration(self) -> None:
        """Announce and write the mounts and the intrinsics."""
        self._file.connect('/tf_static', TF_MESSAGE, qos(1, QosDurability.TRANSIENT_LOCAL))
        self._file.write('/tf_static', self._start_ns, self._messages.tf([
            self._messages.transform(self._start_ns, BASE_FRAME, c.name, c.ego_from_camera)
            for c in self._rig.cameras]))
        for camera in self._rig.cameras:
            self._file.connect(f'/camera/{camera.name}/camera_info', CAMERA_INFO, qos(10))
            self._write_info(camera.name, self._start_ns)

    def _write_pose(self, stamp_ns: int, fixed_from_ego: np.ndarray) -> None:
        moved = self._messages.transform(stamp_ns, ODOM_FRAME, BASE_FRAME, fixed_from_ego)
        self._file.write('/tf', stamp_ns, self._messages.tf([moved]))

    def _write_info(self, name: str, stamp_ns: int) -> None:
        self._file.write(f'/camera/{name}/camera_info', stamp_ns,
                         self._messages.camera_info(stamp_ns, name, self._rig[name]))
