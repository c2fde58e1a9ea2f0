# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Compute sensor times of the nuScenes vehicles, and load their published camera rigs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bdc_occ_ros.geometry.calibration_file import load_calibration
from bdc_occ_ros.geometry.camera_rig import CameraRig
from bdc_occ_ros.share import share_path
from bdc_occ_ros.sync.synthetic_triggers import NUSCENES_OFFSETS_NS
from bdc_occ_ros.world.scene import Scene

RIG_NAMES = ('nuscenes_n015', 'nuscenes_n008', 'nuscenes_n008_2018_05')
SWEEP_END_S = 0.0431
LIDAR_TRANSLATION_M = (0.94, 0.0, 1.84)


def published_rigs(names: Sequence[str] = RIG_NAMES) -> tuple[CameraRig, ...]:
    """Return rigs of real vehicles, from YAML files."""
    return tuple(load_calibration(share_path('config', f'calibration_{name}.yaml'))
                 for name in names)


@dataclass(frozen=True, eq=False)
class SensorTiming:
    """
    Compute times and poses of one firing of all sensors.

    The cameras fire one after another while the LiDAR turns; the key camera begins, and the sweep
    ends 43.1 ms later. The vehicle moves meanwhile. Everything else is caught at the end of the
    sweep: labels, boxes and all images show one and the same instant.

    :param time_s: Exposure of the key camera since the scene began.
    """

    scene: Scene
    rig: CameraRig
    time_s: float

    @property
    def lidar_time_s(self) -> float:
        """Return the end of the sweep, at which the world is caught."""
        return self.time_s + SWEEP_END_S

    def exposure_s(self, camera: str) -> float:
        """Return when a camera fires; one unknown to nuScenes fires with the key camera."""
        return self.time_s + NUSCENES_OFFSETS_NS.get(camera, 0) * 1e-9

    def world_from_ego(self, camera: str) -> np.ndarray:
        """Return the pose of the vehicle when a camera fires, (4, 4), metres."""
        return self.scene.world_from_ego(self.exposure_s(camera))

    @cached_property
    def world_from_key_ego(self) -> np.ndarray:
        """Return the pose of the vehicle at the exposure of the key camera, (4, 4), metres."""
        return self.world_from_ego(self.rig.key_camera)

    @cached_property
    def world_from_lidar_ego(self) -> np.ndarray:
        """Return the pose of the vehicle at the end of the sweep, (4, 4), metres."""
        return self.scene.world_from_ego(self.lidar_time_s)

    @cached_property
    def world_from_cameras(self) -> np.ndarray:
        """Return the poses of the cameras at their exposures, (N, 4, 4), metres."""
        return np.stack([self.world_from_ego(camera.name) @ camera.ego_from_camera
                         for camera in self.rig.cameras])


def ego_from_lidar() -> np.ndarray:
    """Return the mount of the LiDAR, x to the right, y ahead, as on nuScenes, (4, 4), metres."""
    mount = np.eye(4)
    mount[:2, :2] = (0.0, 1.0), (-1.0, 0.0)
    mount[:3, 3] = LIDAR_TRANSLATION_M
    return mount
