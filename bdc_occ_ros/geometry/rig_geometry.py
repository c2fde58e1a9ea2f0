# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Derive rays, preprocessing and fields of view from calibrations, and cache them."""

from collections.abc import Callable, Collection, Sequence
import logging
from typing import NamedTuple, TypeVar

import numpy as np

from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig, MAX_CAMERAS
from bdc_occ_ros.geometry.frustum import Frustum, ImageConfig
from bdc_occ_ros.geometry.preprocessing import Preprocessor, resized_px, rig_frustum
from bdc_occ_ros.geometry.ray_geometry import RayGeometry
from bdc_occ_ros.geometry.visibility import FieldOfView
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

Value = TypeVar('Value')
_LOGGER = logging.getLogger(__name__)


class CameraGeometry(NamedTuple):
    """Hold what follows from the calibration of one camera, at the size of its images."""

    camera: Camera
    preprocessor: Preprocessor
    field_of_view: FieldOfView


class RigGeometry:
    """Hold what follows from the calibrations of the cameras that contribute to a frame."""

    def __init__(self, cameras: Sequence[CameraGeometry], frustum: Frustum) -> None:
        self.cameras = tuple(cameras)
        self.preprocessors = tuple(camera.preprocessor for camera in cameras)
        self.rays = RayGeometry([camera.camera for camera in cameras], frustum)

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
        observed = np.zeros(grid.shape, dtype=bool)
        motions = ([None] * len(self.cameras) if key_ego_from_ego is None
                   else np.linalg.inv(key_ego_from_ego))
        for camera, motion in zip(self.cameras, motions):
            observed |= camera.field_of_view.cells(grid, motion)
        return observed


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
        self._last_report = ''

    def of(self, rig: CameraRig, names: Collection[str]) -> RigGeometry:
        """
        Return the geometry of those cameras of a rig that contribute.

        The size of the input is that of the whole rig, whichever contribute.

        :param names: In the order of the network.
        """
        def derive() -> RigGeometry:
            frustum = rig_frustum(self._frustum, rig.cameras)
            cameras = [self._camera(rig[name], frustum) for name in names]
            self._report(rig, frustum.image)
            return RigGeometry(cameras, frustum)
        return _remembered(self._rigs, rig.fingerprint + '|'.join(names).encode(), derive)

    def _report(self, rig: CameraRig, image: ImageConfig) -> None:
        """Log the size of the input, and what of the images it leaves out, when it changes."""
        shares = {camera.name: 1 - image.height_px / resized_px(camera, image)[1]
                  for camera in rig.cameras}
        report = f'network input of {image.height_px} rows, {image.width_px} pixels wide' + ''.join(
            f'; of {name} the upper {share:.0%} is left out as sky'
            for name, share in shares.items() if share > 0)
        if report != self._last_report:
            self._last_report = report
            _LOGGER.info(report)

    def _camera(self, camera: Camera, frustum: Frustum) -> CameraGeometry:
        def derive() -> CameraGeometry:
            preprocessor = Preprocessor(camera, frustum.image)
            return CameraGeometry(camera, preprocessor, FieldOfView(camera, preprocessor))
        return _remembered(
            self._cameras, camera.fingerprint + str(frustum.image.height_px).encode(), derive)


def _remembered(memory: dict[bytes, Value], key: bytes, make: Callable[[], Value]) -> Value:
    """Return the value of a key, made where it is new; the oldest is evicted."""
    if key not in memory:
        if len(memory) >= 2 * MAX_CAMERAS:
            del memory[next(iter(memory))]
        memory[key] = make()
    return memory[key]
