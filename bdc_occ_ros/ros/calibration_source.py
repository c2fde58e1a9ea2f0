# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Keep the newest calibration of every camera, from a file or from camera_info and TF.

Nothing here waits: what has arrived is used, what is missing is named. A change of either source
gives another fingerprint, and the predictor makes its geometry anew.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
import threading

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo

from bdc_occ_ros.errors import InvalidCalibrationError, TransformUnavailableError
from bdc_occ_ros.geometry.calibration_file import load_calibration
from bdc_occ_ros.geometry.camera_info import camera_from_info, camera_info_remarks
from bdc_occ_ros.geometry.camera_rig import Camera
from bdc_occ_ros.ros.boundary import Boundary, described
from bdc_occ_ros.ros.conversions import ego_from_optical
from bdc_occ_ros.ros.node_config import NodeConfig
from bdc_occ_ros.ros.subscriptions import StoredSubscription
from bdc_occ_ros.ros.transforms import TransformListener

SAME_MOUNT = 1e-6  # metres, and sines of angles: the noise of a pose that went through TF
STEEPEST_AXIS = 0.9  # no camera of a surround rig looks up or down more steeply


def cameras_from_file(config: NodeConfig) -> dict[str, Camera]:
    """
    Return the cameras of the calibration file, in the order of the network.

    :raises InvalidCalibrationError: if the file cannot be used or lacks a camera.
    """
    path = config.calibration_file
    rig = load_calibration(path)
    missing = sorted(set(config.cameras) - set(rig.names))
    if missing:
        raise InvalidCalibrationError(
            f'{path} has no {", ".join(missing)}; it has {", ".join(rig.names)}')
    cameras = {name: rig[name] for name in config.cameras}
    if config.undistort:
        return cameras
    return {name: replace(camera, distortion_model='', distortion=np.zeros(0))
            for name, camera in cameras.items()}


class CalibrationSource:
    """
    Keep the newest calibration of every camera.

    :param qos: Quality of service of camera_info.
    :raises InvalidCalibrationError: if there is a calibration file that cannot be used.
    """

    def __init__(self, node: Node, config: NodeConfig, transforms: TransformListener,
                 qos: QoSProfile) -> None:
        self.num_changes = 0
        self.source = config.calibration_file or 'camera_info and TF'
        self._node = node
        self._config = config
        self._transforms = transforms
        self._boundary = Boundary(node)
        self._lock = threading.Lock()
        self._infos: dict[str, CameraInfo] = {}
        self._cameras: dict[str, Camera] = {}
        self._mounts: dict[str, np.ndarray] = {}
        self._problems: dict[str, str] = {}
        self._subscriptions: list[StoredSubscription] = []
        self.reload()
        if not config.calibration_file:
            self._subscriptions = [
                StoredSubscription(node, CameraInfo, config.camera[name].info,
                                   partial(self._take_info, name), qos)
                for name in config.cameras]

    def destroy(self) -> None:
        """Stop listening."""
        for subscription in self._subscriptions:
            subscription.destroy()

    def follow_publishers(self) -> None:
        """Ask for what is stored where it is offered."""
        for subscription in (*self._subscriptions, self._transforms.static):
            subscription.update()

    def reload(self) -> None:
        """
        Read the calibration file again, or forget what camera_info and TF said so far.

        :raises InvalidCalibrationError: if the file cannot be used; the old one stays then.
        """
        cameras = cameras_from_file(self._config) if self._config.calibration_file else {}
        with self._lock:
            self._infos.clear()
            self._cameras = cameras
            self._problems.clear()
            self._transforms.refusals = {}
        for subscription in self._subscriptions:
            subscription.renew()

    def cameras(self) -> dict[str, Camera]:
        """Return the cameras whose calibration is known now, in the order of the network."""
        with self._lock:
            if not self._config.calibration_file:
                self._refresh()
            return {name: self._cameras[name] for name in self._config.cameras
                    if name in self._cameras}

    def problems(self) -> Mapping[str, str]:
        """Return why a camera is not calibrated, by name of camera."""
        with self._lock:
            return dict(self._problems)

    def remarks(self) -> Mapping[str, str]:
        """Return what is odd about a calibration that is used, by name of camera."""
        with self._lock:
            remarks = {name: list(camera_info_remarks(info, self._config.rectified))
                       for name, info in self._infos.items()}
            for name, camera in self._cameras.items():
                refusal = self._transforms.refusals.get(self._config.camera[name].frame)
                if refusal is not None:
                    remarks.setdefault(name, []).append(
                        f'a transform was refused, the one before it stays: {refusal}')
                axis_up = camera.ego_from_camera[2, 2]
                if abs(axis_up) > STEEPEST_AXIS:
                    remarks.setdefault(name, []).append(
                        f'it looks straight {"up" if axis_up > 0 else "down"}; is its frame an '
                        'optical one? See camera_frame_convention')
        return {name: '; '.join(said) for name, said in remarks.items() if said}

    def _take_info(self, name: str, info: CameraInfo) -> None:
        with self._lock:
            self._infos[name] = info

    def _refresh(self) -> None:
        """Bring every camera up to date; a camera that cannot be trusted is left out."""
        for name in self._config.cameras:
            with self._boundary.around(name, partial(self._leave_out, name)):
                camera = self._current(name)
                self._problems.pop(name, None)
                known = self._cameras.get(name)
                if known is not None and camera.fingerprint != known.fingerprint:
                    self.num_changes += 1
                    self._node.get_logger().warning(f'{name}: the calibration changed',
                                                    throttle_duration_sec=5.0)
                self._cameras[name] = camera

    def _leave_out(self, name: str, error: Exception) -> None:
        self._cameras.pop(name, None)
        self._problems[name] = described(error)

    def _current(self, name: str) -> Camera:
        """Return one camera as camera_info and TF describe it now."""
        if name not in self._infos:
            raise InvalidCalibrationError(
                f'{name}: no camera_info on {self._config.camera[name].info}; publish it or set '
                'calibration_file')
        return camera_from_info(self._infos[name], name, self._mount(name),
                                self._config.rectified, self._config.undistort)

    def _mount(self, name: str) -> np.ndarray:
        """Return ego_from_camera by the newest transforms; the one before where it is the same."""
        frame = self._config.camera[name].frame
        try:
            mount = self._transforms.tree.lookup(self._config.base_frame, frame)
        except TransformUnavailableError as error:
            refusal = self._transforms.refusals.get(frame)
            raise InvalidCalibrationError(f'{name}: {refusal or error}') from error
        mount = ego_from_optical(mount, self._config.camera_frame_convention)
        known = self._mounts.get(name)
        if known is not None and np.abs(known - mount).max() <= SAME_MOUNT:
            return known
        self._mounts[name] = mount
        return mount
