# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Derive rays, preprocessing and fields of view from calibrations, and cache them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from bdc_occ_ros.geometry.camera_rig import Camera, MAX_CAMERAS
from bdc_occ_ros.geometry.frustum import Frustum
from bdc_occ_ros.geometry.preprocessing import Preprocessor
from bdc_occ_ros.geometry.ray_geometry import RayGeometry
from bdc_occ_ros.geometry.visibility import FieldOfView
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

Value = TypeVar('Value')


class CameraGeometry(NamedTuple):
    """Hold what follows from the calibration of one camera, at the size of its images."""

    camera: Camera
    preprocessor: Preprocessor
    field_of_view: FieldOfView


class RigGeometry:
    """Hold what follows from the calibrations of the cameras that contribute to a frame."""

    def __init__(self, cameras: Sequence[CameraGeometry], frustum: Frustum) -> None:
        self.preprocessors = tuple(camera.preprocessor for camera in cameras)
        self.rays = RayGeometry(
            [camera.camera for camera in cameras],
            np.stack([camera.preprocessor.input_from_image for camera in cameras]), frustum)
        self._fields_of_view = tuple(camera.field_of_view for camera in cameras)

    def observed_cells(self, grid: VoxelGrid,
                       key_ego_from_ego: np.ndarray | None = None) -> np.ndarray:
        """
        Return which cells at least one of the cameras sees.

        The motion of the vehicle between the exposures is taken into account, so that no cell
        counts as seen that a camera had already passed.

        :param grid: Grid in the ego frame of the key camera's exposure.
        :param key_ego_from_ego: Per camera the motion of the vehicle between its own exposure
            and that of the key camera, (N, 4, 4); None if it stood still.
        :return: (X, Y, Z) bool.
        """
        return self._any(lambda view, motion: view.cells(grid, motion), key_ego_from_ego)

    def observed_points(self, points_m: np.ndarray,
                        key_ego_from_ego: np.ndarray | None = None) -> np.ndarray:
        """Return which points, (N, 3), at least one of the cameras sees, (N,) bool."""
        return self._any(lambda view, motion: view.points(points_m, motion), key_ego_from_ego)

    def _any(self, see: Callable[[FieldOfView, np.ndarray | None], np.ndarray],
             key_ego_from_ego: np.ndarray | None) -> np.ndarray:
        motions = ([None] * len(self._fields_of_view) if key_ego_from_ego is None
                   else np.linalg.inv(key_ego_from_ego))
        return np.logical_or.reduce(list(map(see, self._fields_of_view, motions)))


class GeometryCache:
    """
    Cache the geometries of recent calibrations.

    Cameras are kept one by one, so that a camera that drops out and returns costs nothing; there
    is room for a rig and its successor.
    """

    def __init__(self, frustum: Frustum) -> None:
        self._frustum = frustum
        self._cameras: dict[bytes, CameraGeometry] = {}
        self._rigs: dict[bytes, RigGeometry] = {}

    def of(self, cameras: Sequence[Camera]) -> RigGeometry:
        """Return the geometry of cameras, which are in the order of the network."""
        fingerprint = b''.join(camera.fingerprint for camera in cameras)
        return _remembered(self._rigs, fingerprint, lambda: RigGeometry(
            [self.prepare(camera) for camera in cameras], self._frustum))

    def prepare(self, camera: Camera) -> CameraGeometry:
        """Return the geometry of one camera."""
        def derive() -> CameraGeometry:
            preprocessor = Preprocessor(camera, self._frustum.image)
            return CameraGeometry(camera, preprocessor, FieldOfView(camera, preprocessor))
        return _remembered(self._cameras, camera.fingerprint, derive)


def _remembered(memory: dict[bytes, Value], key: bytes, make: Callable[[], Value]) -> Value:
    """Return the value of a key, made where it is new; the oldest is evicted."""
    if key not in memory:
        if len(memory) >= 2 * MAX_CAMERAS:
            del memory[next(iter(memory))]
        memory[key] = make()
    return memory[key]
