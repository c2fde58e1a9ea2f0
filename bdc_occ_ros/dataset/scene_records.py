# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a scene consists of before it is written as tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bdc_occ_ros.geometry.camera_rig import CameraRig

LIDAR = 'LIDAR_TOP'


@dataclass(frozen=True, eq=False)
class SensorReading:
    """
    One image or LiDAR sweep.

    :param stamp_us: When, microseconds.
    :param data: JPEG bytes, or points (N, 5) float32: x y z in the LiDAR frame, metres,
        intensity, ring.
    :param world_from_ego: Pose of the vehicle then, (4, 4), metres.
    """

    stamp_us: int
    data: bytes | np.ndarray
    world_from_ego: np.ndarray


@dataclass(frozen=True, eq=False)
class Annotation:
    """
    One object at the time of a sample.

    :param instance: Name of the object, the same in all samples of the scene.
    :param class_name: Class of the detection task.
    :param world_from_box: Pose of its centre, x ahead, (4, 4), metres.
    :param num_lidar_points: LiDAR points on it.
    :param visibility: 1 (hardly) to 4 (all of it), as nuScenes grades it.
    """

    instance: str
    class_name: str
    world_from_box: np.ndarray
    size_m: tuple[float, float, float]
    speed_mps: float
    num_lidar_points: int
    visibility: int = 4


@dataclass(frozen=True, eq=False)
class SampleRecord:
    """
    One annotated moment.

    :param stamp_us: Time of the sample, that of the LiDAR sweep.
    :param lidar: Sweep, or None.
    :param sweeps: Images between this sample and the next, by camera, in the order of time.
    """

    stamp_us: int
    images: Mapping[str, SensorReading]
    lidar: SensorReading | None
    annotations: Sequence[Annotation]
    sweeps: Sequence[tuple[str, SensorReading]] = ()


@dataclass(frozen=True, eq=False)
class SceneDescription:
    """
    What stays the same during a scene.

    :param name: Unique in the data set, for example scene-0001.
    :param ego_from_lidar: Mount of the LiDAR, (4, 4), metres.
    :param vehicle: Name of the vehicle.
    :param location: Name of the place.
    """

    name: str
    description: str
    rig: CameraRig
    ego_from_lidar: np.ndarray
    vehicle: str
    location: str
