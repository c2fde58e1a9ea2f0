# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Derive rays, preprocessing and fields of view from calibrations, and cache them."""

from collections.abc import Callable, Collection, Sequence
import logging
from typing import TypeVar

import numpy as np

from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig, MAX_CAMERAS
from bdc_occ_ros.geometry.frustum import Frustum, ImageConfig
from bdc_occ_ros.geometry.preprocessing import Preprocessor, resized_px, rig_frustum
from bdc_occ_ros.geometry.ray_geometry import RayGeometry
from bdc_occ_ros.geometry.visibility import FieldOfView
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

Value = TypeVar('Value')
_LOGGER = logging.getLogger(__name__)


class RigGeometry:
    """Hold what follows from the calibrations of the cameras that contribute to a frame."""

    def __init__(self, fields_of_view: Sequence[FieldOfView], frustum: Frustum) -> None:
        self.fields_of_view = tuple(fields_of_view)
        self.preprocessors = tuple(view.preprocessor for view in fields_of_view)
        self.rays = RayGeometry([view.camera for view in fields_of_view], frustum)

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
        motions = ([None] * len(self.fields_of_view) if key_ego_from_ego is None
                   else np.linalg.inv(key_ego_from_ego))
        return np.logical_or.reduce(list(map(see, self.fields_of_view, motions)))


class GeometryCache:
    """
    Cache the geometries of recent calibrations.

    Cameras are kept one by one, so that a camera that drops out and returns costs nothing; there
    is room for a rig and its successor.
    """

    def __init__(self, frustum: Frustum) -> None:
        self._frustum = frustum
        self._cameras: dict[bytes, FieldOfView] = {}
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
            views = [self._field_of_view(rig[name], frustum.image) for name in names]
            self._report(rig, frustum.image)
            return RigGeometry(views, frustum)
        return _remembered(self._rigs, rig.fingerprint + '|'.join(names).encode(), derive)

    def prepare(self, camera: Camera) -> None:
        """Derive what follows from one calibration alone, where its faults have one culprit."""
        self._field_of_view(camera, rig_frustum(self._frustum, (camera,)).image)

    def _field_of_view(self, camera: Camera, image: ImageConfig) -> FieldOfView:
        return _remembered(self._cameras, camera.fingerprint + str(image.height_px).encode(),
                           lambda: FieldOfView(camera, Preprocessor(camera, image)))

    def _report(self, rig: CameraRig, image: ImageConfig) -> None:
        """Log the size of the input, and what of the images it leaves out, when it changes."""
        shares = {camera.name: 1 - image.height_px / resized_px(camera, image)[1]
                  for camera in rig.cameras}
        report = '; '.join([f'network input of {image.height_px} rows', *(
            f'the upper {share:.0%} of {name} is left out as sky'
            for name, share in shares.items() if share > 0)])
        if report != self._last_report:
            self._last_report = report
            _LOGGER.info(report)


def _remembered(memory: dict[bytes, Value], key: bytes, make: Callable[[], Value]) -> Value:
    """Return the value of a key, made where it is new; the oldest is evicted."""
    if key not in memory:
        if len(memory) >= 2 * MAX_CAMERAS:
            del memory[next(iter(memory))]
        memory[key] = make()
    return memory[key]
